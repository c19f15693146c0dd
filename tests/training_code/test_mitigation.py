"""Mitigation makes fraud and facet independent in what a model learns from, and touches nothing else."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training_code.conftest import Trained, train
from training_code import encoded
from training_code.claims import schema
from training_code.encoded import Split
from training_code.train.frameworks import HyperparameterError, Sample
from training_code.train.mitigation import Mitigation

_FACET = "customer_gender=Female"
_FEMALE = schema.FEATURE_NAMES.index("customer_gender_female")


def _split(counts: list[int]) -> Split:
    """Claims outside the facet without and with fraud, then inside: so many each, shuffled; the policy tells them apart."""
    inside = np.repeat([0, 0, 1, 1], counts)
    label = np.repeat([0, 1, 0, 1], counts).astype(np.float32)
    order = np.random.default_rng(1).permutation(len(label))
    features = np.zeros((len(label), len(schema.FEATURE_NAMES)), np.float32)
    features[:, _FEMALE] = inside
    features[:, 0] = np.arange(len(label))
    return Split(features[order], label[order], np.arange(len(label))[order])


def _rates(sample: Sample) -> tuple[float, float]:
    """The weighted share of fraud outside and inside the facet."""
    inside = sample.features[:, _FEMALE] == 1
    outside, within = (np.average(sample.label[rows], weights=sample.weights[rows]) for rows in (~inside, inside))
    return float(outside), float(within)


cells = st.lists(st.integers(1, 400), min_size=4, max_size=4)


@given(cells)
def test_weighted_fraud_rates_are_equal_and_keep_every_total(counts: list[int]) -> None:
    split = _split(counts)
    found = Mitigation.of("reweighing", _FACET, 7).sample(split)
    outside, inside = _rates(found)
    assert outside == pytest.approx(inside, rel=1e-9)
    assert outside == pytest.approx(split.label.mean(), rel=1e-6)
    assert found.weights.sum() == pytest.approx(len(split))
    assert found.features is split.features


@given(cells)
def test_resampling_comes_to_the_counts_that_weights_stand_for(counts: list[int]) -> None:
    split = _split(counts)
    weights = Mitigation.of("reweighing", _FACET, 7).sample(split)
    found = Mitigation.of("resampling", _FACET, 7).sample(split)
    assert found.weight is None
    for inside in (0, 1):
        for label in (0, 1):
            of_weights = weights.weights[(weights.features[:, _FEMALE] == inside) & (weights.label == label)].sum()
            drawn = (found.features[:, _FEMALE] == inside) & (found.label == label)
            assert abs(drawn.sum() - of_weights) <= 0.5 + 1e-9
            # Uniformly: no row of a cell is there more than once more often than another.
            times = np.unique(found.features[drawn, 0], return_counts=True)[1]
            own = (split.features[:, _FEMALE] == inside) & (split.label == label)
            if len(times) == own.sum():
                assert times.max() - times.min() <= 1
            else:
                assert times.size == 0 or times.max() == 1


def test_resampling_is_a_function_of_the_seed() -> None:
    split = _split([300, 40, 300, 10])
    one, same, other = (Mitigation.of("resampling", _FACET, seed).sample(split).features[:, 0].tolist() for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_without_mitigation_the_data_are_as_they_were() -> None:
    split = _split([30, 4, 30, 1])
    found = Mitigation.of("none", "", 7).sample(split)
    assert found.weight is None
    assert found.features is split.features


def test_a_group_without_fraud_keeps_its_claims() -> None:
    """A fold may hold no fraud of a small group: there is nothing to weigh up, and nothing fails."""
    split = _split([30, 4, 30, 0])
    assert np.isfinite(Mitigation.of("reweighing", _FACET, 7).sample(split).weights).all()
    assert len(Mitigation.of("resampling", _FACET, 7).sample(split)) > 30


@pytest.mark.parametrize(
    ("kind", "facet", "message"),
    [
        ("reweighing", "", "needs mitigation_facet, such as customer_gender=Female"),
        ("resampling", "customer_gender=Neither", "customer_gender has the levels"),
        ("reweighing", "customer_gender=Other", "no claim in customer_gender=Other"),
    ],
)
def test_what_cannot_be_mitigated_is_told(kind: str, facet: str, message: str) -> None:
    with pytest.raises(HyperparameterError, match=message):
        Mitigation.of(kind, facet, 7).sample(_split([30, 4, 30, 1]))


@pytest.mark.parametrize("framework", ["xgboost", "logistic_regression"])
def test_training_lowers_the_difference_that_it_is_asked_to_lower(trained: Trained, tmp_path: Path, framework: str) -> None:
    """Scored alike otherwise, one group is scored higher than the other; with mitigation, less so."""
    validation = encoded.read(trained.splits / "validation")
    gaps = {}
    for kind in ("none", "reweighing", "resampling"):
        folder = tmp_path / kind
        arguments = ["--framework", framework, "--mitigation", kind, "--mitigation_facet", _FACET]
        done = train(trained.splits, folder, tmp_path / "c", *arguments, rounds=100 if framework == "xgboost" else None)
        assert done.code == 0, done.output
        told = json.loads((folder / "training.json").read_text())["hyperparameters"]
        assert (told["mitigation"], told["mitigation_facet"]) == (kind, _FACET)
        scores = _scores(folder, validation)
        inside = validation.features[:, _FEMALE] == 1
        gaps[kind] = np.log(scores[~inside]).mean() - np.log(scores[inside]).mean()
        # Out of fold, the claims that models are measured on are all there, once.
        assert json.loads((folder / "out_of_fold.json").read_text())["claims"] == len(validation) + len(
            encoded.read(trained.splits / "train")
        )
    assert gaps["none"] > 0.3
    assert gaps["reweighing"] < 0.7 * gaps["none"]
    assert gaps["resampling"] < 0.7 * gaps["none"]


def _scores(folder: Path, split: Split) -> np.ndarray:
    from training_code import scoring

    return scoring.load(folder).score(split.features)
