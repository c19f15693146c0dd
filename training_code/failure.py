"""How a step says why it failed."""

import sys

from training_code.paths import ML

_OUTPUT = ML / "output"
_FILES = ("message", "failure")
"""Processing jobs show the first kilobyte of the one, training jobs of the other."""


def report(cause: str) -> int:
    """Print the cause, leave it where the service looks for it, and return the exit code."""
    print(f"error: {cause}", file=sys.stderr)
    if _OUTPUT.is_dir():
        for name in _FILES:
            (_OUTPUT / name).write_text(cause[:1024])
    return 1
