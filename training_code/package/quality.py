"""The model's quality on the test split, as Model Monitor's statistics and constraints of a binary classifier."""

from typing import Any

Json = dict[str, Any]

_BELOW = "LessThanThreshold"


def statistics(evaluation: Json) -> Json:
    """``model_quality_statistics.json``: the part of evaluation.json that Model Monitor knows."""
    return {name: evaluation[name] for name in ("version", "dataset", "binary_classification_metrics")}


def constraints(evaluation: Json) -> Json:
    """``model_quality_constraints.json``: a metric below the lower end of its 95 % interval is worse than chance explains.

    A metric without an interval (precision where nothing is flagged, say) has no constraint.
    """
    metrics = evaluation["binary_classification_metrics"]
    bounds = {name: metrics.get(name, {}).get("lower") for name in ("auc", "au_prc", "recall", "precision")}
    return {
        "version": 0.0,
        "binary_classification_constraints": {
            name: {"threshold": lower, "comparison_operator": _BELOW} for name, lower in bounds.items() if lower is not None
        },
    }
