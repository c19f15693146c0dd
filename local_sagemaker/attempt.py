"""What is known of a step while it runs."""

from dataclasses import dataclass
from pathlib import Path


@dataclass
class Attempt:
    """``number`` counts attempts at the job; ``why`` says why it was not reused."""

    number: int = 0
    is_cached: bool = False
    is_recorded: bool = False
    why: str = ""
    folder: Path | None = None
    log: Path | None = None
