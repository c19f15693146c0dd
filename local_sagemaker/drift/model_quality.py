"""A model's metrics against a baseline's thresholds, as Model Monitor compares them."""

from collections.abc import Mapping
from typing import Any

from local_sagemaker.errors import StepFailedError

_KINDS = ("binary_classification", "multiclass_classification", "regression")


def violations(statistics: Mapping[str, Any], constraints: Mapping[str, Any]) -> list[dict[str, str]]:
    """Metrics beyond their thresholds; one that is not there counts as such.

    Raises:
        StepFailedError: the constraints say nothing that is known.
    """
    kind = next((kind for kind in _KINDS if f"{kind}_constraints" in constraints), None)
    if kind is None:
        raise StepFailedError(f"the baseline's constraints have none of {', '.join(f'{kind}_constraints' for kind in _KINDS)}")
    metrics = statistics.get(f"{kind}_metrics", {})
    found = []
    for name, constraint in constraints[f"{kind}_constraints"].items():
        operator, threshold = constraint["comparison_operator"], constraint["threshold"]
        if operator not in ("LessThanThreshold", "GreaterThanThreshold"):
            raise StepFailedError(f"the comparison_operator {operator} of {name} in the constraints is not known")
        value = metrics.get(name, {}).get("value")
        if not isinstance(value, int | float):
            said = f"Metric {name} is not there; its threshold is {threshold:g}"
        elif value < threshold if operator == "LessThanThreshold" else value > threshold:
            said = f"Metric {name} with {value:.4g} was {operator} {threshold:.4g}"
        else:
            continue
        found.append({"metric_name": name, "constraint_check_type": operator, "description": said})
    return found
