"""How to run an execution, and how it and its steps have ended."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from local_sagemaker.runtimes import Runtime
from local_sagemaker.sandbox import Isolation


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to run. ``slots`` is the number of CPUs that jobs may use at once; ``runtimes`` stand for images beyond the known ones."""

    pipeline: str = "local"
    use_cache: bool = True
    slots: int = field(default_factory=lambda: os.cpu_count() or 1)
    isolation: Isolation = Isolation.AUTO
    retry_wait_scale: float = 0.01
    runtimes: Sequence[Runtime] = ()


@dataclass(frozen=True)
class StepResult:
    """How a step ended: Succeeded, Failed, Stopped or NotExecuted."""

    name: str
    type: str
    status: str
    seconds: float = 0.0
    is_cached: bool = False
    attempts: int = 0
    reason: str = ""
    why: str = ""
    log: Path | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """How an execution ended: Succeeded, Failed or Stopped; steps in the order of the definition."""

    execution: str
    status: str
    started: datetime
    seconds: float
    steps: tuple[StepResult, ...]

    def step(self, name: str) -> StepResult:
        return next(step for step in self.steps if step.name == name)
