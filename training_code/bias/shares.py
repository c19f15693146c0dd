"""The shares that people ask for first, of one group of claims, with how sure they are."""

from dataclasses import dataclass

from training_code import metrics
from training_code.bias.tables import Table


@dataclass(frozen=True)
class Share:
    """``count`` of ``total``."""

    count: int
    total: int

    @property
    def value(self) -> float | None:
        """None of nothing."""
        return self.count / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval, which is sound for few and for none, too."""
        return metrics.wilson(self.count, self.total) if self.total else None

    def __str__(self) -> str:
        return "–" if self.value is None else f"{self.value:.1%}"

    @property
    def span(self) -> str:
        """``7.8% (5.4–11.1)``."""
        if not self.interval:
            return "–"
        return f"{self} ({self.interval[0] * 100:.1f}–{self.interval[1] * 100:.1f})"


@dataclass(frozen=True)
class Shares:
    """One group: its part of all claims and its frauds; after training also flags and what they find."""

    part: Share
    frauds: Share
    flagged: Share
    precision: Share
    recall: Share
    false_alarms: Share
    """Flagged, of the honest claims."""


def of(table: Table, *, is_member: bool) -> Shares:
    """The shares of the facet or of the others; without predictions nothing counts as flagged."""
    counts = table.sum(axis=0)
    group = counts[int(is_member)]
    size, frauds = int(group.sum()), int(group[1].sum())
    has_predictions = group.shape[-1] == 2
    flagged, found = (int(group[:, 1].sum()), int(group[1, 1])) if has_predictions else (0, 0)
    return Shares(
        part=Share(size, int(counts.sum())),
        frauds=Share(frauds, size),
        flagged=Share(flagged, size),
        precision=Share(found, flagged),
        recall=Share(found, frauds),
        false_alarms=Share(flagged - found, size - frauds),
    )
