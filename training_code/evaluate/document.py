"""``evaluation.json``, in the layout of SageMaker's model-quality metrics with what this use case adds."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training_code import metrics
from training_code.column_statistics import Numbers

_CURVE_POINTS = 200
_CALIBRATION_BINS = 10
_LIFT_SHARES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)

Array = npt.NDArray[np.float64]
Json = dict[str, Any]


@dataclass(frozen=True)
class Scored:
    """The test claims: 0/1 ``label`` and ``score`` in [0, 1], both ``(n,)``; ``champion`` is the champion's score of the same claims."""

    label: Array
    score: Array
    champion: Array | None = None


def build(
    scored: Scored, *, capacity: float, resamples: int, seed: int, model: Json, training: Json | None, out_of_fold: Json | None
) -> Json:
    """All figures; needs at least one claim of each class. ``training`` and ``out_of_fold`` are what the model's archive says."""
    ranking = metrics.Ranking.of(scored.label, scored.score)
    resamples = metrics.enough_resamples(len(scored.label), resamples)
    return {
        "version": 0.0,
        "dataset": {"item_count": len(scored.label), "fraud_count": int(scored.label.sum())},
        "model": model,
        "binary_classification_metrics": _quality(scored, ranking, capacity=capacity, resamples=resamples, seed=seed),
        **review(scored.label, scored.score, capacity),
        "champion": _champion(scored, ranking, resamples=resamples, seed=seed),
        "lift_curve": _lift_curve(ranking),
        "calibration": _calibration(scored),
        "score": _score(scored.score),
        "out_of_fold": out_of_fold,
        "training": training,
    }


def review(label: Array, score: Array, capacity: float) -> Json:
    """What reviewing the share ``capacity`` of the claims finds, under the key ``review``."""
    at = metrics.at_capacity(metrics.Ranking.of(label, score), capacity)
    return {
        "review": {
            "capacity": capacity,
            "threshold": at.threshold,
            "flagged": at.flagged,
            "precision": _number(at.precision),
            "recall": _number(at.recall),
            "lift": _number(at.lift),
        }
    }


def _quality(scored: Scored, ranking: metrics.Ranking, *, capacity: float, resamples: int, seed: int) -> Json:
    intervals = metrics.bootstrap(ranking, resamples=resamples, seed=seed)
    flagged = scored.score >= metrics.at_capacity(ranking, capacity).threshold
    positive = scored.label == 1
    hits, misses = int((positive & flagged).sum()), int((positive & ~flagged).sum())
    alarms, passed = int((~positive & flagged).sum()), int((~positive & ~flagged).sum())
    return {
        "confusion_matrix": {"0": {"0": passed, "1": alarms}, "1": {"0": misses, "1": hits}},
        "recall": _share(hits, hits + misses),
        "precision": _share(hits, hits + alarms),
        "accuracy": {"value": (hits + passed) / len(scored.label)},
        "true_positive_rate": {"value": hits / (hits + misses)},
        "true_negative_rate": {"value": passed / (passed + alarms)},
        "false_positive_rate": {"value": alarms / (passed + alarms)},
        "false_negative_rate": {"value": misses / (hits + misses)},
        "f1": {"value": 2 * hits / (2 * hits + alarms + misses)},
        "auc": _with_interval(metrics.auc(ranking), intervals["auc"]),
        "au_prc": _with_interval(metrics.average_precision(ranking), intervals["average_precision"]),
        "receiver_operating_characteristic_curve": _roc(ranking),
        "precision_recall_curve": _precision_recall(ranking),
    }


def _champion(scored: Scored, ranking: metrics.Ranking, *, resamples: int, seed: int) -> Json:
    """``auc_loss`` is how much AUC would be lost by replacing the champion: 0.0 where there is none."""
    if scored.champion is None:
        return {"is_present": False, "auc_loss": 0.0, "auc_loss_interval": None}
    champion = metrics.Ranking.of(scored.label, scored.champion)
    interval = metrics.auc_loss(ranking, champion, resamples=resamples, seed=seed)
    return {
        "is_present": True,
        "auc": metrics.auc(champion),
        "average_precision": metrics.average_precision(champion),
        "auc_loss": metrics.auc(champion) - metrics.auc(ranking),
        "auc_loss_interval": [interval.lower, interval.upper],
        "receiver_operating_characteristic_curve": _roc(champion),
    }


def _roc(ranking: metrics.Ranking) -> Json:
    tp, fp = ranking.counts()
    keep = _thin(len(tp))
    return {"false_positive_rates": (fp / fp[-1])[keep].tolist(), "true_positive_rates": (tp / tp[-1])[keep].tolist()}


def _precision_recall(ranking: metrics.Ranking) -> Json:
    tp, fp = ranking.counts()
    keep = _thin(len(tp))
    return {"precisions": (tp / (tp + fp))[keep].tolist(), "recalls": (tp / tp[-1])[keep].tolist()}


def _with_interval(value: float, interval: metrics.Interval) -> Json:
    return {
        "value": value,
        "standard_deviation": interval.standard_deviation,
        "lower": interval.lower,
        "upper": interval.upper,
    }


def _share(found: int, of: int) -> Json:
    """A share with Wilson's interval; nothing of nothing is unknown, and has none."""
    lower, upper = metrics.wilson(found, of)
    return {"value": found / of if of else None, "lower": _number(lower), "upper": _number(upper)}


def _lift_curve(ranking: metrics.Ranking) -> Json:
    shares = [(share, metrics.at_capacity(ranking, share)) for share in _LIFT_SHARES]
    shown = [(share, at) for share, at in shares if at.flagged]
    return {"shares": [s for s, _ in shown], "lifts": [at.lift for _, at in shown], "recalls": [at.recall for _, at in shown]}


def _calibration(scored: Scored) -> Json:
    """Mean score against observed fraud in bins of equal size, lowest scores first."""
    order = np.argsort(scored.score, kind="stable")
    bins = [part for part in np.array_split(order, _CALIBRATION_BINS) if len(part)]
    predicted = [float(scored.score[part].mean()) for part in bins]
    observed = [float(scored.label[part].mean()) for part in bins]
    sizes = [len(part) for part in bins]
    error = sum(size * abs(p - o) for size, p, o in zip(sizes, predicted, observed, strict=True)) / len(order)
    brier = float(np.mean((scored.score - scored.label) ** 2))
    return {"predicted": predicted, "observed": observed, "claims": sizes, "expected_calibration_error": error, "brier_score": brier}


def _score(score: Array) -> Json:
    """The distribution of the scores, as an entry of Model Monitor's ``features``."""
    numbers = Numbers(1)
    numbers.add(score[:, None])
    numbers.count(score[:, None])
    return numbers.feature(0, "score", is_integer=False)


def _thin(size: int) -> npt.NDArray[np.intp]:
    return np.unique(np.linspace(0, size - 1, min(size, _CURVE_POINTS)).round().astype(np.intp))


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
