"""Shows a run while it runs: a live table on a terminal, plain lines elsewhere."""

import sys
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from local_sagemaker import Event

if TYPE_CHECKING:
    # Loaded only where there is a terminal: it takes as long as a run that is all cached.
    from rich.table import Table

_SIGNS = {
    "Waiting": ("·", "dim"), "Executing": ("▶", "cyan"), "Retrying": ("↻", "yellow"), "Succeeded": ("✓", "green"),
    "Failed": ("✗", "bold red"), "Stopped": ("■", "yellow"), "NotExecuted": ("–", "dim"),
}  # fmt: skip


class PlainProgress:
    """One line an event, on standard error, so that standard output stays for the result."""

    def __enter__(self) -> "PlainProgress":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def __call__(self, event: Event) -> None:
        if event.status != "NotExecuted":
            # One write: steps that run side by side must not share a line.
            sys.stderr.write(f"{event.step}: {_state(event)}\n")
            sys.stderr.flush()


class LiveProgress:
    """A table that is redrawn four times a second."""

    def __init__(self, steps: Sequence[str]) -> None:
        from rich.console import Console
        from rich.live import Live

        self._events: dict[str, Event] = {}
        self._since: dict[str, float] = {}
        self._steps = steps
        self._lock = threading.Lock()
        self._live = Live(console=Console(stderr=True), refresh_per_second=4, get_renderable=self._table)

    def __enter__(self) -> "LiveProgress":
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._events[event.step] = event
            self._since[event.step] = time.monotonic() - event.seconds

    def _table(self) -> "Table":
        from rich.table import Table

        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        with self._lock:
            for step in self._steps:
                event = self._events.get(step)
                status = event.status if event else "Waiting"
                sign, style = _SIGNS[status]
                is_running = status in ("Executing", "Retrying")
                seconds = time.monotonic() - self._since[step] if event and is_running else event.seconds if event else 0
                said = "" if event is None else _state(event).partition(" in ")[0]
                table.add_row(f"[{style}]{sign}[/]", step, f"[{style}]{said}[/]", f"{seconds:6.1f} s" if seconds else "")
        return table


def progress(steps: Sequence[str], *, is_quiet: bool = False) -> PlainProgress | LiveProgress:
    """Live on a terminal, plain lines elsewhere and when asked to be quiet."""
    return LiveProgress(steps) if sys.stderr.isatty() and not is_quiet else PlainProgress()


def _state(event: Event) -> str:
    match event.status:
        case "Succeeded" if event.cached:
            return f"reused from the cache in {event.seconds:.1f} s"
        case "Succeeded":
            return f"succeeded in {event.seconds:.1f} s"
        case "Retrying":
            return f"retrying after attempt {event.attempts}: {event.reason}"
        case "Failed":
            return f"failed in {event.seconds:.1f} s: {event.reason}"
        case "NotExecuted":
            return "not executed"
        case "Executing" if event.progress:
            return event.progress
        case _:
            return event.status.lower()
