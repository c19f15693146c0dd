"""Whether mitigation brought a facet and the others closer together, metric by metric."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from training_code.bias import flip_test, tables
from training_code.bias.analysis import Comparison
from training_code.bias.metric import Measurement, percentiles
from training_code.bias.rates import Interval
from training_code.bias.tables import Flags, Strata, Table

DECISIVE = "DPPL"
"""The metric that the verdict on a facet rests on: who is flagged more often, and by how much."""

_NEGLIGIBLE = 1e-12


class Verdict(StrEnum):
    BETTER = "better"
    WORSE = "worse"
    UNCHANGED = "unchanged"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Shift:
    """One metric without and with mitigation.

    ``distance`` is by how much further from equality it lies with mitigation
    (negative: closer), with its 95 % ``interval`` over paired resamples.
    """

    reference: Measurement
    mitigated: Measurement
    distance: float | None
    interval: Interval | None

    @property
    def name(self) -> str:
        return self.reference.metric.name

    @property
    def verdict(self) -> Verdict:
        if self.distance is None:
            return Verdict.UNKNOWN
        if abs(self.distance) < _NEGLIGIBLE:
            return Verdict.UNCHANGED
        return Verdict.WORSE if self.distance > 0 else Verdict.BETTER

    @property
    def may_be_chance(self) -> bool:
        return self.interval is None or self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class FacetShift:
    """All metrics of one facet without and with mitigation."""

    reference: Comparison
    mitigated: Comparison
    shifts: tuple[Shift, ...]

    def __getitem__(self, metric: str) -> Shift:
        return next(shift for shift in self.shifts if shift.name == metric)

    @property
    def verdict(self) -> Verdict:
        return self[DECISIVE].verdict

    @property
    def widened(self) -> list[Shift]:
        """The other comparisons of the groups that lie further from equality with mitigation."""
        return [
            shift
            for shift in self.shifts
            if shift.verdict is Verdict.WORSE and shift.name != DECISIVE and shift.reference.metric.compares_groups
        ]


def compare(reference: Comparison, mitigated: Comparison, joint: Table, *, resamples: int, seed: int) -> FacetShift:
    """``joint`` counts ``(strata, 2, 2, 4)`` by member, label and decisions: neither's flag, the mitigated one's, the reference's, both."""
    drawn = tables.resample(joint, resamples=resamples, seed=seed) if resamples else None
    of = (reference.table, mitigated.table)
    shifts = [
        _shift(before, after, drawn, of) for before, after in zip(reference.measurements, mitigated.measurements, strict=True)
    ]
    return FacetShift(reference, mitigated, tuple(shifts))


def count(*, member: Flags, label: Flags, reference: Flags, mitigated: Flags, stratum: Strata, strata: int) -> Table:
    """The joint counts that ``compare`` resamples."""
    split = tables.of(member=member, label=label, predicted=reference, stratum=stratum * 2 + mitigated, strata=strata * 2)
    # (strata, mitigated, member, label, reference) to (strata, member, label, reference and mitigated)
    return split.reshape(strata, 2, 2, 2, 2).transpose(0, 2, 3, 4, 1).reshape(strata, 2, 2, 4)


def _shift(before: Measurement, after: Measurement, drawn: Table | None, of: tuple[Table, Table]) -> Shift:
    metric = before.metric
    if before.value is None or after.value is None:
        return Shift(before, after, None, None)
    start, end = metric.distance(np.array([before.value, after.value])).tolist()
    distance = 0.0 if start == end else end - start
    if drawn is None or metric is flip_test.METRIC or not np.isfinite(distance):
        return Shift(before, after, distance, None)
    if not all(metric.can_be_resampled(table) for table in of):
        return Shift(before, after, distance, _of_both(before, after, start, end))
    both = drawn.reshape(*drawn.shape[:-1], 2, 2)
    first, second = (metric.distance(metric.compute(both.sum(axis=axis))) for axis in (-1, -2))
    with np.errstate(invalid="ignore"):
        change = second - first
    return Shift(before, after, distance, percentiles(change))


def _of_both(before: Measurement, after: Measurement, start: float, end: float) -> Interval | None:
    """From the interval of each, where resamples would not vary: as if of different claims, and so rather too wide than too narrow."""
    if before.interval is None or after.interval is None:
        return None
    (low1, high1), (low2, high2) = _distances(before), _distances(after)
    return end - start - math.hypot(end - low2, high1 - start), end - start + math.hypot(high2 - end, start - low1)


def _distances(found: Measurement) -> Interval:
    """The interval of the distance from equality, which is 0 at least."""
    assert found.interval is not None
    low, high = found.metric.distance(np.array(found.interval)).tolist()
    includes_equality = found.interval[0] <= found.metric.neutral <= found.interval[1]
    return 0.0 if includes_equality else min(low, high), max(low, high)
