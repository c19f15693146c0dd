"""Metrics of a binary classifier, and the thresholds that they suggest, in Model Monitor's layouts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from .dataset import DatasetError

_RESAMPLES = 5
_CURVE_POINTS = 101
_BETAS = {"f0_5": 0.5, "f1": 1.0, "f2": 2.0}
_WORSE_ABOVE = ("false_positive_rate", "false_negative_rate")
_LABELS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}

Labels = np.ndarray[Any, np.dtype[np.int8]]
Scores = np.ndarray[Any, np.dtype[np.float64]]


def analyze(table: pa.Table, environment: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Statistics and constraints of labels against predictions, which the environment's attributes name.

    Raises:
        DatasetError: another problem type, or columns that are not there or hold something else.
    """
    if (problem := environment.get("problem_type")) != "BinaryClassification":
        raise DatasetError(f"the problem type {problem} cannot be analyzed here; BinaryClassification can")
    if not table.num_rows:
        raise DatasetError("the dataset has no rows")
    truth = _labels(table, environment, "ground_truth_attribute")
    scores = _scores(table, environment["probability_attribute"]) if environment.get("probability_attribute") else None
    if environment.get("inference_attribute"):
        predicted = _labels(table, environment, "inference_attribute")
    elif scores is not None:
        predicted = (scores >= float(environment.get("probability_threshold_attribute") or 0.5)).astype(np.int8)
    else:
        raise DatasetError("there is neither an inference_attribute nor a probability_attribute")
    values = _metrics(truth, predicted, scores)
    deviations = _deviations(truth, predicted, scores)
    confusion = {str(true): {str(said): int(((truth == true) & (predicted == said)).sum()) for said in (0, 1)} for true in (0, 1)}
    metrics: dict[str, Any] = {"confusion_matrix": confusion}
    metrics |= {name: {"value": value, "standard_deviation": deviations[name]} for name, value in values.items()}
    if scores is not None:
        metrics |= _curves(truth, scores)
    constraints = {
        name: {"threshold": value, "comparison_operator": "GreaterThanThreshold" if name in _WORSE_ABOVE else "LessThanThreshold"}
        for name, value in values.items()
    }
    dataset = {"item_count": table.num_rows}
    return (
        {"version": 0.0, "dataset": dataset, "binary_classification_metrics": metrics},
        {"version": 0.0, "binary_classification_constraints": constraints},
    )


def _metrics(truth: Labels, predicted: Labels, scores: Scores | None) -> dict[str, float]:
    """Each is 0 where it would divide by nothing, as in the image."""
    positive, negative = int(truth.sum()), int(len(truth) - truth.sum())
    hits, alarms = int((truth & predicted).sum()), int(((1 - truth) & predicted).sum())
    recall, precision = _ratio(hits, positive), _ratio(hits, hits + alarms)
    found = {
        "recall": recall,
        "precision": precision,
        "accuracy": _ratio(hits + negative - alarms, len(truth)),
        "true_positive_rate": recall,
        "true_negative_rate": _ratio(negative - alarms, negative),
        "false_positive_rate": _ratio(alarms, negative),
        "false_negative_rate": _ratio(positive - hits, positive),
    }
    found |= {name: _ratio((1 + beta**2) * precision * recall, beta**2 * precision + recall) for name, beta in _BETAS.items()}
    if scores is not None:
        found["auc"] = _auc(truth, scores)
    return found


def _deviations(truth: Labels, predicted: Labels, scores: Scores | None) -> dict[str, float]:
    """Standard deviations over a few resamples with replacement, the same for the same data."""
    random = np.random.default_rng(0)
    draws = [random.integers(0, len(truth), len(truth)) for _ in range(_RESAMPLES)]
    samples = [_metrics(truth[draw], predicted[draw], None if scores is None else scores[draw]) for draw in draws]
    return {name: float(np.std([sample[name] for sample in samples])) for name in samples[0]}


def _auc(truth: Labels, scores: Scores) -> float:
    """By the rank sum; equal scores share their ranks."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positive = int(truth.sum())
    return _ratio(float(ranks[truth == 1].sum()) - positive * (positive + 1) / 2, positive * (len(truth) - positive))


def _curves(truth: Labels, scores: Scores) -> dict[str, Any]:
    """Receiver operating characteristic, and precision against recall, at evenly spaced places of the ranking."""
    order = np.argsort(-scores, kind="stable")
    hits = np.concatenate([[0], np.cumsum(truth[order])])
    places = np.unique(np.linspace(0, len(truth), min(_CURVE_POINTS, len(truth) + 1)).astype(np.int64))
    positive, negative = int(truth.sum()), int(len(truth) - truth.sum())
    true_rates = [_ratio(int(hits[place]), positive) for place in places]
    false_rates = [_ratio(int(place - hits[place]), negative) for place in places]
    precisions = [_ratio(int(hits[place]), int(place)) if place else 1.0 for place in places]
    return {
        "receiver_operating_characteristic_curve": {"false_positive_rates": false_rates, "true_positive_rates": true_rates},
        "precision_recall_curve": {"precisions": precisions, "recalls": true_rates},
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _column(table: pa.Table, attribute: str) -> pa.ChunkedArray:
    """By name, or by place where it is a number and no name."""
    if attribute in table.column_names:
        return table[attribute]
    if attribute.isdigit() and int(attribute) < table.num_columns:
        return table.column(int(attribute))
    raise DatasetError(f"the dataset has no column {attribute}; it has {', '.join(table.column_names)}")


def _labels(table: pa.Table, environment: Mapping[str, str], name: str) -> Labels:
    attribute = environment.get(name)
    if not attribute:
        raise DatasetError(f"there is no {name}")
    values = [_LABELS.get(str(value).lower()) for value in _column(table, attribute).to_pylist()]
    if None in values:
        raise DatasetError(f"row {values.index(None) + 1} of column {attribute} is neither 0 nor 1")
    return np.array(values, dtype=np.int8)


def _scores(table: pa.Table, attribute: str) -> Scores:
    column = _column(table, attribute)
    if pa.types.is_string(column.type) or column.null_count:
        raise DatasetError(f"column {attribute} is not a probability in every row")
    scores: Scores = column.to_numpy().astype(np.float64)
    return scores
