"""What a bias metric is, and a measurement of it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training_code.bias import tables
from training_code.bias.rates import Contrast, Interval
from training_code.bias.tables import Table, Vector

ROUGHLY_EQUAL = (-0.1, 0.1)
"""Where a difference is commonly called fair. A rule of thumb (AI Fairness 360 uses it), not law."""
FOUR_FIFTHS = (0.8, 1.25)
"""The four-fifths rule of US employment guidelines, both ways round."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric: its name and formula, and how a person reads it.

    ``compute`` maps tables ``(…)`` to values ``(…)``; a value that is not
    finite is undefined, for the reason ``undefined``. ``below`` and ``above``
    say what a value on that side of ``neutral`` means for the facet.
    ``range`` holds every value that is possible.
    """

    name: str
    title: str
    measures: str
    below: str
    above: str
    undefined: str
    compute: Callable[[Table], Vector]
    neutral: float = 0.0
    fair: tuple[float, float] | None = ROUGHLY_EQUAL
    range: tuple[float, float] = (-1.0, 1.0)
    compares_groups: bool = True

    @property
    def description(self) -> str:
        """As Clarify writes it: ``Class Imbalance (CI)``."""
        return f"{self.title} ({self.name})"

    def distance(self, values: Vector) -> Vector:
        """How far values are from equal treatment; 2 and 1/2 of a ratio are equally far."""
        with np.errstate(divide="ignore"):
            found: Vector = np.abs(np.log(values)) if self.neutral == 1 else np.abs(values - self.neutral)
        return found

    def measure(self, table: Table) -> "Measurement":
        """The value of one table, or the reason why there is none."""
        if self.compares_groups and (missing := missing_group(table)):
            return Measurement(self, None, reason=missing)
        value = float(self.compute(table))
        if not np.isfinite(value):
            return Measurement(self, None, reason=self.undefined)
        return Measurement(self, value, remark=self.contrast.rate.remark(table) if self.contrast else None)

    def interval(self, table: Table, drawn: Table) -> Interval | None:
        """The 95 % interval of the value of ``table``, of which ``drawn`` are resamples; None where claims are too few for one.

        Differences and ratios of shares have it by formula, which is sound for
        small groups, too; all else by percentiles of the resamples.
        """
        if self.contrast and self.contrast.rate.is_share:
            return self.contrast.interval(table)
        return percentiles(self.compute(drawn)) if self.can_be_resampled(table) else None

    def can_be_resampled(self, table: Table) -> bool:
        """Whether resamples vary as other claims would: of what nobody did, no resample holds an example."""
        if not self.compares_groups:
            return True
        share = self.contrast is not None and self.contrast.rate.is_share
        return not (self.contrast.rate.is_extreme(table) if self.contrast and share else tables.has_empty_margin(table))

    @property
    def contrast(self) -> Contrast | None:
        """The comparison of one rate of both groups, where the metric is one."""
        return self.compute if isinstance(self.compute, Contrast) else None


@dataclass(frozen=True)
class Measurement:
    """The ``value`` of a metric, or the ``reason`` why it has none; ``remark`` is what a reader of the value should know."""

    metric: Metric
    value: float | None
    reason: str | None = None
    remark: str | None = None
    interval: Interval | None = None
    is_without_interval: bool = False
    """Whether an interval was wanted, and claims were too few for one."""

    @property
    def is_fair(self) -> bool | None:
        """Whether the value lies in the metric's fair range; None without a value or a range."""
        if self.value is None or self.metric.fair is None:
            return None
        low, high = self.metric.fair
        return low <= self.value <= high


def missing_group(table: Table) -> str | None:
    """Why there is nothing to compare: no claim is a member, or every one is."""
    members, others = tables.sizes(table)
    if not members:
        return f"none of the {others:,} claims belongs to this facet, so there is nothing to compare"
    if not others:
        return f"all {members:,} claims belong to this facet, so there are no others to compare with"
    return None


def percentiles(values: Vector) -> Interval | None:
    """The 2.5 and 97.5 percentiles of those that are numbers; None where fewer than half are."""
    finite = values[np.isfinite(values)]
    if len(finite) < max(2, len(values) // 2):
        return None
    low, high = np.percentile(finite, [2.5, 97.5])
    return float(low), float(high)
