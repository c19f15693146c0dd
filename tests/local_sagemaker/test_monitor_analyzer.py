"""The stand-in for Model Monitor's analyzer, run as the process that a check step starts."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from local_sagemaker import monitor_analyzer
from tests.support.claims import Tables

PROGRAM = Path(monitor_analyzer.__file__).parent
CSV, LINES = {"csv": {"header": True}}, {"json": {"lines": True}}


def analyze(folder: Path, files: dict[str, str], data_format: dict[str, Any], **environment: str) -> tuple[Any, Any]:
    """Statistics and constraints of some files."""
    for name, text in files.items():
        (folder / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "data" / name).write_text(text)
    done = _run(folder, data_format, **environment)
    assert done.returncode == 0, done.stderr
    return tuple(json.loads((folder / "out" / f"{name}.json").read_text()) for name in ("statistics", "constraints"))


def _run(folder: Path, data_format: dict[str, Any], **environment: str) -> subprocess.CompletedProcess[str]:
    own = {"dataset_source": str(folder / "data"), "dataset_format": json.dumps(data_format), "output_path": str(folder / "out")}
    return subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True, check=False, env=own | environment, cwd=folder)


def _by_name(document: Any) -> dict[str, Any]:
    return {feature["name"]: feature for feature in document["features"]}


def test_statistics_and_constraints_of_each_kind_of_column(tmp_path: Path) -> None:
    full = [f"{number - 1},{number / 2},{'ab'[number % 2]},,{number or 'NA'}" for number in range(40)]
    rows = ["whole,part,text,none,mixed", *full, "7,,,,"]
    statistics, constraints = analyze(tmp_path, {"a.csv": "\n".join(rows)}, CSV)
    assert statistics["dataset"] == {"item_count": 41}
    kinds = {name: feature["inferred_type"] for name, feature in _by_name(statistics).items()}
    assert kinds == {"whole": "Integral", "part": "Fractional", "text": "String", "none": "Unknown", "mixed": "String"}
    part = _by_name(statistics)["part"]["numerical_statistics"]
    assert part["common"] == {"num_present": 40, "num_missing": 1}
    values = np.arange(40) / 2
    assert (part["min"], part["max"], part["sum"]) == (0.0, 19.5, values.sum())
    assert (part["mean"], part["std_dev"]) == (pytest.approx(values.mean()), pytest.approx(values.std()))
    buckets = part["distribution"]["kll"]["buckets"]
    assert [bucket["count"] for bucket in buckets] == [4.0] * 10
    assert (buckets[0]["lower_bound"], buckets[9]["upper_bound"]) == (0.0, 19.5)
    text = _by_name(statistics)["text"]["string_statistics"]
    assert text["distribution"]["categorical"]["buckets"] == [{"value": "a", "count": 20}, {"value": "b", "count": 20}]
    suggested = _by_name(constraints)
    assert [suggested[name]["num_constraints"]["is_non_negative"] for name in ("whole", "part")] == [False, True]
    assert suggested["text"]["string_constraints"] == {"domains": ["a", "b"]}
    assert "string_constraints" not in suggested["mixed"]
    assert (suggested["none"]["completeness"], suggested["part"]["completeness"]) == (0.0, 40 / 41)
    assert constraints["monitoring_config"]["distribution_constraints"]["comparison_threshold"] == 0.1


def test_words_for_nothing_are_values_in_the_real_claims(tmp_path: Path, real: Tables) -> None:
    """N/A and None are levels of the claims, and nothing in them is missing."""
    statistics, constraints = analyze(tmp_path, {"claims.csv": real.claims.read_text()}, CSV)
    found = _by_name(statistics)
    buckets = found["driver_relationship"]["string_statistics"]["distribution"]["categorical"]["buckets"]
    assert {bucket["value"]: bucket["count"] for bucket in buckets} == {"Self": 3418, "N/A": 728, "Spouse": 428, "Child": 226, "Other": 200}
    assert {feature["completeness"] for feature in constraints["features"]} == {1.0}
    frame = pd.read_csv(real.claims)
    assert found["total_claim_amount"]["numerical_statistics"]["mean"] == pytest.approx(frame["total_claim_amount"].mean())
    assert "None" in _by_name(constraints)["authorities_contacted"]["string_constraints"]["domains"]


@pytest.mark.parametrize(
    ("files", "data_format", "names"),
    [
        ({"a": "1,x\n2,y\n", "sub/b": "3.5,z\n"}, {"csv": {"header": False}}, {"_c0": 3.5, "_c1": None}),
        ({"a": '{"n": 1, "in": {"x": 2.0, "tags": ["t"]}}\n{"n": 4}\n'}, LINES, {"n": 4.0, "in.x": 2.0, "in.tags": None}),
        ({"a": '[{"n": 1}, {"n": 3, "is": true}]'}, {"json": {"lines": False}}, {"n": 3.0, "is": None}),
        ({"a": '{"n": 1}\n'}, {"Json": {"Line": True}}, {"n": 1.0}),
    ],
)
def test_every_format_is_read_with_nested_fields_as_columns(
    tmp_path: Path, files: dict[str, str], data_format: dict[str, Any], names: dict[str, float | None]
) -> None:
    statistics, _ = analyze(tmp_path, files, data_format)
    assert {name: feature.get("numerical_statistics", {}).get("max") for name, feature in _by_name(statistics).items()} == names


def test_parquet_is_read(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    pd.DataFrame({"x": [1, 2]}).to_parquet(tmp_path / "data/a.parquet")
    statistics, _ = analyze(tmp_path, {}, {"Parquet": {}})
    assert statistics["features"][0]["numerical_statistics"]["sum"] == 3.0


def _scored(size: int = 400) -> tuple[pd.DataFrame, dict[str, str]]:
    random = np.random.default_rng(5)
    truth = random.integers(0, 2, size)
    # Rounded, so that scores are equal to each other and to the threshold.
    score = np.clip(np.round(0.3 * truth + random.normal(0.35, 0.2, size), 2), 0, 1)
    attributes = {
        "analysis_type": "MODEL_QUALITY", "problem_type": "BinaryClassification", "ground_truth_attribute": "fraud",
        "probability_attribute": "score", "probability_threshold_attribute": "0.5",
    }  # fmt: skip
    return pd.DataFrame({"score": score, "fraud": truth}), attributes


def test_metrics_of_a_model_are_those_of_scikit_learn(tmp_path: Path) -> None:
    from sklearn import metrics

    frame, attributes = _scored()
    statistics, constraints = analyze(tmp_path, {"a.jsonl": frame.to_json(orient="records", lines=True)}, LINES, **attributes)
    found = statistics["binary_classification_metrics"]
    truth, score = frame["fraud"], frame["score"]
    predicted = score >= 0.5
    expected = {
        "auc": metrics.roc_auc_score(truth, score),
        "accuracy": metrics.accuracy_score(truth, predicted),
        "precision": metrics.precision_score(truth, predicted),
        "recall": metrics.recall_score(truth, predicted),
        "false_positive_rate": 1 - metrics.recall_score(1 - truth, ~predicted),
    } | {name: metrics.fbeta_score(truth, predicted, beta=beta) for name, beta in (("f0_5", 0.5), ("f1", 1), ("f2", 2))}
    assert {name: found[name]["value"] for name in expected} == pytest.approx(expected)
    matrix = metrics.confusion_matrix(truth, predicted)
    assert found["confusion_matrix"] == {str(a): {str(b): int(matrix[a, b]) for b in (0, 1)} for a in (0, 1)}
    assert 0 < found["auc"]["standard_deviation"] < 0.1
    assert len(found["receiver_operating_characteristic_curve"]["false_positive_rates"]) == 101
    thresholds = constraints["binary_classification_constraints"]
    assert thresholds["auc"] == {"threshold": found["auc"]["value"], "comparison_operator": "LessThanThreshold"}
    assert thresholds["false_positive_rate"]["comparison_operator"] == "GreaterThanThreshold"


def test_predicted_labels_may_be_given_and_columns_named_by_place(tmp_path: Path) -> None:
    attributes = _scored()[1] | {"inference_attribute": "1", "ground_truth_attribute": "0"}
    del attributes["probability_attribute"]
    files = {"a.csv": "true,1\nfalse,0\ntrue,0\nfalse,0\n"}
    statistics, constraints = analyze(tmp_path, files, {"csv": {"header": False}}, **attributes)
    assert statistics["binary_classification_metrics"]["recall"]["value"] == 0.5
    assert "auc" not in constraints["binary_classification_constraints"]


@pytest.mark.parametrize(
    ("files", "data_format", "environment", "said"),
    [
        ({}, CSV, {}, "there are no files at"),
        ({"a": "x\n1\n2,3\n"}, CSV, {}, "a is no csv that can be read"),
        ({"a": "{"}, LINES, {}, "a is no json that can be read"),
        ({"a": "x"}, {"sagemakerCaptureJson": {}}, {}, "a dataset in the format sagemakerCaptureJson cannot be read here"),
        ({"a": "x\n1\n", "b": "x\ny\n"}, CSV, {}, "the files of the dataset do not agree on a column"),
        ({"a": "x\n1\n"}, CSV, {"record_preprocessor_script": "/x.py"}, "the record_preprocessor_script /x.py cannot run in this stand-in"),
        ({"a": "x\n1\n"}, CSV, {"analysis_type": "MODEL_QUALITY", "problem_type": "Regression"}, "the problem type Regression cannot"),
        ({"a": "score,fraud\n0.5,2\n"}, CSV, _scored()[1], "row 1 of column fraud is neither 0 nor 1"),
        ({"a": "score,fraud\nx,1\n"}, CSV, _scored()[1], "column score is not a probability in every row"),
        ({"a": "fraud\n1\n"}, CSV, _scored()[1], "the dataset has no column score; it has fraud"),
        ({"a": "score,fraud\n"}, CSV, _scored()[1], "the dataset has no rows"),
    ],
)
def test_what_cannot_be_analyzed_ends_with_one_line(
    tmp_path: Path, files: dict[str, str], data_format: dict[str, Any], environment: dict[str, str], said: str
) -> None:
    (tmp_path / "data").mkdir()
    for name, text in files.items():
        (tmp_path / "data" / name).write_text(text)
    done = _run(tmp_path, data_format, **environment)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert said in done.stderr
    assert not (tmp_path / "out").exists()
