"""The scikit-learn framework of Train: numbers instead of a pickle, equal to scikit-learn's own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from tests.support import steps
from tests.training_code.conftest import Trained, train
from training_code import encoded, scoring
from training_code.claims import schema
from training_code.train import logistic, ridge
from training_code.train.cluster import Cluster
from training_code.train.frameworks import Sample

_PROBE = """
import sys
from training_code.train.__main__ import main
code = main(sys.argv[1:])
print("imported", sorted({"xgboost", "sklearn"} & set(sys.modules)))
raise SystemExit(code)
"""


@pytest.fixture(scope="module")
def linear(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("linear")
    done = train(trained.splits, folder, folder / "checkpoints", "--framework", "logistic_regression", rounds=None)
    assert done.code == 0, done.output
    return folder


def test_the_archive_is_numbers_and_names_its_features(linear: Path) -> None:
    assert {file.name for file in linear.iterdir()} == {
        "linear.json", "features.json", "training.json", "out_of_fold.json", "out_of_fold.parquet",
    }  # fmt: skip
    document = json.loads((linear / "linear.json").read_text())
    assert document["format"] == 1
    assert document["features"] == list(schema.FEATURE_NAMES)
    told = json.loads((linear / "training.json").read_text())
    assert (told["framework"], told["hyperparameters"]["C"]) == ("logistic_regression", 0.01)


def test_what_is_saved_scores_as_scikit_learn_does(linear: Path, trained: Trained) -> None:
    data = encoded.read(trained.splits / "train")
    scaler = StandardScaler().fit(data.features.astype(np.float64))
    model = LogisticRegression(C=0.01, class_weight="balanced", max_iter=1000)
    model.fit(scaler.transform(data.features.astype(np.float64)), data.label)
    test = encoded.read(trained.splits / "test")
    base = data.label.mean()
    margin = model.decision_function(scaler.transform(test.features.astype(np.float64))) + np.log(base / (1 - base))
    own = scoring.load(linear)
    np.testing.assert_allclose(own.margin(test.features), margin, atol=1e-3)
    # Balanced weights inflate the probability of fraud; the intercept takes it back.
    assert own.score(data.features).mean() == pytest.approx(base, rel=0.3)
    document = json.loads((linear / "linear.json").read_text())
    np.testing.assert_allclose(document["background"], data.features.astype(np.float64).mean(axis=0), rtol=1e-6)


def test_it_is_measured_like_any_other_model(linear: Path) -> None:
    folds = json.loads((linear / "out_of_fold.json").read_text())
    assert 0.7 < folds["auc"] < 0.9
    told = json.loads((linear / "training.json").read_text())
    assert told["objective"] == {"name": "out_of_fold:auc", "value": folds["auc"]}
    assert 0 < told["validation"]["logloss"] < 0.2


@pytest.mark.parametrize(("framework", "other"), [("logistic_regression", "xgboost")])
def test_its_image_needs_no_xgboost(trained: Trained, tmp_path: Path, framework: str, other: str) -> None:
    """The scikit-learn image has no XGBoost: importing it must fail there, and must not happen."""
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / f"{other}.py").write_text("raise ImportError('this image has no such package')\n")
    command = [
        sys.executable, "-c", _PROBE, "--framework", framework, "--train", trained.splits / "train",
        "--validation", trained.splits / "validation", "--model-dir", tmp_path / "model", "--resamples", "10",
    ]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": f"{blocked}:{steps.PROJECT}"}
    done = subprocess.run(list(map(str, command)), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "imported ['sklearn']" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--class_weight", "heavy"], "class_weight is heavy; it can be balanced or none"),
        (["--C", "0"], "C must be above 0"),
        (["--max_depth", "2"], "unrecognized arguments: --max_depth 2"),
    ],
)
def test_bad_hyperparameters_are_one_line(trained: Trained, tmp_path: Path, arguments: list[str], message: str) -> None:
    done = train(trained.splits, tmp_path, tmp_path / "c", "--framework", "logistic_regression", *arguments, rounds=None)
    assert done.code == 1
    assert message in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("is_weighted", [False, True])
def test_the_start_of_boosting_is_the_same_regression(trained: Trained, is_weighted: bool) -> None:
    """Two solvers of one problem: Newton's in numpy, and scikit-learn's."""
    data = encoded.read(trained.splits / "train")
    weight = np.random.default_rng(2).uniform(0.5, 2, len(data)) if is_weighted else None
    sample = Sample(data.features, data.label, weight)
    own = ridge.fit(sample, penalty=100, cluster=Cluster())
    other = logistic.fit(logistic.Hyperparameters(C=0.01, class_weight="none"), sample)
    np.testing.assert_allclose(own.mean, other.mean, atol=1e-9)
    np.testing.assert_allclose(own.coefficients, other.coefficients, atol=1e-3)
    assert own.intercept == pytest.approx(other.intercept, abs=1e-3)
