"""The bias metrics against AWS's own code, and the places in which they are meant to differ from it."""

import logging
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy
from scipy.stats.contingency import relative_risk
from smclarify.bias import metrics as oracle

from training_code.bias import analysis, flip_test, post_training, pre_training, shares, tables
from training_code.bias.flip_test import Likeness
from training_code.bias.metric import Metric

ROWS = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans(), st.integers(0, 2)), min_size=1, max_size=50)
METRICS = (*pre_training.METRICS, *post_training.METRICS)
DISTRIBUTIONS = ("KL", "JS", "LP", "TVD", "KS")
THEIRS = {metric.__name__: metric for metric in (*oracle.PRETRAINING_METRICS, *oracle.POSTTRAINING_METRICS)}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class Claims:
    """Random claims as both implementations take them."""

    def __init__(self, rows: list[tuple[bool, bool, bool, int]]) -> None:
        self.member, self.label, self.predicted, self.group = (np.array(column) for column in zip(*rows, strict=True))

    def table(self, metric: Metric) -> tables.Table:
        predicted = None if metric in pre_training.METRICS else self.predicted
        return tables.of(member=self.member, label=self.label, predicted=predicted, stratum=self.group, strata=3)

    def ours(self, metric: Metric) -> float | None:
        return metric.measure(self.table(metric)).value

    def theirs(self, name: str) -> float | None:
        """None where smclarify raises, or says infinity or NaN."""
        arguments = {
            "feature": self.member, "sensitive_facet_index": self.member, "label": self.label, "positive_label_index": self.label,
            "positive_predicted_label_index": self.predicted, "group_variable": self.group,
        }  # fmt: skip
        try:
            value = float(oracle.call_metric(THEIRS[name], **{key: pd.Series(value) for key, value in arguments.items()}))
        except ValueError:
            return None
        return value if math.isfinite(value) else None

    @property
    def has_both_groups(self) -> bool:
        return 0 < self.member.sum() < len(self.member)

    @property
    def has_all_labels(self) -> bool:
        return self.has_both_groups and all(len(set(self.label[self.member == side])) == 2 for side in (False, True))


def test_no_metric_of_clarify_is_missing() -> None:
    assert {metric.name for metric in (*analysis.PRE_TRAINING, *analysis.POST_TRAINING)} == set(THEIRS)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_every_metric_equals_smclarifys(rows: list[tuple[bool, bool, bool, int]]) -> None:
    claims = Claims(rows)
    for metric in METRICS:
        if (metric.name in DISTRIBUTIONS and not claims.has_all_labels) or (metric.name.startswith("CDD") and not claims.has_both_groups):
            continue
        expected = claims.theirs(metric.name)
        assert claims.ours(metric) == (None if expected is None else pytest.approx(expected, abs=1e-9)), metric.name


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_whatever_has_no_value_says_why_and_whatever_has_one_lies_in_its_range(rows: list[tuple[bool, bool, bool, int]]) -> None:
    claims = Claims(rows)
    for metric in METRICS:
        found = metric.measure(claims.table(metric))
        assert (found.value is None) == bool(found.reason), metric.name
        if found.value is not None:
            assert metric.range[0] - 1e-12 <= found.value <= metric.range[1] + 1e-12, metric.name


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_distances_of_labels_follow_their_definition_where_smclarify_drops_labels(rows: list[tuple[bool, bool, bool, int]]) -> None:
    """A facet without a single fraud: smclarify compares the remaining label alone, and finds negative divergences."""
    claims = Claims(rows)
    assume(claims.has_both_groups)
    others, facet = (
        np.array([np.mean(claims.label[claims.member == side] == label) for label in (False, True)]) for side in (False, True)
    )
    divergence = float(entropy(others, facet))
    expected = {
        "KL": divergence if math.isfinite(divergence) else None,
        "JS": float(jensenshannon(others, facet)) ** 2 if not np.allclose(others, facet) else 0.0,
        "LP": math.dist(others, facet),
        "TVD": abs(others - facet).sum() / 2,
        "KS": abs(others - facet).max(),
    }
    for metric in pre_training.METRICS:
        if metric.name in DISTRIBUTIONS:
            value = expected[metric.name]
            assert claims.ours(metric) == (None if value is None else pytest.approx(value, abs=1e-9)), metric.name


def test_smclarifys_divergence_of_a_facet_without_fraud_is_negative() -> None:
    """If this fails, the oracle has changed, and the remark in pre_training may go."""
    claims = Claims([(False, True, False, 0), (False, False, False, 0), (True, False, False, 0)])
    theirs = claims.theirs("KL")
    assert theirs is not None
    assert theirs < 0
    (divergence,) = (metric for metric in pre_training.METRICS if metric.name == "KL")
    assert "lacks a label" in str(divergence.measure(claims.table(divergence)).reason)


@pytest.mark.parametrize("everyone", [True, False])
def test_an_empty_group_is_said_for_every_metric_that_compares(everyone: bool) -> None:
    claims = Claims([(everyone, True, True, 0), (everyone, False, False, 1)])
    for metric in METRICS:
        found = metric.measure(claims.table(metric))
        if metric.compares_groups:
            assert ("all 2 claims" if everyone else "none of the 2 claims") in str(found.reason)
        else:
            assert found.value == 0.0


def test_a_rate_of_nothing_is_remarked() -> None:
    """Clarify counts a precision without a flag as 0; a reader must be told."""
    claims = Claims([(True, True, False, 0), (False, True, True, 0), (False, False, False, 0)])
    (precision,) = (metric for metric in post_training.METRICS if metric.name == "DAR")
    found = precision.measure(claims.table(precision))
    assert found.value == 1.0
    assert "the facet has no flagged claims" in str(found.remark)


@given(ROWS, ROWS)
def test_counts_add_up(one: list[tuple[bool, bool, bool, int]], other: list[tuple[bool, bool, bool, int]]) -> None:
    """Why any number of claims fits: metrics see counts, and counts of parts are added."""
    (metric,) = (metric for metric in post_training.METRICS if metric.name == "CDDPL")
    together = Claims(one + other).table(metric)
    assert (together == Claims(one).table(metric) + Claims(other).table(metric)).all()
    assert tables.sizes(together) == (int(Claims(one + other).member.sum()), len(one + other) - int(Claims(one + other).member.sum()))


def test_resampled_counts_vary_as_resampled_claims_do() -> None:
    rng = np.random.default_rng(3)
    claims = Claims(list(zip(rng.random(900) < 0.4, rng.random(900) < 0.1, rng.random(900) < 0.2, rng.integers(0, 3, 900), strict=True)))
    (metric,) = (metric for metric in post_training.METRICS if metric.name == "DPPL")
    drawn = metric.compute(tables.resample(claims.table(metric), resamples=2000, seed=1))
    by_claim = []
    for _ in range(500):
        rows = rng.integers(0, 900, 900)
        member, predicted = claims.member[rows], claims.predicted[rows]
        by_claim.append(predicted[~member].mean() - predicted[member].mean())
    assert drawn.mean() == pytest.approx(np.mean(by_claim), abs=0.01)
    assert drawn.std() == pytest.approx(np.std(by_claim), rel=0.15)
    assert (drawn == metric.compute(tables.resample(claims.table(metric), resamples=2000, seed=1))).all()


def _decided(facet: tuple[int, int], others: tuple[int, int]) -> tables.Table:
    """Claims of which so many of so many are flagged, none of them fraud."""
    counts = np.zeros((1, 2, 2, 2), np.int64)
    for side, (flagged, total) in ((1, facet), (0, others)):
        counts[0, side, 0] = total - flagged, flagged
    return counts


def _interval(name: str, table: tables.Table) -> tuple[float, float]:
    (metric,) = (metric for metric in post_training.METRICS if metric.name == name)
    found = metric.interval(table, table[None])
    assert found is not None
    return found


def test_the_interval_of_a_difference_is_the_published_one() -> None:
    """Newcombe (1998), table II, method 10: 56 of 70 against 48 of 80, and 10 of 10 against 0 of 20."""
    assert _interval("DPPL", _decided((48, 80), (56, 70))) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert _interval("DPPL", _decided((0, 20), (10, 10))) == pytest.approx((0.6791, 1.0), abs=5e-5)


def test_the_interval_of_a_ratio_is_that_of_many_claims_and_sound_for_few() -> None:
    many = _decided((300, 2_000), (500, 2_500))
    expected = relative_risk(300, 2_000, 500, 2_500).confidence_interval(0.95)
    assert _interval("DI", many) == pytest.approx((expected.low, expected.high), rel=0.01)
    # Nine claims, and none flagged where a tenth is expected: that may well be chance, which a bootstrap would not see.
    low, high = _interval("DI", _decided((0, 9), (75, 743)))
    assert (low, high > 1) == (0.0, True)
    drawn = tables.resample(_decided((0, 9), (75, 743)), resamples=200, seed=1)
    (impact,) = (metric for metric in post_training.METRICS if metric.name == "DI")
    assert np.nanmax(impact.compute(drawn)) == 0.0


def test_what_nobody_did_gives_no_bootstrap_interval() -> None:
    """Not one flag in the facet: resamples would all agree, and look certain."""
    table = _decided((0, 40), (20, 60))
    table[0, :, 1, 0] = 3
    (disparity,) = (metric for metric in post_training.METRICS if metric.name == "CDDPL")
    assert disparity.interval(table, tables.resample(table, resamples=200, seed=1)) is None
    table[0, 1, 0] = 35, 5
    assert disparity.interval(table, tables.resample(table, resamples=200, seed=1)) is not None


def test_shares_are_those_of_the_groups() -> None:
    members = [(True, True, True, 0), (True, False, True, 0), (True, False, False, 1)]
    claims = Claims([*members, (False, True, False, 0), (False, False, False, 0)])
    table = claims.table(post_training.METRICS[0])
    facet, others = shares.of(table, is_member=True), shares.of(table, is_member=False)
    assert (facet.part.count, facet.part.total, facet.flagged.count, facet.frauds.count) == (3, 5, 2, 1)
    assert (str(facet.precision), str(facet.recall), str(facet.false_alarms)) == ("50.0%", "100.0%", "50.0%")
    assert (str(others.precision), others.precision.interval, str(others.recall)) == ("–", None, "0.0%")


# The flip test.


def _flips(features: Any, member: Any, predicted: Any) -> flip_test.Flips:
    values = np.asarray(features)
    return flip_test.count(Likeness(values, np.arange(values.shape[1]), np.ones(values.shape[1])), member, predicted)


@settings(max_examples=25, deadline=None)
@given(st.integers(4, 120), st.integers(1, 20), st.integers(0, 10_000))
def test_the_flip_test_equals_smclarifys(size: int, width: int, seed: int) -> None:
    """Continuous features, so that no two neighbours are equally far; with nine others or fewer, one neighbour decides."""
    rng = np.random.default_rng(seed)
    features, member, predicted = rng.normal(size=(size, width)), rng.random(size) < rng.random(), rng.random(size) < 0.5
    assume(0 < member.sum() < size)
    expected = oracle.FT(pd.DataFrame(features), pd.Series(member), pd.Series(predicted))
    assert _flips(features, member, predicted).measurement.value == pytest.approx(expected, abs=1e-12)


def test_the_flip_test_in_blocks_and_by_places_and_units(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    features, member, predicted = rng.normal(size=(300, 4)), rng.random(300) < 0.4, rng.random(300) < 0.5
    units = np.array([10.0, 0.5])
    whole = flip_test.count(Likeness(features, np.array([3, 1]), units), member, predicted)
    monkeypatch.setattr(flip_test, "_BLOCK", 700)
    assert flip_test.count(Likeness(features, np.array([3, 1]), units), member, predicted) == whole
    assert _flips(features[:, [3, 1]] / units, member, predicted) == whole


def test_equally_near_others_vote_in_their_order() -> None:
    features = np.zeros((13, 1))
    member = np.array([True] + [False] * 12)
    first, last = np.array([False] + [True] * 3 + [False] * 9), np.array([False] * 10 + [True] * 3)
    assert (_flips(features, member, first).passed, _flips(features, member, last).passed) == (1, 0)


def test_the_flip_test_asks_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time is bounded, however many claims there are."""
    rng = np.random.default_rng(6)
    features, member, predicted = rng.normal(size=(5_000, 3)), rng.random(5_000) < 0.5, rng.random(5_000) < 0.5
    monkeypatch.setattr(flip_test, "MEMBERS", 400)
    monkeypatch.setattr(flip_test, "OTHERS", 900)
    found = _flips(features, member, predicted)
    assert (found.members, found.others, found.is_sample) == (400, 900, True)
    assert found == _flips(features, member, predicted)
    monkeypatch.undo()
    everyone = _flips(features, member, predicted)
    assert (everyone.is_sample, everyone.members) == (True, 2_000)
    assert found.measurement.value == pytest.approx(everyone.measurement.value, abs=0.1)
