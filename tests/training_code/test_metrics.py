"""The metrics against scikit-learn's, and the threshold against its meaning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sklearn_metrics

from training_code import metrics

# Few distinct scores, so that ties are common.
SCORED = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9)), min_size=2, max_size=60)


@given(SCORED.filter(lambda rows: len({label for label, _ in rows}) == 2), st.data())
def test_auc_and_average_precision_equal_scikit_learns(rows: list[tuple[int, int]], data: st.DataObject) -> None:
    label, score = (np.array(column, float) for column in zip(*rows, strict=True))
    weight = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows))), float)
    ranking = metrics.Ranking.of(label, score)
    assert metrics.auc(ranking) == pytest.approx(sklearn_metrics.roc_auc_score(label, score))
    assert metrics.average_precision(ranking) == pytest.approx(sklearn_metrics.average_precision_score(label, score))
    if weight[label == 1].sum() and weight[label == 0].sum():
        order = np.argsort(-score, kind="stable")
        expected = sklearn_metrics.roc_auc_score(label, score, sample_weight=weight)
        assert metrics.auc(ranking, weight[order]) == pytest.approx(expected)
        expected = sklearn_metrics.average_precision_score(label, score, sample_weight=weight)
        assert metrics.average_precision(ranking, weight[order]) == pytest.approx(expected)


@given(SCORED, st.floats(0.01, 0.99))
def test_the_threshold_flags_what_fits_and_as_much_as_fits(rows: list[tuple[int, int]], capacity: float) -> None:
    label, score = (np.array(column, float) for column in zip(*rows, strict=True))
    at = metrics.at_capacity(metrics.Ranking.of(label, score), capacity)
    flagged = score >= at.threshold
    assert flagged.sum() == at.flagged <= capacity * len(rows) + 1e-9
    following = score[~flagged].max() if (~flagged).any() else None
    if following is not None:
        # One more step down the scores would be more than can be reviewed.
        assert (score >= following).sum() > np.floor(capacity * len(rows) + 1e-9)
    if at.flagged and label.sum():
        assert at.precision == pytest.approx(label[flagged].mean())
        assert at.recall == pytest.approx(label[flagged].sum() / label.sum())
        assert at.lift == pytest.approx(at.precision / label.mean())


def test_a_tie_above_the_capacity_flags_nobody_in_single_precision_either() -> None:
    """Scores are float32 where they are served; the threshold must be above the tie there, too."""
    score = np.full(10, 0.3, np.float32)
    at = metrics.at_capacity(metrics.Ranking.of([0] * 9 + [1], score), 0.1)
    assert at.flagged == 0
    assert not (score >= at.threshold).any()


def test_the_bootstrap_interval_covers_the_estimate_and_is_repeatable() -> None:
    rng = np.random.default_rng(1)
    label = (rng.random(800) < 0.1).astype(float)
    ranking = metrics.Ranking.of(label, label + rng.normal(0, 1.2, 800))
    first = metrics.bootstrap(ranking, resamples=200, seed=1)
    assert first == metrics.bootstrap(ranking, resamples=200, seed=1)
    assert first["auc"].lower < metrics.auc(ranking) < first["auc"].upper
    interval = first["auc"]
    assert (interval.upper - interval.lower) / interval.standard_deviation == pytest.approx(3.92, rel=0.15)
    # Hanley and McNeil's standard error of this AUC is about 0.03.
    assert 0.01 < first["auc"].standard_deviation < 0.06


def test_the_interval_of_a_loss_is_paired() -> None:
    """Two models that err on the same claims: their difference is known far better than either."""
    rng = np.random.default_rng(2)
    label = (rng.random(1500) < 0.1).astype(float)
    common = label + rng.normal(0, 1.2, 1500)
    one, other = (metrics.Ranking.of(label, common + rng.normal(0, 0.2, 1500)) for _ in range(2))
    found = metrics.auc_loss(one, other, resamples=300, seed=1)
    assert found == metrics.auc_loss(one, other, resamples=300, seed=1)
    assert found.lower < metrics.auc(other) - metrics.auc(one) < found.upper
    alone = metrics.bootstrap(one, resamples=300, seed=1)["auc"]
    assert found.upper - found.lower < (alone.upper - alone.lower) / 2
    reverse = metrics.auc_loss(other, one, resamples=300, seed=1)
    assert (reverse.lower, reverse.upper) == (pytest.approx(-found.upper), pytest.approx(-found.lower))


@given(st.integers(0, 40), st.integers(1, 40))
def test_wilsons_interval_equals_scipys(found: int, of: int) -> None:
    found = min(found, of)
    expected = stats.binomtest(found, of).proportion_ci(method="wilson")
    assert metrics.wilson(found, of) == (pytest.approx(expected.low, abs=1e-12), pytest.approx(expected.high, abs=1e-12))


def test_a_share_of_nothing_has_no_interval() -> None:
    assert np.isnan(metrics.wilson(0, 0)).all()


@pytest.mark.parametrize(("claims", "expected"), [(1, 1000), (200_000, 1000), (400_000, 500), (10_000_000, 200)])
def test_very_many_claims_are_resampled_less_often(claims: int, expected: int) -> None:
    assert metrics.enough_resamples(claims, 1000) == expected
    assert metrics.enough_resamples(claims, 50) == 50
