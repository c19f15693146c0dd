"""Evaluation and packaging as processes, and the packaged code as a server would call it."""

import importlib.util
import json
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb
from scipy import stats
from sklearn import metrics as sklearn_metrics

from pipeline_definition import code_archives
from tests.support import steps
from tests.training_code.conftest import Trained
from training_code.claims import schema


@pytest.fixture(scope="module")
def evaluated(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluated") / "evaluation"
    _evaluate(trained, folder)
    return folder


def _evaluate(trained: Trained, output: Path, *arguments: object) -> dict[str, dict[str, dict[str, float]]]:
    done = steps.run(
        "evaluate", "--test", trained.splits / "test", "--model", trained.model, "--output", output, "--resamples", 100, *arguments
    )
    assert done.code == 0, done.output
    document: dict[str, dict[str, dict[str, float]]] = json.loads((output / "evaluation.json").read_text())
    return document


def test_the_figures_are_those_of_the_test_split(trained: Trained, evaluated: Path) -> None:
    document = json.loads((evaluated / "evaluation.json").read_text())
    rows = steps.encoded(trained.splits, "test")
    assert document["dataset"] == {"item_count": len(rows), "fraud_count": sum(row[schema.LABEL] for row in rows)}
    found = document["binary_classification_metrics"]
    assert found["auc"]["lower"] < found["auc"]["value"] < found["auc"]["upper"]
    matrix = found["confusion_matrix"]
    assert sum(matrix[actual][said] for actual in "01" for said in "01") == len(rows)
    assert matrix["0"]["1"] + matrix["1"]["1"] == document["review"]["flagged"] <= 0.1 * len(rows)
    assert document["review"]["recall"] == pytest.approx(matrix["1"]["1"] / document["dataset"]["fraud_count"])
    assert sum(document["calibration"]["claims"]) == len(rows)
    assert document["out_of_fold"]["review"]["capacity"] == 0.1


def test_the_figures_equal_scikit_learns(trained: Trained, evaluated: Path) -> None:
    document = json.loads((evaluated / "evaluation.json").read_text())
    rows = steps.encoded(trained.splits, "test")
    label = np.array([row[schema.LABEL] for row in rows])
    features = np.array([[row[name] for name in schema.FEATURE_NAMES] for row in rows], np.float32)
    score = xgb.Booster(model_file=trained.model / "model.ubj").inplace_predict(features)
    found = document["binary_classification_metrics"]
    assert found["auc"]["value"] == pytest.approx(sklearn_metrics.roc_auc_score(label, score))
    assert found["au_prc"]["value"] == pytest.approx(sklearn_metrics.average_precision_score(label, score))
    assert found["au_prc"]["lower"] < found["au_prc"]["value"] < found["au_prc"]["upper"]
    flagged = score >= document["review"]["threshold"]
    assert document["review"]["precision"] == pytest.approx(sklearn_metrics.precision_score(label, flagged))
    assert document["review"]["lift"] == pytest.approx(document["review"]["precision"] / label.mean())
    true, false = (found["receiver_operating_characteristic_curve"][f"{kind}_positive_rates"] for kind in ("true", "false"))
    expected_false, expected_true, _ = sklearn_metrics.roc_curve(label, score, drop_intermediate=False)
    points = {(round(x, 9), round(y, 9)) for x, y in zip(expected_false, expected_true, strict=True)}
    assert {(round(x, 9), round(y, 9)) for x, y in zip(false, true, strict=True)} <= points
    curve = found["precision_recall_curve"]
    precision, recall, _ = sklearn_metrics.precision_recall_curve(label, score)
    points = {(round(x, 9), round(y, 9)) for x, y in zip(precision, recall, strict=True)}
    assert {(round(x, 9), round(y, 9)) for x, y in zip(curve["precisions"], curve["recalls"], strict=True)} <= points
    calibration = document["calibration"]
    assert calibration["predicted"] == sorted(calibration["predicted"])
    assert np.average(calibration["observed"], weights=calibration["claims"]) == pytest.approx(label.mean())


def test_a_larger_capacity_lowers_the_threshold(trained: Trained, evaluated: Path, tmp_path: Path) -> None:
    narrow = json.loads((evaluated / "evaluation.json").read_text())["review"]
    wide = _evaluate(trained, tmp_path, "--review-capacity", 0.3)["review"]
    assert wide["threshold"] < narrow["threshold"]
    assert wide["recall"] >= narrow["recall"]


def test_the_same_model_gives_the_same_bytes(trained: Trained, evaluated: Path, tmp_path: Path) -> None:
    _evaluate(trained, tmp_path)
    for name in ("evaluation.json", "evaluation.html"):
        assert (tmp_path / name).read_bytes() == (evaluated / name).read_bytes()


def test_the_page_has_four_plots_and_no_outside_reference(evaluated: Path) -> None:
    page = (evaluated / "evaluation.html").read_text()
    assert all(f'aria-label="{title}"' in page for title in ("ROC", "Precision and recall", "Lift", "Calibration"))
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("capacity", ["0", "1", "-0.5"])
def test_an_impossible_capacity_is_a_clear_error(trained: Trained, tmp_path: Path, capacity: str) -> None:
    done = steps.run(
        "evaluate", "--test", trained.splits / "test", "--model", trained.model, "--output", tmp_path, "--review-capacity", capacity
    )
    assert done.code == 1
    assert "--review-capacity" in done.output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("metric", ["precision", "recall"])
def test_shares_come_with_wilsons_interval(evaluated: Path, metric: str) -> None:
    document = json.loads((evaluated / "evaluation.json").read_text())
    matrix = document["binary_classification_metrics"]["confusion_matrix"]
    of = matrix["1"]["1"] + (matrix["0"]["1"] if metric == "precision" else matrix["1"]["0"])
    expected = stats.binomtest(matrix["1"]["1"], of).proportion_ci(method="wilson")
    found = document["binary_classification_metrics"][metric]
    assert (found["lower"], found["upper"]) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_the_package_serves_with_its_own_code_and_threshold(trained: Trained, evaluated: Path, tmp_path: Path) -> None:
    serving = tmp_path / "serve.pyz"
    serving.write_bytes(code_archives.serving().content)
    for name in ("a", "b"):
        done = steps.run(
            "package", "--model", trained.model, "--evaluation", evaluated, "--serving-code", serving,
            "--train", trained.splits / "train", "--output", tmp_path / name, "--baseline", tmp_path / "baseline",
        )  # fmt: skip
        assert done.code == 0, done.output
    assert (tmp_path / "a/model.tar.gz").read_bytes() == (tmp_path / "b/model.tar.gz").read_bytes()
    with tarfile.open(tmp_path / "a/model.tar.gz") as tar:
        tar.extractall(tmp_path / "model", filter="data")
    assert {"model.ubj", "features.json", "schema.json", "review.json", "evaluation.json", "code"} <= {
        file.name for file in (tmp_path / "model").iterdir()
    }
    specification = importlib.util.spec_from_file_location("inference", tmp_path / "model/code/inference.py")
    assert specification and specification.loader
    inference = importlib.util.module_from_spec(specification)
    sys.modules["inference"] = inference
    specification.loader.exec_module(inference)
    model = inference.model_fn(str(tmp_path / "model"))
    rows = steps.encoded(trained.splits, "test")
    body = "\n".join(",".join(str(row[name]) for name in schema.FEATURE_NAMES) for row in rows)
    prediction = inference.predict_fn(inference.input_fn(body, "text/csv"), model)
    document = json.loads((evaluated / "evaluation.json").read_text())
    assert int(np.sum(prediction.referred)) == document["review"]["flagged"]
    text, content_type = inference.output_fn(prediction, "text/csv")
    assert (len(text.splitlines()), content_type) == (len(rows), "text/csv")


def test_a_package_without_its_parts_is_a_clear_error(trained: Trained, evaluated: Path, tmp_path: Path) -> None:
    done = steps.run("package", "--model", tmp_path, "--evaluation", evaluated, "--output", tmp_path / "out")
    assert (done.code, "no model.tar.gz" in done.output) == (1, True)
