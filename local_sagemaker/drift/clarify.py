"""Clarify's analysis.json against an earlier one: bias metrics, and the ranking of features.

Sources: "Bias drift violations" and "Feature attribution drift" in SageMaker's developer guide.
"""

import math
from collections.abc import Mapping
from typing import Any

PRE_TRAINING, POST_TRAINING = "pre_training_bias_metrics", "post_training_bias_metrics"
_IDEALS = {"DI": 1.0}
# Room for the last digits of a sum that was taken in another order.
_TOLERANCE = 1e-9
_MINIMUM_NDCG = 0.9


def bias_violations(analysis: Mapping[str, Any], baseline: Mapping[str, Any], section: str) -> list[dict[str, str]]:
    """Metrics that are further from their ideal, zero or for DI one, than in the baseline.

    Raises:
        KeyError: the baseline has not the section.
    """
    found = []
    for facet, entries in baseline[section]["facets"].items():
        current = {str(entry["value_or_threshold"]): entry for entry in analysis.get(section, {}).get("facets", {}).get(facet, [])}
        for entry in entries:
            value = str(entry["value_or_threshold"])
            metrics = {metric["name"]: metric["value"] for metric in current.get(value, {}).get("metrics", [])}
            for metric in entry["metrics"]:
                if problem := _worse(metric["name"], metrics.get(metric["name"]), metric["value"]):
                    found.append(
                        {
                            "facet": facet,
                            "facet_value": value,
                            "metric_name": metric["name"],
                            "constraint_check_type": "bias_drift_check",
                            "description": problem,
                        }
                    )
    return found


def _worse(name: str, value: float | None, before: float | None) -> str:
    if before is None or math.isnan(before):
        return ""
    if value is None or math.isnan(value):
        return f"Metric value is not there; the baseline has {before:g}"
    ideal = _IDEALS.get(name, 0.0)
    if abs(value - ideal) <= abs(before - ideal) + _TOLERANCE:
        return ""
    return f"Metric value {value:g} is further from {ideal:g} than the baseline's {before:g}"


def attribution_violations(analysis: Mapping[str, Any], baseline: Mapping[str, Any]) -> list[dict[str, str]]:
    """Labels whose features have another ranking than in the baseline.

    Raises:
        KeyError: the baseline has no SHAP values.
    """
    found = []
    current = analysis.get("explanations", {}).get("kernel_shap", {})
    for label, entry in baseline["explanations"]["kernel_shap"].items():
        score = ndcg(current.get(label, {}).get("global_shap_values", {}), entry["global_shap_values"])
        if score < _MINIMUM_NDCG:
            found.append(
                {
                    "label": label,
                    "metric_name": "shap",
                    "constraint_check_type": "feature_attribution_drift_check",
                    "description": f"Feature attribution drift {score:.4f} exceeds threshold {_MINIMUM_NDCG}",
                }
            )
    return found


def ndcg(values: Mapping[str, float], baseline: Mapping[str, float]) -> float:
    """Normalized discounted cumulative gain of the ranking by ``values``; a feature's gain is its share in the baseline.

    1 for the baseline's own ranking; features without a value come last.
    """
    gains = {name: abs(value) for name, value in baseline.items()}
    ranking = sorted(gains, key=lambda name: -abs(values.get(name, 0.0)))
    best = _discounted(sorted(gains.values(), reverse=True))
    return _discounted([gains[name] for name in ranking]) / best if best else 1.0


def _discounted(gains: list[float]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))
