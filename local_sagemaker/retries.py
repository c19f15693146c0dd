"""Retry policies: which faults are tried again, how often and after how long."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

_DEFAULT_ATTEMPTS, _DEFAULT_INTERVAL, _DEFAULT_BACKOFF = 5, 1, 2.0


class Retries:
    """The policies of one step, with the count of what was used of each.

    ``wait_scale`` shortens the waits: the service needs minutes to recover
    from what a local run recovers from at once.
    """

    def __init__(self, policies: Sequence[Mapping[str, Any]], wait_scale: float) -> None:
        self._policies = policies
        self._wait_scale = wait_scale
        self._used: Counter[int] = Counter()
        self._started = time.monotonic()

    def wait_before_next(self, fault: str) -> float | None:
        """Seconds to wait before another attempt, or None when there is none."""
        for number, policy in enumerate(self._policies):
            types = policy["ExceptionType"]
            if fault not in ([types] if isinstance(types, str) else types):
                continue
            minutes = policy.get("ExpireAfterMin")
            is_expired = minutes is not None and time.monotonic() - self._started > minutes * 60
            limit = policy.get("MaxAttempts", _DEFAULT_ATTEMPTS if minutes is None else None)
            if is_expired or (limit is not None and self._used[number] >= limit):
                return None
            wait = policy.get("IntervalSeconds", _DEFAULT_INTERVAL) * policy.get("BackoffRate", _DEFAULT_BACKOFF) ** self._used[number]
            self._used[number] += 1
            return float(wait * self._wait_scale)
        return None
