"""CompareMitigation as a process, on models whose disparity is known because it was built into them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from tests.support import steps
from tests.support.claims import Tables
from tests.training_code.bias_inputs import facets
from training_code import encoded, model_archive
from training_code.claims import schema

FEMALE = "customer_gender=Female"
CAPACITY = 0.2


@pytest.fixture(scope="module")
def splits(real: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("splits")
    assert steps.preprocess(real.claims, real.customers, folder).code == 0
    return folder


def _linear(folder: Path, coefficients: dict[str, float], *, mitigation: str | None = None, folds: pa.Table | None = None) -> Path:
    """A linear model's archive; injury_claim tells the claims apart where nothing else does."""
    content = folder.with_suffix(".content")
    content.mkdir(parents=True)
    weights = {"injury_claim": 1e-7} | coefficients
    (content / "linear.json").write_text(
        json.dumps(
            {
                "format": 1, "features": list(schema.FEATURE_NAMES), "intercept": -3.0,
                "coefficients": [weights.get(name, 0.0) for name in schema.FEATURE_NAMES],
                "mean": [0.0] * len(schema.FEATURE_NAMES), "scale": [1.0] * len(schema.FEATURE_NAMES),
                "background": [0.0] * len(schema.FEATURE_NAMES),
            }
        )
    )  # fmt: skip
    (content / "features.json").write_text(json.dumps(list(schema.FEATURE_NAMES)))
    if mitigation:
        training = {"hyperparameters": {"mitigation": mitigation, "mitigation_facet": FEMALE}}
        (content / "training.json").write_text(json.dumps(training))
    if folds:
        pq.write_table(folds, content / "out_of_fold.parquet")
    model_archive.pack(content, folder / model_archive.NAME)
    return folder


def _compare(splits: Path, mitigated: Path, reference: Path, output: Path, *arguments: object) -> dict[str, Any]:
    done = _run(splits, mitigated, reference, output, *arguments)
    assert done.code == 0, done.output
    document: dict[str, Any] = json.loads((output / "mitigation.json").read_text())
    return document


def _run(splits: Path, mitigated: Path, reference: Path, output: Path, *arguments: object) -> steps.Done:
    given = arguments or ("--review-capacity", CAPACITY, *facets(FEMALE))
    return steps.run(
        "compare_mitigation", "--test", splits / "test", "--model", mitigated, "--reference", reference, "--output", output,
        "--resamples", 200, *given,
    )  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    skilled = {"num_claims_past_year": 0.3, "num_insurers_past_5_years": 0.1}
    _linear(folder / "fair", skilled, mitigation="reweighing")
    _linear(folder / "unfair", skilled | {"customer_gender_female": 2.0}, mitigation="none")
    return folder


def test_a_model_that_made_disparity_worse_cannot_be_overlooked(splits: Path, models: Path, tmp_path: Path) -> None:
    document = _compare(splits, models / "unfair", models / "fair", tmp_path)
    facet = document["facets"]["customer_gender_female"]
    assert (document["made_worse"], facet["verdict"]) == (["customer_gender_female"], "worse")
    assert "MADE DISPARITY WORSE" in facet["sentence"]
    gap = facet["metrics"]["DPPL"]
    assert (gap["better"], gap["interval"][0] > 0) == ("reference", True)
    assert f"from {abs(gap['reference']) * 100:.1f} to {abs(gap['mitigated']) * 100:.1f} percentage points" in facet["sentence"]
    page = (tmp_path / "mitigation.html").read_text()
    first = page.index('class="notice')
    assert page[first:].startswith('class="notice bad">MITIGATION MADE DISPARITY WORSE for 1 of 1 facets: customer_gender Female.')
    assert "Training recorded no mitigation in the model that is to have it" in page


def test_a_model_that_reduced_disparity_is_said_to_have(splits: Path, models: Path, tmp_path: Path) -> None:
    document = _compare(splits, models / "fair", models / "unfair", tmp_path)
    facet = document["facets"]["customer_gender_female"]
    assert (document["made_worse"], facet["verdict"]) == ([], "better")
    assert "made disparity smaller" in facet["sentence"]
    assert document["models"]["mitigated"]["mitigation"] == f"reweighing for {FEMALE}"
    page = (tmp_path / "mitigation.html").read_text()
    assert "MADE DISPARITY WORSE" not in page.replace(facet["sentence"], "")
    worsened = {name for name, metric in facet["metrics"].items() if metric["better"] == "reference"} - {"GE"}
    assert set(facet["widened"]) == worsened - {"DPPL"}


def test_metrics_and_intervals_are_those_of_the_two_models(splits: Path, models: Path, tmp_path: Path) -> None:
    document = _compare(splits, models / "fair", models / "unfair", tmp_path)
    test = encoded.read(splits / "test")
    place = {name: position for position, name in enumerate(schema.FEATURE_NAMES)}
    base = 0.3 * test.features[:, place["num_claims_past_year"]] + 0.1 * test.features[:, place["num_insurers_past_5_years"]]
    margin = {"mitigated": base + 1e-7 * test.features[:, place["injury_claim"]]}
    margin["reference"] = margin["mitigated"] + 2.0 * test.features[:, place["customer_gender_female"]]
    female = test.features[:, place["customer_gender_female"]] == 1
    for role, values in margin.items():
        # Scores are single precision: claims that tie there tie here.
        score = (1 / (1 + np.exp(3.0 - values.astype(float)))).astype(np.float32)
        found = document["performance"]
        assert found["auc"][role] == pytest.approx(roc_auc_score(test.label, score), abs=2e-3)
        assert found["average_precision"][role] == pytest.approx(average_precision_score(test.label, score), abs=2e-3)
        flagged = score >= document["models"][role]["threshold"] - 1e-7
        assert document["models"][role]["flagged"] == pytest.approx(flagged.sum(), abs=2)
        gap = flagged[~female].mean() - flagged[female].mean()
        assert document["facets"]["customer_gender_female"]["metrics"]["DPPL"][role] == pytest.approx(gap, abs=0.01)
        assert found["recall"][role] == pytest.approx(test.label[flagged].sum() / test.label.sum(), abs=0.05)
    for change in found.values():
        assert change["difference"] == pytest.approx(change["mitigated"] - change["reference"])
        assert change["interval"][0] <= change["difference"] <= change["interval"][1]
    assert document["out_of_fold"] is None


def test_a_model_against_itself_changes_nothing(splits: Path, models: Path, tmp_path: Path) -> None:
    document = _compare(splits, models / "fair", models / "fair", tmp_path)
    facet = document["facets"]["customer_gender_female"]
    assert facet["verdict"] == "unchanged"
    assert {metric["better"] for metric in facet["metrics"].values()} == {"equal"}
    assert all(change["interval"] == [0.0, 0.0] for change in document["performance"].values())


def test_out_of_fold_scores_are_paired_by_policy(splits: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    # Two claims of policy 7, and policies that only one of the models scored.
    policy = np.array([*range(300), 7], np.int64)
    label = (rng.random(301) < 0.2).astype(float)
    good, bad = label + rng.normal(0, 1, 301), rng.normal(0, 1, 301)
    kept = np.append(rng.permutation(250), 300)
    shuffled = [column[kept] for column in (policy, label, bad)]
    one = pa.table({"policy": policy, "label": label, "score": good})
    other = pa.table(dict(zip(("policy", "label", "score"), shuffled, strict=True)))
    _linear(tmp_path / "one", {}, folds=one)
    _linear(tmp_path / "other", {}, folds=other)
    found = _compare(splits, tmp_path / "one", tmp_path / "other", tmp_path / "out")["out_of_fold"]
    common = np.isin(policy, shuffled[0])
    assert found["auc"]["mitigated"] == pytest.approx(roc_auc_score(label[common], good[common]))
    assert found["auc"]["reference"] == pytest.approx(roc_auc_score(label[common], bad[common]))
    assert found["auc"]["interval"][0] > 0
    assert set(found) == {"auc", "average_precision"}
    assert "each scored by models that had not seen its policy" in (tmp_path / "out/mitigation.html").read_text()
    wrong = one.set_column(1, "label", pa.array(1 - label))
    _linear(tmp_path / "wrong", {}, folds=wrong)
    assert _compare(splits, tmp_path / "wrong", tmp_path / "other", tmp_path / "out")["out_of_fold"] is None


def test_a_facet_without_members_cannot_be_judged(splits: Path, models: Path, tmp_path: Path) -> None:
    arguments = ("--review-capacity", CAPACITY, *facets("customer_age=110:", FEMALE))
    document = _compare(splits, models / "fair", models / "unfair", tmp_path, *arguments)
    facet = document["facets"]["customer_age_from_110"]
    assert facet["verdict"] == "unknown"
    assert "nobody can tell" in facet["sentence"]
    assert facet["metrics"]["DPPL"] == {
        "reference": None, "mitigated": None, "distance_change": None, "interval": None, "better": None,
        "reason": facet["metrics"]["DI"]["reason"],
    }  # fmt: skip


def test_bad_models_and_arguments_are_named(splits: Path, models: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = _run(splits, models / "fair", tmp_path / "empty", tmp_path / "out")
    assert (done.code, "the reference model: no model.tar.gz" in done.output) == (1, True)
    (tmp_path / "empty/README").write_text("no model")
    done = _run(splits, tmp_path / "empty", models / "fair", tmp_path / "out")
    assert (done.code, "the mitigated model:" in done.output) == (1, True)
    done = _run(splits, models / "fair", models / "unfair", tmp_path / "out", "--review-capacity", "1.5", *facets(FEMALE))
    assert (done.code, "--review-capacity" in done.output) == (1, True)
    done = _run(splits, models / "fair", models / "unfair", tmp_path / "out", "--review-capacity", "0.1")
    assert (done.code, "no facet" in done.output) == (1, True)
    assert not (tmp_path / "out").exists()


def test_the_same_models_give_the_same_bytes(splits: Path, models: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        _compare(splits, models / "fair", models / "unfair", tmp_path / name)
    for file in ("mitigation.json", "mitigation.html"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
