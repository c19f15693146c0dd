"""The statistics of a dataset against a baseline's constraints and statistics, as Model Monitor compares them.

Source: "Schema for constraints" and "Schema for violations" in SageMaker's developer guide.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from local_sagemaker.drift import distance
from local_sagemaker.errors import StepFailedError

_NUMBERS, _TEXTS = "numerical_statistics", "string_statistics"
_DEFAULT_THRESHOLD = 0.1


def violations(
    statistics: Mapping[str, Any], constraints: Mapping[str, Any], baseline: Mapping[str, Any] | None
) -> list[dict[str, str]]:
    """What ``statistics`` break of ``constraints``; how far they have drifted needs the ``baseline`` statistics."""
    config = constraints.get("monitoring_config", {})
    if config.get("evaluate_constraints") == "Disabled":
        return []
    current = {feature["name"]: feature for feature in statistics["features"]}
    before = {feature["name"]: feature for feature in (baseline or {}).get("features", [])}
    known = {feature["name"]: feature for feature in constraints["features"]}
    found = [(name, "extra_column_check", f"The baseline has no column {name}") for name in current if name not in known]
    for name, constraint in known.items():
        if name not in current:
            found.append((name, "missing_column_check", f"There is no column {name}"))
            continue
        own = config | constraint.get("monitoring_config_overrides", constraint.get("monitoringConfigOverrides", {}))
        found += [(name, *broken) for broken in _feature(current[name], constraint, own)]
        if name in before:
            found += [(name, *broken) for broken in _drift(current[name], before[name], own.get("distribution_constraints", {}))]
    return [{"feature_name": name, "constraint_check_type": kind, "description": said} for name, kind, said in found]


def _feature(feature: Mapping[str, Any], constraint: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    kind, wanted = feature["inferred_type"], constraint["inferred_type"]
    # A column of whole numbers is also one of numbers; one without any value has no type that could be wrong.
    if "Unknown" not in (kind, wanted) and kind != wanted and (kind, wanted) != ("Integral", "Fractional"):
        yield "data_type_check", f"Data type is {kind}; the baseline's is {wanted}"
    common = _statistics(feature).get("common", {})
    present, missing = common.get("num_present", 0), common.get("num_missing", 0)
    completeness = present / (present + missing) if present + missing else 0.0
    if completeness < constraint.get("completeness", 0.0):
        yield "completeness_check", f"Completeness is {completeness:.4g}, less than {constraint['completeness']:.4g}"
    least = feature.get(_NUMBERS, {}).get("min")
    if constraint.get("num_constraints", {}).get("is_non_negative") and isinstance(least, int | float) and least < 0:
        yield "non_negative_check", f"The least value is {least:g}; the baseline has none below zero"
    domain = constraint.get("string_constraints", {}).get("domains")
    buckets = _buckets(feature)
    if domain and buckets:
        total = sum(bucket["count"] for bucket in buckets)
        unknown = {bucket["value"]: bucket["count"] for bucket in buckets if bucket["value"] not in domain}
        share, wanted_share = 1 - sum(unknown.values()) / total, config.get("domain_content_threshold", 1.0)
        if share < wanted_share:
            values = ", ".join(sorted(unknown)[:5])
            yield "categorical_values_check", f"{share:.4g} of the values are known, less than {wanted_share:g}; new are {values}"


def _drift(feature: Mapping[str, Any], before: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if config.get("perform_comparison") == "Disabled":
        return
    numbers = [entry.get(_NUMBERS, {}).get("distribution", {}).get("kll") for entry in (feature, before)]
    texts = [_buckets(entry) for entry in (feature, before)]
    if all(numbers):
        far, threshold = distance.numerical(*numbers), config.get("comparison_threshold", _DEFAULT_THRESHOLD)
    elif all(texts):
        if (method := config.get("categorical_drift_method", "LInfinity")) != "LInfinity":
            raise StepFailedError(f"the categorical_drift_method {method} of the constraints cannot run here; LInfinity can")
        far, threshold = distance.categorical(*texts), config.get("categorical_comparison_threshold", _DEFAULT_THRESHOLD)
    else:
        return
    if config.get("comparison_method", "Robust") == "Robust":
        far = distance.robust(far, *(_statistics(entry)["common"]["num_present"] for entry in (feature, before)))
    if far > threshold:
        yield "baseline_drift_check", f"Baseline drift distance: {far:.4g} exceeds threshold: {threshold:g}"


def _statistics(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = feature.get(_NUMBERS) or feature.get(_TEXTS) or {}
    return found


def _buckets(feature: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = feature.get(_TEXTS, {}).get("distribution", {}).get("categorical", {}).get("buckets", [])
    return found
