"""``evaluation.json`` in the layout of SageMaker's model-quality metrics, and the page with plots."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training_code import metrics
from training_code.reporting import charts, page

_CURVE_POINTS = 200
_CALIBRATION_BINS = 10
_LIFT_SHARES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)

Array = npt.NDArray[np.float64]
Json = dict[str, Any]


@dataclass(frozen=True)
class Scored:
    """The test claims: 0/1 ``label`` and ``score`` in [0, 1], both ``(n,)``."""

    label: Array
    score: Array


def document(scored: Scored, *, capacity: float, resamples: int, seed: int, out_of_fold: Json) -> Json:
    """All figures; needs at least one claim of each class."""
    ranking = metrics.Ranking.of(scored.label, scored.score)
    intervals = metrics.bootstrap(ranking, resamples=resamples, seed=seed)
    at = metrics.at_capacity(ranking, capacity)
    tp, fp = ranking.counts()
    keep = _thin(len(tp))
    flagged = scored.score >= at.threshold
    positive = scored.label == 1
    accuracy = float((flagged == positive).mean())
    return {
        "version": 0.0,
        "dataset": {"item_count": len(scored.label), "fraud_count": int(scored.label.sum())},
        "binary_classification_metrics": {
            "confusion_matrix": {
                "0": {"0": int((~positive & ~flagged).sum()), "1": int((~positive & flagged).sum())},
                "1": {"0": int((positive & ~flagged).sum()), "1": int((positive & flagged).sum())},
            },
            "recall": {"value": _number(at.recall)},
            "precision": {"value": _number(at.precision)},
            "accuracy": {"value": accuracy},
            "auc": _with_interval(metrics.auc(ranking), intervals["auc"]),
            "au_prc": _with_interval(metrics.average_precision(ranking), intervals["average_precision"]),
            "receiver_operating_characteristic_curve": {
                "false_positive_rates": (fp / fp[-1])[keep].tolist(),
                "true_positive_rates": (tp / tp[-1])[keep].tolist(),
            },
            "precision_recall_curve": {
                "precisions": (tp / (tp + fp))[keep].tolist(),
                "recalls": (tp / tp[-1])[keep].tolist(),
            },
        },
        **review(scored.label, scored.score, capacity),
        "lift_curve": _lift_curve(ranking),
        "calibration": _calibration(scored),
        "out_of_fold": out_of_fold,
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


def _with_interval(value: float, interval: metrics.Interval) -> Json:
    return {
        "value": value,
        "standard_deviation": interval.standard_deviation,
        "lower": interval.lower,
        "upper": interval.upper,
    }


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


def html(document: Json) -> str:
    """The page for people."""
    found = document["binary_classification_metrics"]
    at, folds, auc = document["review"], document["out_of_fold"], found["auc"]
    roc, pr = found["receiver_operating_characteristic_curve"], found["precision_recall_curve"]
    lift, calibration = document["lift_curve"], document["calibration"]
    base = document["dataset"]["fraud_count"] / document["dataset"]["item_count"]
    top = max(calibration["predicted"] + calibration["observed"]) * 1.1
    matrix = found["confusion_matrix"]
    return page.page(
        "Evaluation",
        f"{document['dataset']['item_count']:,} claims of the test split, {document['dataset']['fraud_count']:,} of them "
        "fraudulent; no step before this one has seen them.",
        [
            page.cards(
                [
                    (f"{auc['value']:.3f}", f"AUC ({_span(auc)})"),
                    (f"{found['au_prc']['value']:.3f}", f"average precision ({_span(found['au_prc'])})"),
                    (_percent(at["precision"]), f"precision at {at['capacity']:.0%} reviewed"),
                    (_percent(at["recall"]), f"recall at {at['capacity']:.0%} reviewed"),
                    (f"{folds['auc']:.3f}", f"AUC out of fold ({folds['auc_interval'][0]:.3f}–{folds['auc_interval'][1]:.3f})"),
                ]
            ),
            page.section(
                "How well claims are ranked",
                page.charts(
                    [
                        charts.curves(
                            "ROC", [charts.Series("model", roc["false_positive_rates"], roc["true_positive_rates"]),
                                    charts.Series("chance", [0, 1], [0, 1], dashed=True)],
                            x_label="false positive rate", y_label="true positive rate", x_range=(0, 1), y_range=(0, 1),
                        ),
                        charts.curves(
                            "Precision and recall", [charts.Series("model", pr["recalls"], pr["precisions"]),
                                                     charts.Series("chance", [0, 1], [base, base], dashed=True)],
                            x_label="recall", y_label="precision", x_range=(0, 1),
                            y_range=(0, min(1.0, max(pr["precisions"][len(pr["precisions"]) // 50 :]) * 1.2)),
                        ),
                        charts.curves(
                            "Lift", [charts.Series("model", lift["shares"], lift["lifts"], markers=True),
                                     charts.Series("chance", [0, 1], [1, 1], dashed=True)],
                            x_label="share of claims reviewed", y_label="lift", x_range=(0, 1),
                            y_range=(0, max([*lift["lifts"], 1]) * 1.15),
                        ),
                        charts.curves(
                            "Calibration", [charts.Series("model", calibration["predicted"], calibration["observed"], markers=True),
                                            charts.Series("perfect", [0, top], [0, top], dashed=True)],
                            x_label="mean score", y_label="observed fraud", x_range=(0, top), y_range=(0, top),
                        ),
                    ]
                ),
                note="Intervals in brackets are 95 % bootstrap intervals over claims.",
            ),
            page.section(
                "At the review capacity",
                page.table(
                    ["", "not referred", "referred"],
                    [("honest", matrix["0"]["0"], matrix["0"]["1"]), ("fraudulent", matrix["1"]["0"], matrix["1"]["1"])],
                ),
                note=f"Investigators review {at['capacity']:.0%} of the claims: those that score {at['threshold']:.4f} or more.",
            ),
        ],
    )  # fmt: skip


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _span(estimate: Json) -> str:
    return f"{estimate['lower']:.3f}–{estimate['upper']:.3f}"


def _thin(size: int) -> npt.NDArray[np.intp]:
    return np.unique(np.linspace(0, size - 1, min(size, _CURVE_POINTS)).round().astype(np.intp))


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
