"""What every kind of job needs, and what it leaves."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_sagemaker.errors import StepFailedError
from local_sagemaker.history import History, Move
from local_sagemaker.home import Home
from local_sagemaker.processes import Processes
from local_sagemaker.runtimes import Runtime, Runtimes
from local_sagemaker.sandbox import Isolation, Sandbox
from local_sagemaker.slots import Slots

_DEFAULT_LIMIT = 86_400


@dataclass(frozen=True, kw_only=True)
class Context:
    """The surroundings of one attempt at a step. ``folder`` is its own, and so is ``job_name``.

    ``slots`` are the run's: a job holds ``threads`` of them while it runs, except one that takes them by itself.
    ``tell`` shows how far it has come.
    """

    name: str
    execution: str
    job_name: str
    folder: Path
    home: Home
    history: History
    runtimes: Runtimes
    processes: Processes
    isolation: Isolation
    threads: int
    slots: Slots
    tell: Callable[[str], None]

    @property
    def log(self) -> Path:
        """The log of the first instance; others are numbered."""
        return self.folder / "algo-1.log"

    def sandboxes(self, count: int) -> list[tuple[str, Sandbox]]:
        """One per instance, by host name."""
        hosts = [f"algo-{number + 1}" for number in range(count)]
        return [(host, Sandbox(self.folder / host / "ml", self.isolation)) for host in hosts]


@dataclass(frozen=True)
class Outcome:
    """The properties that later steps can read, and the outputs to move into place."""

    properties: Mapping[str, Any]
    moves: Sequence[Move] = field(default_factory=list)


def job_name(execution: str, step: str, attempt: int) -> str:
    """A name of its own for every attempt at every job, and no longer than the service's may be."""
    name = f"pipelines-{execution}-{step}"
    return shortened(name if attempt == 1 else f"{name}-{attempt}", 63)


def shortened(name: str, length: int) -> str:
    """The name, cut where it is too long, with a digest so that two long names stay two."""
    return name if len(name) <= length else f"{name[: length - 7]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def time_limit(request: Mapping[str, Any]) -> float:
    return float(request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DEFAULT_LIMIT))


def instance_count(cluster: Mapping[str, Any]) -> int:
    count = int(cluster.get("InstanceCount", 1))
    if count < 1:
        raise StepFailedError(f"InstanceCount is {count}")
    return count


def share_of(distribution: object, number: int, count: int) -> tuple[int, int]:
    """Which objects an instance gets: all, or every ``count``-th."""
    return (number, count) if distribution == "ShardedByS3Key" else (0, 1)


def interpreter(command: Sequence[str], runtime: Runtime) -> list[str]:
    """The command, with the container's Python replaced by the runtime's."""
    first = runtime.python if Path(command[0]).name in ("python", "python3") else command[0]
    return [first, *command[1:]]


def container_path(sandbox: Sandbox, path: str, what: str) -> Path:
    """The folder for a path of the container.

    Raises:
        StepFailedError: it cannot be mapped.
    """
    try:
        return sandbox.path(path)
    except ValueError as error:
        raise StepFailedError(f"{what}: {error}") from error


def python_path(runtime: Runtime, home: Home) -> dict[str, str]:
    """The environment that makes a runtime's extra packages importable."""
    folder = runtime.package_folder(home.folder)
    return {"PYTHONPATH": str(folder)} if folder else {}
