"""Rates of both groups, and their comparison by difference or ratio."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training_code import metrics
from training_code.bias.tables import Table, Vector

Interval = tuple[float, float]


def quotient(numerator: Vector, denominator: Vector) -> Vector:
    """Clarify's division: 0/0 is 0, and x/0 is infinite."""
    safe = np.where(denominator == 0, 1, denominator)
    return np.where(denominator == 0, np.where(numerator == 0, 0.0, np.inf), numerator / safe)


@dataclass(frozen=True)
class Rate:
    """A rate that both groups have: numerators and denominators from counts ``(…, 2, 2)`` by label and prediction.

    ``of`` names what is in the denominator. ``is_share`` is true where the
    numerator counts some of that, which is not so for frauds per flag.
    """

    numerator: Callable[[Vector], Vector]
    denominator: Callable[[Vector], Vector]
    of: str
    is_share: bool = True

    def of_groups(self, table: Table) -> tuple[Vector, Vector]:
        """The others' rate and the facet's; NaN where one of the groups is empty."""
        counts = table.sum(axis=-4).astype(float)
        size = counts.sum(axis=(-1, -2)).min(axis=-1, keepdims=True)
        value = np.where(size > 0, quotient(self.numerator(counts), self.denominator(counts)), np.nan)
        return value[..., 0], value[..., 1]

    def remark(self, table: Table) -> str | None:
        """What to know of a group that has nothing in the denominator, nor therefore in the numerator."""
        numerator, denominator = self._counts(table)
        pairs = zip(("the others have", "the facet has"), numerator, denominator, strict=True)
        lacking = [name for name, some, all_of_them in pairs if not some and not all_of_them]
        return f"{' and '.join(lacking)} no {self.of}; by Clarify's convention, the rate is 0 then" if lacking else None

    def is_extreme(self, table: Table) -> bool:
        """Whether one of the groups has a share of none or of all."""
        return any(some in (0, all_of_them) for some, all_of_them in zip(*self._counts(table), strict=True))

    def intervals(self, table: Table) -> tuple[Interval, Interval] | None:
        """Wilson's 95 % intervals of the others' share and of the facet's; None for shares of nothing."""
        others, facet = (metrics.wilson(some, all_of_them) for some, all_of_them in zip(*self._counts(table), strict=True))
        return None if math.isnan(others[0] + facet[0]) else (others, facet)

    def _counts(self, table: Table) -> tuple[list[int], list[int]]:
        counts = table.sum(axis=-4).astype(float)
        numerator, denominator = (part(counts).astype(int).tolist() for part in (self.numerator, self.denominator))
        return numerator, denominator


@dataclass(frozen=True)
class Contrast(ABC):
    """A rate of the facet against that of the others: a function of tables ``(…)`` with values ``(…)``."""

    rate: Rate

    @abstractmethod
    def __call__(self, table: Table) -> Vector: ...

    @abstractmethod
    def interval(self, table: Table) -> Interval | None:
        """The 95 % interval of a contrast of shares, in one table; None for shares of nothing."""


@dataclass(frozen=True)
class Difference(Contrast):
    """The others' rate minus the facet's, or the other way round."""

    of_facet_first: bool = False

    def __call__(self, table: Table) -> Vector:
        others, members = self.rate.of_groups(table)
        first, second = (members, others) if self.of_facet_first else (others, members)
        with np.errstate(invalid="ignore"):
            # Two unbounded rates count as equal, as in Clarify.
            return np.where(first == second, 0.0, first - second)

    def interval(self, table: Table) -> Interval | None:
        """Newcombe's hybrid score interval (1998, method 10)."""
        found = self.rate.intervals(table)
        if not found:
            return None
        values = tuple(float(value) for value in self.rate.of_groups(table))
        if self.of_facet_first:
            found, values = found[::-1], values[::-1]
        (low1, high1), (low2, high2) = found
        share1, share2 = values
        middle = share1 - share2
        return middle - math.hypot(share1 - low1, high2 - share2), middle + math.hypot(high1 - share1, share2 - low2)


@dataclass(frozen=True)
class Relation(Contrast):
    """The facet's rate divided by the others'."""

    def __call__(self, table: Table) -> Vector:
        others, members = self.rate.of_groups(table)
        return quotient(members, others)

    def interval(self, table: Table) -> Interval | None:
        """By recovered variance estimates (Donner and Zou 2012), from the intervals of both shares."""
        found = self.rate.intervals(table)
        others, facet = (float(value) for value in self.rate.of_groups(table))
        if not found or not others:
            return None
        (low_others, high_others), (low_facet, high_facet) = found
        product = facet * others
        lower = product - _root(product**2 - low_facet * high_others * (2 * facet - low_facet) * (2 * others - high_others))
        upper = product + _root(product**2 - high_facet * low_others * (2 * facet - high_facet) * (2 * others - low_others))
        return max(lower / (high_others * (2 * others - high_others)), 0.0), upper / (low_others * (2 * others - low_others))


def _root(value: float) -> float:
    return math.sqrt(max(value, 0.0))
