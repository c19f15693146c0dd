"""Reasons of claims: sums by raw column, and values as people wrote them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import claims as raw
from tests.support import steps
from tests.support.claims import Tables
from tests.training_code.conftest import Trained
from training_code import encoded, reasons
from training_code.claims import schema

_FEATURES = len(schema.FEATURES)


def _features(**values: float) -> np.ndarray:
    row = np.zeros((1, _FEATURES), np.float32)
    for name, value in values.items():
        row[0, schema.FEATURE_NAMES.index(name)] = value
    return row


def _contributions(base: float = 0.0, **values: float) -> np.ndarray:
    return np.column_stack([_features(**values), [base]])


@given(st.integers(0, 10_000), st.integers(1, 20))
def test_columns_add_up_as_features_do(seed: int, rows: int) -> None:
    contributions = np.random.default_rng(seed).normal(size=(rows, _FEATURES + 1))
    columns = reasons.by_column(contributions)
    assert columns.shape == (rows, len(reasons.COLUMNS) + 1)
    np.testing.assert_allclose(columns.sum(axis=1), contributions.sum(axis=1), atol=1e-9)
    np.testing.assert_array_equal(columns[:, -1], contributions[:, -1])
    for place, name in enumerate(reasons.COLUMNS):
        own = [place for place, feature in enumerate(schema.FEATURES) if feature.column.name == name]
        np.testing.assert_allclose(columns[:, place], contributions[:, own].sum(axis=1), atol=1e-9)


@given(st.integers(0, 10_000), st.integers(0, 40))
def test_the_top_columns_are_the_largest_that_push_up(seed: int, most: int) -> None:
    random = np.random.default_rng(seed)
    contributions = random.normal(size=(7, _FEATURES + 1)) - 0.4
    found = reasons.top(random.integers(0, 2, (7, _FEATURES)).astype(np.float32), contributions, most=most)
    for own, columns in zip(found, reasons.by_column(contributions)[:, :-1], strict=True):
        expected = sorted((push for push in columns if push > 0), reverse=True)[:most]
        assert [reason.contribution for reason in own] == pytest.approx(expected)
        assert all(columns[reasons.COLUMNS.index(reason.column)] == pytest.approx(reason.contribution) for reason in own)


def test_levels_of_a_column_are_one_reason() -> None:
    claim = _features(customer_gender_male=1, num_insurers_past_5_years=4, vehicle_claim=51051.63, incident_severity=2)
    contributions = _contributions(
        -3.0, customer_gender_male=0.5, customer_gender_female=0.2, customer_gender_unkown=-0.1, num_insurers_past_5_years=0.625,
        vehicle_claim=0.25, incident_severity=0.125, num_injuries=-2.0,
    )  # fmt: skip
    (found,) = reasons.top(claim, contributions, most=9)
    assert [(reason.column, reason.value) for reason in found] == [
        ("num_insurers_past_5_years", 4), ("customer_gender", "Male"), ("vehicle_claim", 51051.63), ("incident_severity", "Totaled"),
    ]  # fmt: skip
    assert found[1].contribution == pytest.approx(0.6)
    assert str(found[0]) == "num_insurers_past_5_years = 4: +0.62"


def test_a_claim_that_everything_speaks_for_has_no_reasons() -> None:
    assert reasons.top(_features(), _contributions(-3.0, num_injuries=-1.0)) == [[]]


@pytest.mark.parametrize(
    "claim",
    [
        _features(),
        _features(customer_gender_male=1, customer_gender_other=1),
        _features(customer_gender_male=0.5),
        _features(customer_gender_male=float("nan")),
    ],
    ids=["no level", "two levels", "half a level", "missing"],
)
def test_features_of_no_value(claim: np.ndarray) -> None:
    ((reason,),) = reasons.top(claim, _contributions(customer_gender_male=1.0))
    assert (reason.value, str(reason)) == (None, "customer_gender = ?: +1.00")


@pytest.mark.parametrize("code", [-1, 0.5, 3, float("inf"), float("nan")])
def test_an_ordinal_code_out_of_range(code: float) -> None:
    assert reasons.values("incident_severity", _features(incident_severity=code)) == [None]


def test_every_value_of_every_claim_is_what_was_in_the_files(trained: Trained, synthetic: Tables) -> None:
    rows = {row["policy_id"]: row for row in raw.read(synthetic.claims)}
    for row in raw.read(synthetic.customers):
        rows[row["policy_id"]] |= row
    split = encoded.read(Path(trained.splits, "test"))
    for column in schema.COLUMNS:
        if column.name not in reasons.COLUMNS:
            continue
        for policy, value in zip(split.policy, reasons.values(column.name, split.features), strict=True):
            written = rows[str(policy)][column.name]
            assert value == (written if column.is_categorical else pytest.approx(float(written), rel=1e-6))
    assert len(split) == len(steps.encoded(trained.splits, "test")) > 0
