"""When a step is tried again, and when it is not run at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipeline_definition.errors import DefinitionError


class Fault(StrEnum):
    """Faults of the service. A script that fails is never one of them."""

    SERVICE = "Step.SERVICE_FAULT"
    THROTTLING = "Step.THROTTLING"
    JOB_INTERNAL = "SageMaker.JOB_INTERNAL_ERROR"
    CAPACITY = "SageMaker.CAPACITY_ERROR"
    RESOURCE_LIMIT = "SageMaker.RESOURCE_LIMIT"


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """Try again after ``interval_seconds``, then ``backoff_rate`` times longer each time.

    Exactly one of ``max_attempts`` and ``expire_after_minutes`` limits it.
    """

    faults: Sequence[Fault]
    interval_seconds: int = 10
    backoff_rate: float = 2.0
    max_attempts: int | None = None
    expire_after_minutes: int | None = None

    def __post_init__(self) -> None:
        if (self.max_attempts is None) == (self.expire_after_minutes is None):
            raise DefinitionError("a retry policy needs either max_attempts or expire_after_minutes")

    def to_request(self) -> dict[str, Any]:
        limit = (
            {"MaxAttempts": self.max_attempts}
            if self.max_attempts is not None
            else {"ExpireAfterMin": self.expire_after_minutes}
        )
        return {
            "BackoffRate": self.backoff_rate,
            "IntervalSeconds": self.interval_seconds,
            **limit,
            "ExceptionType": [str(fault) for fault in self.faults],
        }


JOB_RETRIES: tuple[RetryPolicy, ...] = (
    RetryPolicy(faults=(Fault.SERVICE, Fault.THROTTLING), max_attempts=4),
    RetryPolicy(faults=(Fault.JOB_INTERNAL, Fault.CAPACITY), interval_seconds=60, max_attempts=3),
    RetryPolicy(faults=(Fault.RESOURCE_LIMIT,), interval_seconds=300, expire_after_minutes=120),
)
"""For steps that run a job: what passes by itself is waited out."""

REQUEST_RETRIES: tuple[RetryPolicy, ...] = (
    RetryPolicy(faults=(Fault.SERVICE, Fault.THROTTLING), max_attempts=4),
)
"""For steps that only make a request."""


@dataclass(frozen=True)
class Caching:
    """Reuse the outputs of an earlier run with the same arguments, for a while.

    ``expire_after`` is an ISO 8601 duration. The cache never looks at content:
    inputs and code must be addressed by theirs.
    """

    expire_after: str

    def to_request(self) -> dict[str, Any]:
        return {"Enabled": True, "ExpireAfter": self.expire_after}
