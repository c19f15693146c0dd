"""What an execution tells while it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Event:
    """A step's new state: Executing, Retrying, Succeeded, Failed, Stopped or NotExecuted.

    ``seconds`` is the time the step has taken, ``reason`` why it failed or is
    tried again, ``log`` the log of its latest job. ``progress`` says how far
    a step has come that is still Executing.
    """

    step: str
    type: str
    status: str
    seconds: float = 0.0
    cached: bool = False
    attempts: int = 0
    reason: str = ""
    progress: str = ""
    log: Path | None = None


Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """A listener that does not listen."""
