"""What a difference between two packages means."""

import math
from enum import StrEnum

_RATIOS = frozenset({"DI"})


class Verdict(StrEnum):
    """What the second package is, measured by the first.

    ``NOISE`` is a difference within the intervals; ``HIGHER`` and ``LOWER``
    are differences of figures that mean something else in each.
    """

    EQUAL = "equal"
    NOISE = "noise"
    BETTER = "better"
    WORSE = "worse"
    HIGHER = "higher"
    LOWER = "lower"
    UNKNOWN = "unknown"


def nearer(metric: str, a: float | None, b: float | None) -> Verdict:
    """Whether ``b`` is nearer to equal treatment than ``a``: that is 0, and 1 for a ratio, from which 2 and 1/2 are equally far."""
    if a is None or b is None:
        return Verdict.UNKNOWN
    if a == b:
        return Verdict.EQUAL
    if metric in _RATIOS:
        a, b = _away(a), _away(b)
    if abs(a) == abs(b):
        return Verdict.EQUAL
    return Verdict.BETTER if abs(b) < abs(a) else Verdict.WORSE


def _away(ratio: float) -> float:
    return max(ratio, 1 / ratio) - 1 if ratio > 0 else math.inf
