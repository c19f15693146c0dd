"""Evaluation of every kind of model, of the champion beside it, and the predictions that it leaves."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn import metrics as sklearn_metrics

import settings
from pipeline_definition.fraud_detection import NO_CHAMPION, assets
from tests.support import archives, steps
from tests.training_code.conftest import Trained
from training_code import encoded, model_archive, scoring
from training_code.claims import schema


def _evaluate(trained: Trained, output: Path, model: Path, *arguments: object) -> steps.Done:
    return steps.run(
        "evaluate", "--test", trained.splits / "test", "--model", model, "--output", output / "evaluation",
        "--predictions", output / "predictions", "--resamples", 200, *arguments,
    )  # fmt: skip


def _found(output: Path) -> Any:
    return json.loads((output / "evaluation/evaluation.json").read_text())


@pytest.mark.parametrize("kind", archives.KINDS)
def test_every_kind_of_model_is_evaluated(trained: Trained, tmp_path: Path, kind: str) -> None:
    folder = archives.write(kind, tmp_path / "content")
    model_archive.pack(folder, tmp_path / "model" / model_archive.NAME)
    done = _evaluate(trained, tmp_path, tmp_path / "model")
    assert done.code == 0, done.output
    found = _found(tmp_path)
    test = encoded.read(trained.splits / "test")
    score = scoring.load(folder).score(test.features)
    assert found["model"] == {"format": kind}
    assert found["binary_classification_metrics"]["auc"]["value"] == pytest.approx(sklearn_metrics.roc_auc_score(test.label, score))
    # None of these archives has what only a script of ours leaves.
    assert found["training"] is found["out_of_fold"] is None
    page = (tmp_path / "evaluation/evaluation.html").read_text()
    assert "without out-of-fold scores" in page
    assert ("not a probability" in page) == (kind == "kmeans")


def test_training_and_out_of_fold_are_told_where_the_archive_has_them(trained: Trained, tmp_path: Path) -> None:
    assert _evaluate(trained, tmp_path, trained.model).code == 0
    found, told = _found(tmp_path), json.loads((trained.model / "training.json").read_text())
    assert found["training"]["fingerprint"] == told["fingerprint"]
    assert found["training"]["hyperparameters"] == told["hyperparameters"]
    assert "history" not in found["training"]
    assert found["out_of_fold"]["auc"] == json.loads((trained.model / "out_of_fold.json").read_text())["auc"]


def test_the_predictions_are_those_of_the_test_split_row_by_row(trained: Trained, tmp_path: Path) -> None:
    assert _evaluate(trained, tmp_path / "a", trained.model).code == 0
    assert _evaluate(trained, tmp_path / "b", trained.model, "--with-features").code == 0
    test, threshold = encoded.read(trained.splits / "test"), _found(tmp_path / "a")["review"]["threshold"]
    plain, wide = (pq.read_table(tmp_path / name / "predictions/predictions.parquet") for name in "ab")
    fields = [f"{field.name}: {field.type}" for field in plain.schema]
    assert fields == ["policy_id: int64", "fraud: uint8", "score: float", "predicted: uint8"]
    assert plain["policy_id"].to_pylist() == test.policy.tolist()
    assert plain["fraud"].to_pylist() == test.label.tolist()
    score = scoring.load(trained.model).score(test.features)
    assert np.array_equal(plain["score"].to_numpy(), score)
    assert plain["predicted"].to_pylist() == (score >= threshold).tolist()
    assert sum(plain["predicted"].to_pylist()) == _found(tmp_path / "a")["review"]["flagged"]
    assert wide.select(plain.column_names).equals(plain)
    assert wide.column_names[4:] == list(schema.FEATURE_NAMES)
    assert np.array_equal(np.column_stack([wide[name].to_numpy() for name in schema.FEATURE_NAMES]), test.features)


def test_without_a_champion_nothing_is_lost(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    # Under the name that a deploy gives it.
    (tmp_path / "none/9a95b452.json").write_bytes(assets(settings.load("dev"))[NO_CHAMPION].content)
    done = _evaluate(trained, tmp_path, trained.model, "--champion", tmp_path / "none")
    assert done.code == 0, done.output
    assert _found(tmp_path)["champion"] == {"is_present": False, "auc_loss": 0.0, "auc_loss_interval": None}
    assert "There is no champion" in (tmp_path / "evaluation/evaluation.html").read_text()


def test_the_champion_is_scored_on_the_same_claims(trained: Trained, tmp_path: Path) -> None:
    champion = archives.write("linear", tmp_path / "content")
    model_archive.pack(champion, tmp_path / "champion" / model_archive.NAME)
    done = _evaluate(trained, tmp_path, trained.model, "--champion", tmp_path / "champion")
    assert done.code == 0, done.output
    found = _found(tmp_path)
    test = encoded.read(trained.splits / "test")
    expected = sklearn_metrics.roc_auc_score(test.label, scoring.load(champion).score(test.features))
    assert found["champion"]["auc"] == pytest.approx(expected)
    loss = expected - found["binary_classification_metrics"]["auc"]["value"]
    assert found["champion"]["auc_loss"] == pytest.approx(loss)
    low, high = found["champion"]["auc_loss_interval"]
    assert low < loss < high
    page = (tmp_path / "evaluation/evaluation.html").read_text()
    roc = page[page.index('aria-label="ROC"') : page.index('aria-label="Precision and recall"')]
    assert roc.count("<polyline") == 3 and ">champion<" in roc


def test_a_model_against_itself_loses_exactly_nothing(trained: Trained, tmp_path: Path) -> None:
    """Each resample draws the claims once for both: of two equal models the difference has no spread."""
    assert _evaluate(trained, tmp_path, trained.model, "--champion", trained.model).code == 0
    champion = _found(tmp_path)["champion"]
    assert (champion["auc_loss"], champion["auc_loss_interval"]) == (0, [0, 0])


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("features", "the champion takes other features than this schema has (different: customer_gender_female)"),
        ("order", "the champion takes other features than this schema has (different: their order)"),
        ("levels", "the champion's schema encodes incident_severity otherwise"),
        ("nothing", "the champion cannot be loaded: no model.tar.gz"),
        ("torn", "cannot be unpacked"),
        ("unknown", "no model"),
    ],
)
def test_a_champion_that_cannot_be_compared_names_the_remedy(trained: Trained, tmp_path: Path, fault: str, told: str) -> None:
    folder = tmp_path / "champion"
    names = list(schema.FEATURE_NAMES)
    if fault == "features":
        archives.write("linear", folder, features=[name for name in names if name != "customer_gender_female"])
    elif fault == "order":
        archives.write("linear", folder, features=names[::-1])
    elif fault == "levels":
        archives.write("linear", folder)
        document: Any = schema.as_document()
        (column,) = [column for column in document["columns"] if column["name"] == "incident_severity"]
        column["levels"] = column["levels"][::-1]
        (folder / "schema.json").write_text(json.dumps(document))
    else:
        folder.mkdir()
        if fault == "torn":
            model_archive.pack(trained.model, folder / model_archive.NAME)
            whole = (folder / model_archive.NAME).read_bytes()
            (folder / model_archive.NAME).write_bytes(whole[: len(whole) // 2])
        elif fault == "unknown":
            (folder / "notes.txt").write_text("nothing")
    done = _evaluate(trained, tmp_path, trained.model, "--champion", folder)
    assert done.code == 1
    assert told in done.output and "start the run without the champion" in done.output
    assert "Traceback" not in done.output
    assert not (tmp_path / "evaluation").exists()


def test_a_champion_with_our_own_schema_is_compared(trained: Trained, tmp_path: Path) -> None:
    """Bounds and descriptions may change; what a feature means may not."""
    champion = tmp_path / "champion"
    shutil.copytree(trained.model, champion)
    document: Any = schema.as_document()
    for column in document["columns"]:
        column |= {"description": "another", **({"maximum": 7} if "maximum" in column else {})}
    (champion / "schema.json").write_text(json.dumps(document))
    assert _evaluate(trained, tmp_path, trained.model, "--champion", champion).code == 0


def test_a_model_of_other_features_is_a_clear_error(trained: Trained, tmp_path: Path) -> None:
    folder = archives.write("linear", tmp_path / "model", features=schema.FEATURE_NAMES[::-1])
    done = _evaluate(trained, tmp_path, folder)
    assert (done.code, "trained on other features" in done.output) == (1, True)


def test_a_test_split_of_one_class_is_a_clear_error(trained: Trained, tmp_path: Path) -> None:
    table = pq.read_table(trained.splits / "test")
    (tmp_path / "test").mkdir()
    pq.write_table(table.filter([not value for value in table[schema.LABEL].to_pylist()]), tmp_path / "test/a.parquet")
    done = steps.run("evaluate", "--test", tmp_path / "test", "--model", trained.model, "--output", tmp_path / "evaluation")
    assert (done.code, "of one class only" in done.output) == (1, True)
