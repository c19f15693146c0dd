"""The ``fraud`` command as a user runs it: a process, its exit code and its two streams."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def fraud(*arguments: object, project: Path = PROJECT) -> Done:
    """``project`` is the checkout whose code runs."""
    done = subprocess.run(command(*arguments), cwd=project, capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def command(*arguments: object) -> list[str]:
    # With the current folder first on the path, a copy of the project runs its own code.
    return [sys.executable, "-m", "fraud.main", *map(str, arguments)]


def cached(document: Any) -> dict[str, bool]:
    return {step["name"]: step["cached"] for step in document["steps"]}
