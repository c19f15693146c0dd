"""What mitigation costs in finding fraud: differences of metrics, with intervals from paired resamples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training_code import metrics
from training_code.bias.metric import percentiles
from training_code.bias.tables import Flags
from training_code.compare_mitigation.candidates import Candidate, OutOfFold
from training_code.metrics import Ranking, Vector

NAMES = ("auc", "average_precision", "precision", "recall")
"""The last two at the review capacity."""


@dataclass(frozen=True)
class Change:
    """A metric of both models, None where undefined, and the 95 % interval of ``mitigated - reference``."""

    reference: float | None
    mitigated: float | None
    interval: tuple[float, float] | None

    @property
    def difference(self) -> float | None:
        return None if self.reference is None or self.mitigated is None else self.mitigated - self.reference


@dataclass(frozen=True)
class _Judged:
    """One model's order of the claims, and which of them it flags ``(n,)``."""

    ranking: Ranking
    flagged: Flags

    def measure(self, label: Vector, weight: Vector) -> list[float]:
        """The metrics in the order of ``NAMES``, each claim counting ``weight`` times; NaN where undefined."""
        ranked = weight[self.ranking.order]
        found, flags, frauds = (float(weight @ part) for part in (label * self.flagged, self.flagged, label))
        return [
            metrics.auc(self.ranking, ranked),
            metrics.average_precision(self.ranking, ranked),
            found / flags if flags else math.nan,
            found / frauds if frauds else math.nan,
        ]


def on_test(reference: Candidate, mitigated: Candidate, label: Vector, *, resamples: int, seed: int) -> dict[str, Change]:
    """The changes of all ``NAMES``; ``label`` is that of the test split."""
    judged = [_Judged(each.ranking, each.flagged) for each in (reference, mitigated)]
    return _changes(judged, label, resamples, seed)


def out_of_fold(reference: OutOfFold, mitigated: OutOfFold, *, resamples: int, seed: int) -> dict[str, Change] | None:
    """The changes of AUC and average precision over the claims that both scored; None where these cannot be paired."""
    pair = _paired(reference, mitigated)
    if pair is None:
        return None
    label, scores = pair
    nothing = np.zeros(len(label), bool)
    found = _changes([_Judged(Ranking.of(label, score), nothing) for score in scores], label, resamples, seed)
    return {name: found[name] for name in ("auc", "average_precision")}


def _changes(judged: Sequence[_Judged], label: Vector, resamples: int, seed: int) -> dict[str, Change]:
    once = np.ones(len(label))
    reference, mitigated = (each.measure(label, once) for each in judged)
    rng = np.random.Generator(np.random.PCG64(seed))
    drawn = np.empty((resamples, len(NAMES)))
    for row in range(resamples):
        # The same claims for both models: what both find hard or easy cancels out.
        weight = np.bincount(rng.integers(0, len(label), len(label)), minlength=len(label)).astype(float)
        first, second = (each.measure(label, weight) for each in judged)
        drawn[row] = np.subtract(second, first)
    return {
        name: Change(_number(reference[place]), _number(mitigated[place]), percentiles(drawn[:, place]))
        for place, name in enumerate(NAMES)
    }


def _paired(one: OutOfFold, other: OutOfFold) -> tuple[Vector, tuple[Vector, Vector]] | None:
    """Labels and both scores of the same claims.

    Claims are known by policy, and those of one policy by their order, which
    is the same in both where both models had the same data.
    """
    if np.array_equal(one.policy, other.policy) and np.array_equal(one.label, other.label):
        return one.label, (one.score, other.score)
    both, ours, theirs = np.intersect1d(_numbered(one.policy), _numbered(other.policy), return_indices=True)
    label = one.label[ours]
    if not len(both) or not np.array_equal(label, other.label[theirs]) or label.min() == label.max():
        return None
    return label, (one.score[ours], other.score[theirs])


def _numbered(policy: npt.NDArray[np.int64]) -> npt.NDArray[np.void]:
    """Policies with the number of the claim among those of its policy, as one comparable value each."""
    order = np.argsort(policy, kind="stable")
    ranked = policy[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    number = np.empty(len(policy), np.int64)
    number[order] = np.arange(len(policy)) - np.repeat(starts, np.diff(np.append(starts, len(policy))))
    pairs = np.empty(len(policy), [("policy", np.int64), ("number", np.int64)])
    pairs["policy"], pairs["number"] = policy, number
    return pairs


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
