"""Processes that run tasks side by side and give the results back in order."""

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

from fraud.errors import InputError
from fraud.scoring.tasks import State, Task

_WAITING_PER_WORKER = 2


class WorkerError(Exception):
    """A worker has ended or failed; the message says how."""


class Here:
    """Runs tasks in this process: for little work, which would be done before a process has started."""

    def __init__(self, state: State) -> None:
        self._state = state

    def map(self, tasks: Iterable[Task]) -> Iterator[Any]:
        for task in tasks:
            yield task.run(self._state)

    def __enter__(self) -> "Here":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass


class Workers:
    """``count`` processes; each works with one thread.

    A thread for each talks to it through its pipes. Tasks are taken from
    their source only as fast as results are taken, so that memory is bounded.
    """

    def __init__(self, count: int, model_folder: Path, customers_folder: Path) -> None:
        command = [sys.executable, "-m", "fraud.scoring.worker", str(model_folder), str(customers_folder)]
        environment = dict(os.environ) | {"OMP_NUM_THREADS": "1"}
        self._processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) for _ in range(count)
        ]
        self._own = threading.local()
        self._threads = ThreadPoolExecutor(count, initializer=self._take, initargs=(list(self._processes),))

    def map(self, tasks: Iterable[Task]) -> Iterator[Any]:
        """The tasks' results, in the order of the tasks.

        Raises:
            InputError: as the task raised it.
            WorkerError: a worker died, or the task raised anything else.
        """
        waiting: deque[Future[Any]] = deque()
        for task in tasks:
            waiting.append(self._threads.submit(self._run, task))
            if len(waiting) >= _WAITING_PER_WORKER * len(self._processes):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _take(self, free: list[subprocess.Popen[bytes]]) -> None:
        self._own.process = free.pop()

    def _run(self, task: Task) -> Any:
        process: subprocess.Popen[bytes] = self._own.process
        assert process.stdin
        assert process.stdout
        try:
            pickle.dump(task, process.stdin, pickle.HIGHEST_PROTOCOL)
            process.stdin.flush()
            is_done, result = pickle.load(process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            raise WorkerError(f"a worker process ended with exit code {process.wait()} before it was done") from None
        if is_done:
            return result
        if isinstance(result, InputError):
            raise result
        raise WorkerError(result)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process in self._processes:
            process.kill()
        self._threads.shutdown(cancel_futures=True)
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                # What was on its way to a worker that is gone cannot be delivered.
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()  # type: ignore[union-attr]
