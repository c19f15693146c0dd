"""What counts as drift: of bias, of attributions, of data and of a model's quality."""

import copy
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_sagemaker import StepFailedError
from local_sagemaker.drift import clarify, data_quality, distance, model_quality
from local_sagemaker.monitor_analyzer.data_quality import analyze


def _bias(section: str = clarify.PRE_TRAINING, **metrics: float | None) -> dict[str, Any]:
    found = [{"name": name, "description": name, "value": value} for name, value in metrics.items()]
    return {"version": "1.0", section: {"facets": {"gender": [{"value_or_threshold": "Female", "metrics": found}]}}}


@pytest.mark.parametrize(
    ("name", "before", "after", "is_worse"),
    [
        ("DPL", 0.2, 0.1, False), ("DPL", 0.2, -0.2, False), ("DPL", 0.2, -0.3, True), ("DPL", -0.1, -0.11, True), ("DPL", 0.0, 0.0, False),
        ("DI", 0.8, 0.9, False), ("DI", 0.8, 0.7, True), ("DI", 0.8, 1.3, True), ("DI", 0.8, 1.2, False), ("DI", 1.5, 0.2, True),
        ("CI", 0.5, None, True), ("CI", None, 0.5, False), ("CI", 0.5, math.nan, True), ("CI", math.nan, 0.5, False),
        ("DPL", 0.2, 0.2 + 1e-12, False),
    ],
)  # fmt: skip
def test_bias_may_come_closer_to_its_ideal_but_not_leave_it(name: str, before: Any, after: Any, is_worse: bool) -> None:
    found = clarify.bias_violations(_bias(**{name: after}), _bias(**{name: before}), clarify.PRE_TRAINING)
    expected = [{"facet": "gender", "facet_value": "Female", "metric_name": name, "constraint_check_type": "bias_drift_check"}]
    assert [{key: value for key, value in violation.items() if key != "description"} for violation in found] == expected * is_worse


def test_a_metric_or_facet_that_is_gone_is_a_violation_and_sections_are_apart() -> None:
    baseline = _bias(DPL=0.1, CI=0.2)
    assert [entry["metric_name"] for entry in clarify.bias_violations(_bias(CI=0.1), baseline, clarify.PRE_TRAINING)] == ["DPL"]
    assert len(clarify.bias_violations({"version": "1.0"}, baseline, clarify.PRE_TRAINING)) == 2
    with pytest.raises(KeyError):
        clarify.bias_violations(_bias(CI=0.1), baseline, clarify.POST_TRAINING)


def _shap(**values: float) -> dict[str, Any]:
    return {"explanations": {"kernel_shap": {"label0": {"global_shap_values": values, "expected_value": 0.1}}}}


def test_a_new_ranking_of_features_is_a_violation() -> None:
    """The example of the developer guide: the ranking of three features is reversed."""
    before, after = {"sat": 0.70, "gpa": 0.50, "rank": 0.05}, {"sat": 0.10, "gpa": 0.20, "rank": 0.70}
    score = (0.05 + 0.50 / math.log2(3) + 0.70 / 2) / (0.70 + 0.50 / math.log2(3) + 0.05 / 2)
    assert clarify.ndcg(after, before) == pytest.approx(score)
    (violation,) = clarify.attribution_violations(_shap(**after), _shap(**before))
    assert violation == {
        "label": "label0", "metric_name": "shap", "constraint_check_type": "feature_attribution_drift_check",
        "description": f"Feature attribution drift {score:.4f} exceeds threshold 0.9",
    }  # fmt: skip
    assert clarify.attribution_violations(_shap(sat=7.0, gpa=1.0, rank=0.9), _shap(**before)) == []
    assert len(clarify.attribution_violations({}, _shap(**after))) == 1


VALUES = st.lists(st.floats(-1e6, 1e6) | st.integers(-5, 5).map(float), min_size=1, max_size=60)


@given(VALUES, VALUES)
@settings(deadline=None)
def test_the_distance_of_sketches_is_that_of_kolmogorov_and_smirnov(first: list[float], second: list[float]) -> None:
    kll = [_numbers(values)["distribution"]["kll"] for values in (first, second)]
    assert distance.numerical(kll[0], kll[1]) == pytest.approx(
        max(abs(np.mean(np.array(first) <= point) - np.mean(np.array(second) <= point)) for point in [*first, *second])
    )
    # Buckets know less, but never put a value outside of them.
    for entry in kll:
        entry["sketch"]["data"] = []
    assert 0 <= distance.numerical(kll[0], kll[1]) <= 1
    assert distance.numerical(kll[0], kll[0]) == 0


def test_the_robust_distance_is_less_by_what_samples_of_their_size_differ_by() -> None:
    assert distance.robust(0.3, 200, 200) == pytest.approx(0.3 - 1.8 * 0.1)
    assert distance.robust(0.1, 200, 200) == 0
    assert distance.robust(0.5, 0, 200) == 0


@given(st.integers(2_000, 20_000), st.integers(0, 9))
@settings(deadline=None, max_examples=20)
def test_a_sketch_stands_for_every_value_with_small_error(size: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=size)
    kll = _numbers(values.tolist())["distribution"]["kll"]
    levels = kll["sketch"]["data"]
    assert sum(len(level) * 2**number for number, level in enumerate(levels)) == size
    assert sum(map(len, levels)) <= 2048 + len(levels)
    exact = {"buckets": [], "sketch": {"data": [values.tolist()]}}
    assert distance.numerical(kll, exact) < 0.002


def _numbers(values: list[float]) -> Any:
    return _statistics({"x": values})[0]["features"][0]["numerical_statistics"]


def _statistics(columns: dict[str, list[Any]]) -> tuple[Any, Any]:
    return copy.deepcopy(analyze(pa.table(columns)))


COLUMNS: dict[str, list[Any]] = {
    "amount": [float(number) for number in range(200)], "count": list(range(200)), "state": ["CA", "WA"] * 100, "name": ["x", None] * 100,
}  # fmt: skip


def _violations(columns: dict[str, list[Any]], **config: Any) -> dict[str, set[str]]:
    before, constraints = _statistics(COLUMNS)
    constraints["monitoring_config"] |= config
    found: dict[str, set[str]] = {}
    for entry in data_quality.violations(_statistics(columns)[0], constraints, before):
        found.setdefault(entry["feature_name"], set()).add(entry["constraint_check_type"])
    return found


def test_a_dataset_meets_the_constraints_that_it_suggests() -> None:
    assert _violations(COLUMNS) == {}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"amount": [-1.0, *COLUMNS["amount"][1:]]}, {"amount": {"non_negative_check"}}),
        ({"amount": [None, *COLUMNS["amount"][1:]]}, {"amount": {"completeness_check"}}),
        ({"amount": list(range(200))}, {}),
        ({"count": COLUMNS["amount"]}, {"count": {"data_type_check"}}),
        ({"count": [str(number) for number in range(200)]}, {"count": {"data_type_check"}}),
        ({"amount": [value + 100 for value in COLUMNS["amount"]]}, {"amount": {"baseline_drift_check"}}),
        ({"amount": [value + 20 for value in COLUMNS["amount"]]}, {}),
        ({"state": ["CA", "OR"] * 100}, {"state": {"categorical_values_check", "baseline_drift_check"}}),
        ({"state": ["CA"] * 198 + ["WA", "OR"]}, {"state": {"categorical_values_check", "baseline_drift_check"}}),
        ({"state": ["CA"] * 110 + ["WA"] * 90}, {}),
        ({"name": [None] * 200}, {"name": {"completeness_check"}}),
        ({"extra": [1] * 200}, {"extra": {"extra_column_check"}}),
    ],
)
def test_each_constraint_is_checked(change: dict[str, list[Any]], expected: dict[str, set[str]]) -> None:
    assert _violations(COLUMNS | change) == expected


def test_a_missing_column_is_named() -> None:
    assert _violations({name: values for name, values in COLUMNS.items() if name != "state"}) == {"state": {"missing_column_check"}}


def test_the_configuration_of_the_constraints_is_kept() -> None:
    moved = COLUMNS | {"amount": [value + 20 for value in COLUMNS["amount"]], "state": ["CA"] * 199 + ["OR"]}
    distribution = {"perform_comparison": "Enabled", "comparison_threshold": 0.05, "comparison_method": "Simple"}
    assert _violations(moved, distribution_constraints=distribution)["amount"] == {"baseline_drift_check"}
    off = {"perform_comparison": "Disabled"}
    assert _violations(moved, distribution_constraints=off) == {"state": {"categorical_values_check"}}
    assert _violations(moved, distribution_constraints=off, domain_content_threshold=0.99) == {}
    assert _violations(moved, evaluate_constraints="Disabled") == {}
    with pytest.raises(StepFailedError, match=r"categorical_drift_method ChiSquared .* cannot run here"):
        _violations(moved, distribution_constraints={"categorical_drift_method": "ChiSquared"})


def test_without_baseline_statistics_only_the_constraints_count() -> None:
    _, constraints = _statistics(COLUMNS)
    moved, _ = _statistics(COLUMNS | {"amount": [value + 100 for value in COLUMNS["amount"]]})
    assert data_quality.violations(moved, constraints, None) == []


@pytest.mark.parametrize(
    ("operator", "value", "is_violated"),
    [
        ("LessThanThreshold", 0.49, True), ("LessThanThreshold", 0.5, False),
        ("GreaterThanThreshold", 0.51, True), ("GreaterThanThreshold", 0.5, False),
    ],
)
def test_a_metric_beyond_its_threshold_is_a_violation(operator: str, value: float, is_violated: bool) -> None:
    for kind in ("binary_classification", "regression", "multiclass_classification"):
        constraints = {f"{kind}_constraints": {"auc": {"threshold": 0.5, "comparison_operator": operator}}}
        found = model_quality.violations({f"{kind}_metrics": {"auc": {"value": value}}}, constraints)
        assert [entry["metric_name"] for entry in found] == ["auc"] * is_violated
        assert model_quality.violations({}, constraints)[0]["description"] == "Metric auc is not there; its threshold is 0.5"


def test_constraints_that_say_nothing_known_are_refused() -> None:
    with pytest.raises(StepFailedError, match="have none of binary_classification_constraints"):
        model_quality.violations({}, {"features": []})
    with pytest.raises(StepFailedError, match="comparison_operator Near of auc"):
        model_quality.violations({}, {"regression_constraints": {"auc": {"threshold": 1, "comparison_operator": "Near"}}})
