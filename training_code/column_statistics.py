"""Statistics of number columns in the layout of Model Monitor's ``statistics.json``, in bounded memory.

Moments and a quantile sketch take one pass over batches of rows, and the
buckets, whose bounds follow from the smallest and the largest value, a second.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

BUCKETS = 10
SKETCH_SIZE, SKETCH_DECAY = 256, 0.64
"""Items in a sketch's top level, and how much smaller each level below it is; a rank is off by some 1 %."""

Array = npt.NDArray[np.float64]


class Sketch:
    """A KLL sketch (Karnin, Lang, Liberty 2016) that compacts without chance: the same rows give the same sketch.

    An item of ``levels[h]`` stands for ``2 ** h`` values; the weights add up to the number of values.
    """

    def __init__(self) -> None:
        self.levels: list[Array] = [np.empty(0)]
        self._offset = 0

    def add(self, values: Array) -> None:
        """Take in values of any number, ``(n,)``."""
        self.levels[0] = np.concatenate([self.levels[0], values])
        level = 0
        while level < len(self.levels):
            if len(self.levels[level]) > self._capacity(level):
                self._compact(level)
            level += 1

    def _capacity(self, level: int) -> int:
        return max(2, int(np.ceil(SKETCH_SIZE * SKETCH_DECAY ** (len(self.levels) - 1 - level))))

    def _compact(self, level: int) -> None:
        """Every other item of a sorted level moves up; which one of a pair takes turns, so that errors cancel out."""
        items = np.sort(self.levels[level])
        odd = len(items) % 2
        if level + 1 == len(self.levels):
            self.levels.append(np.empty(0))
        self.levels[level] = items[:odd]
        self.levels[level + 1] = np.concatenate([self.levels[level + 1], items[odd:][self._offset :: 2]])
        self._offset = 1 - self._offset


class Numbers:
    """Statistics of ``width`` columns without missing values.

    Call ``add`` with every batch ``(rows, width)``, then ``count`` with every batch again, then ``feature``.
    """

    def __init__(self, width: int) -> None:
        self.rows = 0
        self._sum = np.zeros(width)
        self._mean = np.zeros(width)
        self._squares = np.zeros(width)
        self.minimum = np.full(width, np.inf)
        self.maximum = np.full(width, -np.inf)
        self._sketches = [Sketch() for _ in range(width)]
        self._counts = np.zeros((width, BUCKETS), np.int64)

    def add(self, values: Array) -> None:
        size = len(values)
        if not size:
            return
        mean = values.mean(axis=0)
        apart = mean - self._mean
        # Chan's update: sums of squares around a mean that moves, without cancellation.
        self._squares += ((values - mean) ** 2).sum(axis=0) + apart**2 * self.rows * size / (self.rows + size)
        self._mean += apart * size / (self.rows + size)
        self.rows += size
        self._sum += values.sum(axis=0)
        self.minimum = np.minimum(self.minimum, values.min(axis=0))
        self.maximum = np.maximum(self.maximum, values.max(axis=0))
        for sketch, column in zip(self._sketches, values.T, strict=True):
            sketch.add(column)

    def count(self, values: Array) -> None:
        for place, column in enumerate(values.T):
            low, high = self.minimum[place], self.maximum[place]
            if low < high:
                self._counts[place] += np.histogram(column, BUCKETS, (low, high))[0]

    def feature(self, place: int, name: str, *, is_integer: bool) -> dict[str, Any]:
        """One entry of ``features``. Needs at least one row."""
        number = _whole if is_integer else float
        return {
            "name": name,
            "inferred_type": "Integral" if is_integer else "Fractional",
            "numerical_statistics": {
                "common": {"num_present": self.rows, "num_missing": 0},
                "mean": float(self._mean[place]),
                "sum": float(self._sum[place]),
                "std_dev": float(np.sqrt(self._squares[place] / self.rows)),
                "min": float(self.minimum[place]),
                "max": float(self.maximum[place]),
                "distribution": {
                    "kll": {
                        "buckets": self._buckets(place),
                        "sketch": {
                            "parameters": {"c": SKETCH_DECAY, "k": float(SKETCH_SIZE)},
                            "data": [[number(value) for value in level] for level in self._sketches[place].levels],
                        },
                    }
                },
            },
        }

    def _buckets(self, place: int) -> list[dict[str, float | int]]:
        low, high = float(self.minimum[place]), float(self.maximum[place])
        if low == high:
            return [{"lower_bound": low, "upper_bound": high, "count": self.rows}]
        edges = np.linspace(low, high, BUCKETS + 1).tolist()
        return [
            {"lower_bound": lower, "upper_bound": upper, "count": int(count)}
            for lower, upper, count in zip(edges, edges[1:], self._counts[place], strict=False)
        ]


def _whole(value: float) -> int:
    return round(value)
