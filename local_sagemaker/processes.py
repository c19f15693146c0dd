"""Runs the processes of a job: together, within a time limit, and killed together."""

import concurrent.futures
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local_sagemaker.errors import ServiceFaultError, StepFailedError, StoppedError

_LOG_TAIL = 4096


@dataclass(frozen=True)
class Instance:
    """One process: its command, environment, log, and the files in which it may say why it failed."""

    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    failure_files: Sequence[Path] = ()


class Processes:
    """All running processes of an execution, so that a stop reaches every one."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._is_stopped = False

    def run(self, instances: Sequence[Instance], limit_seconds: float) -> None:
        """Run the instances of a job to their end; the first that fails ends the others.

        Raises:
            StepFailedError: one exited with a status, or the time is over.
            ServiceFaultError: one was killed by a signal.
            StoppedError: ``stop`` was called.
        """
        started = [self._start(instance) for instance in instances]
        deadline = time.monotonic() + limit_seconds
        try:
            if len(started) == 1:
                self._wait_for_one(started[0], deadline)
            else:
                self._wait_for_all(started, deadline)
        except subprocess.TimeoutExpired as error:
            raise StepFailedError(f"the job ran longer than its {limit_seconds:g} seconds (StoppingCondition)") from error
        finally:
            for process in started:
                _kill_group(process)
                process.wait()
                with self._lock:
                    self._running.discard(process)
        if self._is_stopped:
            raise StoppedError
        _raise_for_status(instances, [process.returncode for process in started])

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

    def _wait_for_one(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        process.wait(max(deadline - time.monotonic(), 0))

    def _wait_for_all(self, started: Sequence[subprocess.Popen[bytes]], deadline: float) -> None:
        with concurrent.futures.ThreadPoolExecutor(len(started)) as pool:
            waits = {pool.submit(process.wait): process for process in started}
            waiting = set(waits)
            try:
                while waiting:
                    done, waiting = concurrent.futures.wait(
                        waiting, max(deadline - time.monotonic(), 0), concurrent.futures.FIRST_COMPLETED
                    )
                    if not done:
                        raise subprocess.TimeoutExpired(started[0].args, 0)
                    if any(wait.result() for wait in done):
                        return
            finally:
                for process in started:
                    _kill_group(process)


def _raise_for_status(instances: Sequence[Instance], codes: Sequence[int]) -> None:
    exits = [(code, instance) for code, instance in zip(codes, instances, strict=True) if code > 0]
    kills = [(code, instance) for code, instance in zip(codes, instances, strict=True) if code < 0]
    # Where one exited and others were then killed by us, the exit is the cause.
    for code, instance in exits:
        raise StepFailedError(_cause(instance) or f"the script exited with status {code}")
    for code, _ in kills:
        # Real-time signals have no name.
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        raise ServiceFaultError("SageMaker.JOB_INTERNAL_ERROR", f"the process was killed by {name} (out of memory?)")


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


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
