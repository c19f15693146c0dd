"""How far two distributions of Model Monitor's statistics.json are apart: the largest difference of their shares.

The robust form takes off what samples of their size differ by anyway, as deequ does, on which Model Monitor stands.
"""

import bisect
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_ROBUST = 1.8


def robust(distance: float, first: float, second: float) -> float:
    """The distance less the critical value of the Kolmogorov-Smirnov test for samples of these sizes."""
    if not first or not second:
        return 0.0
    return max(0.0, distance - _ROBUST * math.sqrt((first + second) / (first * second)))


def numerical(first: Mapping[str, Any], second: Mapping[str, Any]) -> float:
    """Between two ``distribution.kll``: by their sketches, or where one has none by their buckets."""
    sketches = [_sketch(kll) for kll in (first, second)]
    if all(sketches):
        curves = [_steps(sketch) for sketch in sketches]
        points = [value for sketch in sketches for value, _ in sketch]
    else:
        curves = [_line(kll["buckets"]) for kll in (first, second)]
        points = [bucket[bound] for kll in (first, second) for bucket in kll["buckets"] for bound in ("lower_bound", "upper_bound")]
    return max((abs(curves[0](point) - curves[1](point)) for point in points), default=0.0)


def categorical(first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]) -> float:
    """Between the buckets of two ``distribution.categorical``."""
    shares = []
    for buckets in (first, second):
        total = sum(bucket["count"] for bucket in buckets) or 1
        shares.append({bucket["value"]: bucket["count"] / total for bucket in buckets})
    return max((abs(shares[0].get(value, 0.0) - shares[1].get(value, 0.0)) for value in {*shares[0], *shares[1]}), default=0.0)


def _sketch(kll: Mapping[str, Any]) -> list[tuple[float, int]]:
    """Values with their weights, sorted; those of level n stand for 2ⁿ values each."""
    levels = kll.get("sketch", {}).get("data", [])
    return sorted((value, 2**level) for level, values in enumerate(levels) for value in values)


def _steps(sketch: list[tuple[float, int]]) -> Callable[[float], float]:
    values = [value for value, _ in sketch]
    sums = [0, *itertools.accumulate(weight for _, weight in sketch)]
    return lambda point: sums[bisect.bisect_right(values, point)] / sums[-1]


def _line(buckets: Sequence[Mapping[str, Any]]) -> Callable[[float], float]:
    """The share of values up to a point, taken as even within each bucket."""
    total = sum(bucket["count"] for bucket in buckets) or 1

    def share(point: float) -> float:
        below = 0.0
        for bucket in buckets:
            low, high, count = bucket["lower_bound"], bucket["upper_bound"], bucket["count"]
            if point >= high:
                below += count
            elif point > low:
                below += count * (point - low) / (high - low)
        return below / total

    return share
