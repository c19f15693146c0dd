"""Runs the processes of a job: together, within a time limit, and killed together."""

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local_sagemaker.errors import ServiceFaultError, StepFailedError, StoppedError, TimeLimitError

_LOG_TAIL = 4096
_WATCH_SECONDS = 0.2
_GRACE_SECONDS = 1.0

Watch = Callable[[], None]
"""Called every now and then while a job runs; it ends the job by raising."""


@dataclass(frozen=True)
class Instance:
    """One process: its command, environment, log, and the files in which it may say why it failed."""

    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    failure_files: Sequence[Path] = ()

    @property
    def name(self) -> str:
        """The host's name, after which its log is called."""
        return self.log.stem


class Processes:
    """All running processes of an execution, so that a stop reaches every one."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._is_stopped = False

    def run(self, instances: Sequence[Instance], limit_seconds: float, watch: Watch | None = None) -> None:
        """Run the instances of a job to their end; the first that fails ends the others.

        Raises:
            StepFailedError: one exited with a status; of several, the one that was first.
            ServiceFaultError: one was killed by a signal.
            TimeLimitError: the time is over.
            StoppedError: ``stop`` was called.
        """
        started: list[subprocess.Popen[bytes]] = []
        deadline = time.monotonic() + limit_seconds
        try:
            for instance in instances:
                started.append(self._start(instance))
            failed = _failed(started, deadline, watch)
        except queue.Empty as error:
            raise TimeLimitError(f"the job ran longer than its {limit_seconds:g} seconds (StoppingCondition)") from error
        finally:
            for process in started:
                _kill_group(process)
                process.wait()
                with self._lock:
                    self._running.discard(process)
        if self._is_stopped:
            raise StoppedError
        if failed:
            # Whoever fails says so and then lets go of its peers, who say so in turn: the first to fall silent is the cause.
            first = min(failed, key=lambda number: _last_written(instances[number].log))
            raise _failure(instances[first], started[first].returncode, is_alone=len(instances) == 1)

    def stop(self) -> None:
        """Kill every process with all that it has started, and let no new one start."""
        with self._lock:
            self._is_stopped = True
            for process in self._running:
                _kill_group(process)

    def _start(self, instance: Instance) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._is_stopped:
                raise StoppedError
            with instance.log.open("ab") as log:
                process = subprocess.Popen(
                    instance.command, env=dict(instance.environment), stdin=subprocess.DEVNULL,
                    stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                )  # fmt: skip
            self._running.add(process)
            return process


def _failed(started: Sequence[subprocess.Popen[bytes]], deadline: float, watch: Watch | None) -> list[int]:
    """Wait until all have ended or one has failed, and return those that failed by themselves, in the order of their ends.

    When one has failed, the others have a moment to end by themselves: the first to end may be one that lost
    its peer while that was still on its way out. Raises ``queue.Empty`` when the time is over.
    """
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()

    def wait_for(number: int) -> None:
        started[number].wait()
        ended.put(number)

    for number in range(len(started)):
        threading.Thread(target=wait_for, args=(number,), daemon=True).start()
    waiting = len(started)
    failed: list[int] = []
    while waiting:
        left = max(deadline - time.monotonic(), 0)
        try:
            number = ended.get(timeout=left if watch is None or failed else min(left, _WATCH_SECONDS))
        except queue.Empty:
            if failed:
                break
            if watch is None or time.monotonic() >= deadline:
                raise
            watch()
            continue
        waiting -= 1
        if started[number].returncode:
            failed.append(number)
            deadline = min(deadline, time.monotonic() + _GRACE_SECONDS)
    return failed


def _failure(instance: Instance, code: int, *, is_alone: bool) -> StepFailedError:
    if code > 0:
        cause = _cause(instance) or f"the script exited with status {code}"
        return StepFailedError(cause if is_alone else f"instance {instance.name} failed: {cause}")
    # Real-time signals have no name.
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    who = "the process" if is_alone else f"instance {instance.name}"
    return ServiceFaultError("SageMaker.JOB_INTERNAL_ERROR", f"{who} was killed by {name} (out of memory?)")


def _cause(instance: Instance) -> str:
    """What the job itself says, else the last line of its log."""
    for file in instance.failure_files:
        with suppress(OSError):
            if text := file.read_text(errors="replace").strip():
                return text[:1024]
    with suppress(OSError), instance.log.open("rb") as log:
        log.seek(0, os.SEEK_END)
        log.seek(max(log.tell() - _LOG_TAIL, 0))
        lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1][:1024] if lines else ""
    return ""


def _last_written(log: Path) -> int:
    return log.stat().st_mtime_ns if log.exists() else 0


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
