"""What Package leaves beside the model: statistics and constraints of the raw training claims, and the facts."""

import csv
import hashlib
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline_definition import code_archives
from tests.support import archives, steps
from tests.support.claims import Tables
from tests.training_code.conftest import Trained
from training_code import encoded, model_archive, scoring
from training_code.claims import schema


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serving")
    (folder / "serve.pyz").write_bytes(code_archives.serving().content)
    return folder


@pytest.fixture(scope="module")
def evaluated(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _evaluate(trained, trained.model, tmp_path_factory.mktemp("evaluated"))


@pytest.fixture(scope="module")
def packaged(trained: Trained, evaluated: Path, serving: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packaged")
    done = _package(trained, trained.model, evaluated, serving, folder)
    assert done.code == 0, done.output
    return folder


def _evaluate(trained: Trained, model: Path, folder: Path) -> Path:
    output = folder / "evaluation"
    done = steps.run("evaluate", "--test", trained.splits / "test", "--model", model, "--output", output, "--resamples", 100)
    assert done.code == 0, done.output
    return output


def _package(trained: Trained, model: Path, evaluation: Path, serving: Path, folder: Path, *, train: Path | None = None) -> steps.Done:
    return steps.run(
        "package", "--model", model, "--evaluation", evaluation, "--serving-code", serving,
        "--train", train or trained.splits / "train", "--output", folder / "package", "--baseline", folder / "baseline",
    )  # fmt: skip


def _document(packaged: Path, name: str) -> Any:
    return json.loads((packaged / "baseline" / name).read_text())


def _features(packaged: Path, name: str) -> dict[str, Any]:
    return {feature["name"]: feature for feature in _document(packaged, name)["features"]}


def _raw(trained: Trained, synthetic: Tables) -> list[dict[str, str]]:
    """The raw records of the claims in the training split."""
    policies = {str(row[schema.KEY]) for row in steps.encoded(trained.splits, "train")}
    customers = {row[schema.KEY]: row for row in csv.DictReader(synthetic.customers.open(encoding="utf-8"))}
    claims = csv.DictReader(synthetic.claims.open(encoding="utf-8"))
    return [row | customers[row[schema.KEY]] for row in claims if row[schema.KEY] in policies]


def test_statistics_are_those_of_the_raw_records(trained: Trained, synthetic: Tables, packaged: Path) -> None:
    rows = _raw(trained, synthetic)
    statistics, document = _features(packaged, "statistics.json"), _document(packaged, "statistics.json")
    assert document["dataset"]["item_count"] == len(rows) == len(steps.encoded(trained.splits, "train"))
    columns = [column for column in schema.COLUMNS if column.encoding is not schema.Encoding.NONE]
    assert list(statistics) == [*(column.name for column in columns), "score"]
    for column in columns:
        values = [row[column.name] for row in rows]
        found = statistics[column.name]
        if column.is_categorical:
            assert found["inferred_type"] == "String"
            assert found["string_statistics"]["common"] == {"num_present": len(rows), "num_missing": 0}
            buckets = found["string_statistics"]["distribution"]["categorical"]["buckets"]
            assert {bucket["value"]: bucket["count"] for bucket in buckets} == Counter(values)
            assert found["string_statistics"]["distinct_count"] == len(set(values))
            continue
        numbers = np.array(values, float)
        assert found["inferred_type"] == ("Integral" if column.is_integer else "Fractional")
        told = found["numerical_statistics"]
        expected = [numbers.mean(), numbers.sum(), numbers.std(), numbers.min(), numbers.max()]
        # Features are single precision.
        assert [told[name] for name in ("mean", "sum", "std_dev", "min", "max")] == pytest.approx(expected, rel=1e-5)
        assert sum(bucket["count"] for bucket in told["distribution"]["kll"]["buckets"]) == len(rows)


def test_the_scores_baseline_is_that_of_the_test_split(trained: Trained, packaged: Path) -> None:
    test = encoded.read(trained.splits / "test")
    score = scoring.load(trained.model).score(test.features).astype(float)
    found = _features(packaged, "statistics.json")["score"]["numerical_statistics"]
    assert found["common"]["num_present"] == len(score)
    assert [found["mean"], found["std_dev"], found["max"]] == pytest.approx([score.mean(), score.std(), score.max()])
    assert sum(bucket["count"] for bucket in found["distribution"]["kll"]["buckets"]) == len(score)


def test_constraints_follow_from_the_statistics(packaged: Path) -> None:
    statistics, constraints = (_features(packaged, name) for name in ("statistics.json", "constraints.json"))
    assert list(statistics) == list(constraints)
    for name, found in constraints.items():
        assert (found["inferred_type"], found["completeness"]) == (statistics[name]["inferred_type"], 1.0)
        if found["inferred_type"] == "String":
            buckets = statistics[name]["string_statistics"]["distribution"]["categorical"]["buckets"]
            assert found["string_constraints"] == {"domains": [bucket["value"] for bucket in buckets]}
        else:
            assert found["num_constraints"] == {"is_non_negative": True}
    assert _document(packaged, "constraints.json")["monitoring_config"]["evaluate_constraints"] == "Enabled"


def test_a_level_that_did_not_occur_is_no_part_of_the_domain(trained: Trained, evaluated: Path, serving: Path, tmp_path: Path) -> None:
    table = pq.read_table(trained.splits / "train")
    (tmp_path / "train").mkdir()
    keep = np.flatnonzero(np.array(table["customer_gender_other"]) == 0)
    pq.write_table(table.take(keep), tmp_path / "train/part.parquet")
    assert _package(trained, trained.model, evaluated, serving, tmp_path, train=tmp_path / "train").code == 0
    assert "Other" not in _features(tmp_path, "constraints.json")["customer_gender"]["string_constraints"]["domains"]
    assert _features(tmp_path, "statistics.json")["customer_gender"]["string_statistics"]["distinct_count"] == 3


def test_parts_and_batches_make_no_difference(
    trained: Trained, evaluated: Path, serving: Path, packaged: Path, tmp_path: Path
) -> None:
    table = pq.read_table(trained.splits / "train")
    (tmp_path / "train").mkdir()
    for number, start in enumerate(range(0, table.num_rows, 333)):
        pq.write_table(table.slice(start, 333), tmp_path / f"train/part-{number:03}.parquet", row_group_size=100)
    assert _package(trained, trained.model, evaluated, serving, tmp_path, train=tmp_path / "train").code == 0
    one, many = _features(packaged, "statistics.json"), _features(tmp_path, "statistics.json")
    for name, found in one.items():
        if "string_statistics" in found:
            assert found == many[name]
            continue
        mine, theirs = found["numerical_statistics"], many[name]["numerical_statistics"]
        assert mine["distribution"]["kll"]["buckets"] == theirs["distribution"]["kll"]["buckets"]
        assert [mine[key] for key in ("mean", "sum", "std_dev")] == pytest.approx([theirs[key] for key in ("mean", "sum", "std_dev")])


def test_model_quality_is_bound_by_the_intervals_of_the_evaluation(evaluated: Path, packaged: Path) -> None:
    evaluation = json.loads((evaluated / "evaluation.json").read_text())
    metrics = evaluation["binary_classification_metrics"]
    assert _document(packaged, "model_quality_statistics.json")["binary_classification_metrics"] == metrics
    found = _document(packaged, "model_quality_constraints.json")["binary_classification_constraints"]
    names = ("auc", "au_prc", "recall", "precision")
    assert found == {name: {"threshold": metrics[name]["lower"], "comparison_operator": "LessThanThreshold"} for name in names}


def test_the_facts_are_flat_and_true(trained: Trained, evaluated: Path, serving: Path, packaged: Path) -> None:
    facts = _document(packaged, "package.json")
    rows = steps.encoded(trained.splits, "train")
    evaluation = json.loads((evaluated / "evaluation.json").read_text())
    assert facts == {
        "training_data_sha256": encoded.digest(trained.splits / "train"),
        "model_sha256": hashlib.sha256((packaged / "package/model.tar.gz").read_bytes()).hexdigest(),
        "inference_code_sha256": hashlib.sha256((serving / "serve.pyz").read_bytes()).hexdigest(),
        "rows": len(rows),
        "fraud": sum(row[schema.LABEL] for row in rows),
        "model_format": "xgboost",
        "threshold": evaluation["review"]["threshold"],
        "review_capacity": 0.1,
    }


def test_the_archive_carries_the_model_and_not_the_scores_of_training_claims(trained: Trained, packaged: Path, tmp_path: Path) -> None:
    folder = model_archive.unpack(packaged / "package", tmp_path)
    names = {file.name for file in folder.iterdir()}
    assert names == {"model.ubj", "features.json", "training.json", "schema.json", "review.json", "evaluation.json", "code"}
    assert scoring.load(folder).features == schema.FEATURE_NAMES


@pytest.mark.parametrize("kind", archives.KINDS)
def test_every_kind_of_model_is_packaged(trained: Trained, serving: Path, tmp_path: Path, kind: str) -> None:
    model = archives.write(kind, tmp_path / "model")
    done = _package(trained, model, _evaluate(trained, model, tmp_path), serving, tmp_path)
    assert done.code == 0, done.output
    folder = model_archive.unpack(tmp_path / "package", tmp_path / "content")
    assert json.loads((folder / "features.json").read_text()) == list(schema.FEATURE_NAMES)
    test = encoded.read(trained.splits / "test")
    score = scoring.load(folder).score(test.features)
    assert np.array_equal(score, scoring.load(model).score(test.features))
    # A package is what the next model has as its champion.
    again = steps.run(
        "evaluate", "--test", trained.splits / "test", "--model", trained.model, "--champion", tmp_path / "package",
        "--output", tmp_path / "next/evaluation", "--resamples", 50,
    )  # fmt: skip
    assert again.code == 0, again.output
    train = encoded.read(trained.splits / "train")
    if kind == "linear-learner":
        expected = train.features.mean(axis=0, dtype=float).tolist()
        assert json.loads((folder / "background.json").read_text()) == pytest.approx(expected, rel=1e-5)
    else:
        assert not (folder / "background.json").exists()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("no parts", "no Parquet files"),
        ("no rows", "no rows"),
        ("a column less", "part.parquet lacks customer_age"),
        ("no code", "expected one archive of serving code"),
    ],
)
def test_unusable_inputs_are_clear_errors(trained: Trained, evaluated: Path, serving: Path, tmp_path: Path, fault: str, told: str) -> None:
    (tmp_path / "train").mkdir()
    table = pq.read_table(trained.splits / "train")
    if fault == "no rows":
        pq.write_table(table.slice(0, 0), tmp_path / "train/part.parquet")
    elif fault == "a column less":
        pq.write_table(table.drop_columns(["customer_age"]), tmp_path / "train/part.parquet")
    elif fault == "no code":
        shutil.copytree(trained.splits / "train", tmp_path / "train", dirs_exist_ok=True)
        serving = tmp_path / "elsewhere"
    done = _package(trained, trained.model, evaluated, serving, tmp_path, train=tmp_path / "train")
    assert (done.code, told in done.output, "Traceback" in done.output) == (1, True, False)
    assert not (tmp_path / "package").exists() and not (tmp_path / "baseline").exists()
