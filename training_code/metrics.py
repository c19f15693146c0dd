"""Ranking metrics of a binary classifier, vectorised over weighted resamples.

scikit-learn computes the same values (the tests compare them); these take
sorted scores once and many weight vectors, as a bootstrap needs, and importing
them costs nothing.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_FEWEST_RESAMPLES, _MOST_DRAWS = 200, 200_000_000

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """Claims in descending order of score.

    ``ends`` are the positions at which a run of equal scores ends: claims
    that score the same cannot be told apart, so no threshold falls between.
    ``order`` is where each ranked claim stood before.
    """

    score: Vector
    label: Vector
    ends: npt.NDArray[np.intp]
    order: npt.NDArray[np.intp]

    @classmethod
    def of(cls, label: npt.ArrayLike, score: npt.ArrayLike) -> "Ranking":
        """Rank labels in {0, 1} and scores of one shape ``(n,)``, n ≥ 1."""
        labels, scores = np.asarray(label, float), np.asarray(score, float)
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
        return cls(ranked, labels[order], ends, order)

    def counts(self, weight: Vector | None = None) -> tuple[Vector, Vector]:
        """True and false positives when everything up to each distinct score is flagged."""
        positives = self.label if weight is None else self.label * weight
        negatives = 1 - self.label if weight is None else (1 - self.label) * weight
        return np.cumsum(positives)[self.ends], np.cumsum(negatives)[self.ends]


def auc(ranking: Ranking, weight: Vector | None = None) -> float:
    """Area under the ROC curve by the trapezoidal rule; NaN with one class only."""
    return _auc(*ranking.counts(weight))


def _auc(tp: Vector, fp: Vector) -> float:
    if not tp[-1] or not fp[-1]:
        return float("nan")
    width = np.diff(fp, prepend=0.0)
    height = tp - np.diff(tp, prepend=0.0) / 2
    return float(np.sum(width * height) / (tp[-1] * fp[-1]))


def average_precision(ranking: Ranking, weight: Vector | None = None) -> float:
    """Mean precision over the recalls at which it changes; NaN without positives."""
    return _average_precision(*ranking.counts(weight))


def _average_precision(tp: Vector, fp: Vector) -> float:
    if not tp[-1]:
        return float("nan")
    flagged = tp + fp
    precision = np.divide(tp, flagged, out=np.zeros_like(tp), where=flagged > 0)
    return float(np.sum(np.diff(tp, prepend=0.0) * precision) / tp[-1])


@dataclass(frozen=True)
class AtCapacity:
    """What reviewing the highest-scored claims finds.

    ``threshold`` flags at most the capacity: claims that tie at its edge are
    left out together. Precision is NaN when nothing is flagged.
    """

    threshold: float
    flagged: int
    precision: float
    recall: float
    lift: float


def at_capacity(ranking: Ranking, capacity: float) -> AtCapacity:
    """Precision, recall and lift when a share ``capacity`` of the claims can be reviewed."""
    size = len(ranking.score)
    tp, fp = ranking.counts()
    flagged = tp + fp
    fitting = np.flatnonzero(flagged <= int(np.floor(capacity * size + 1e-9)))
    if not len(fitting):
        # Even the top score is shared by more claims than can be reviewed: flag none of them. The next number
        # in single precision, because that is what a model's scores are compared in.
        above = float(np.nextafter(np.float32(ranking.score[0]), np.float32(np.inf)))
        return AtCapacity(above, 0, float("nan"), 0.0, 0.0)
    last = fitting[-1]
    base = tp[-1] / size
    precision = tp[last] / flagged[last]
    return AtCapacity(
        threshold=float(ranking.score[ranking.ends[last]]),
        flagged=int(flagged[last]),
        precision=float(precision),
        recall=float(tp[last] / tp[-1]) if tp[-1] else float("nan"),
        lift=float(precision / base) if base else float("nan"),
    )


@dataclass(frozen=True)
class Interval:
    """A bootstrap's 2.5 and 97.5 percentiles and its standard deviation."""

    lower: float
    upper: float
    standard_deviation: float


def wilson(found: int, of: int) -> tuple[float, float]:
    """95 % interval of a share ``found / of`` (Wilson 1927); NaN of nothing.

    Unlike a bootstrap's, it is not empty where none or all of a few were found.
    """
    if not of:
        return float("nan"), float("nan")
    z = 1.959963984540054
    share, shrink = found / of, 1 + z * z / of
    middle = (share + z * z / (2 * of)) / shrink
    half = z / shrink * float(np.sqrt(share * (1 - share) / of + z * z / (4 * of * of)))
    return max(0.0, middle - half), min(1.0, middle + half)


def auc_loss(one: Ranking, other: Ranking, *, resamples: int, seed: int) -> Interval:
    """95 % interval of AUC of ``other`` − AUC of ``one``, both over the same claims in the same order.

    Each resample draws the claims once for both: what both find hard or easy
    cancels out, and the interval is far narrower than that of either.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    size = len(one.score)
    values = np.empty(resamples)
    for row in range(resamples):
        weight = np.bincount(rng.integers(0, size, size), minlength=size).astype(float)
        values[row] = auc(other, weight[other.order]) - auc(one, weight[one.order])
    values = values[np.isfinite(values)]
    if not len(values):
        return Interval(float("nan"), float("nan"), float("nan"))
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(float(low), float(high), float(values.std()))


def enough_resamples(claims: int, wanted: int) -> int:
    """As many resamples as ``wanted``, or fewer of very many claims: their intervals are narrow, and time is not free."""
    return min(wanted, max(_FEWEST_RESAMPLES, _MOST_DRAWS // max(1, claims)))


def bootstrap(ranking: Ranking, *, resamples: int, seed: int) -> dict[str, Interval]:
    """95 % intervals of ``auc`` and ``average_precision`` over resampled claims.

    A resample without a single fraud has neither metric and is left out.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    size = len(ranking.score)
    values = np.full((resamples, 2), np.nan)
    for row in range(resamples):
        # How often each claim is drawn: a resample without copying a claim.
        weight = np.bincount(rng.integers(0, size, size), minlength=size).astype(float)
        counts = ranking.counts(weight)
        values[row] = _auc(*counts), _average_precision(*counts)
    values = values[np.isfinite(values).all(axis=1)]
    if not len(values):
        nothing = Interval(float("nan"), float("nan"), float("nan"))
        return {"auc": nothing, "average_precision": nothing}
    low, high = np.percentile(values, [2.5, 97.5], axis=0)
    deviation = values.std(axis=0)
    names = ("auc", "average_precision")
    return {name: Interval(float(low[n]), float(high[n]), float(deviation[n])) for n, name in enumerate(names)}
