"""Built-in algorithms: stand-ins with the real ones' hyperparameters, inputs, log lines and artifacts."""

import io
import json
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from local_sagemaker import Home, Result
from local_sagemaker.algorithms import binary_scores, linear_model, ndarray
from tests.support.definitions import put, run, statuses, training, tuning

ACCOUNT = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
XGBOOST, LINEAR, KMEANS = (f"{ACCOUNT}/{name}" for name in ("sagemaker-xgboost:3.2-0", "linear-learner:1", "kmeans:1"))


def _data(seed: int, rows: int = 600) -> tuple[Any, Any]:
    """Three features on different scales, of which the second says nothing; the label follows the others."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(rows, 3)) * [1, 5, 100] + [0, 3, 50]
    margin = 1.5 * features[:, 0] - 0.02 * (features[:, 2] - 50) - 1
    return features.astype(np.float32), (random.random(rows) < 1 / (1 + np.exp(-margin))).astype(np.float32)


def _csv(features: Any, label: Any = None) -> str:
    table = features if label is None else np.column_stack([label, features])
    return "".join(",".join(f"{value:.9g}" for value in row) + "\n" for row in table)


def _step(home: Home, image: str, hyperparameters: dict[str, str], *, kind: str = "text/csv", channels: tuple[str, ...] = ()) -> Any:
    """A Training step without a script over channels that lie at s3://rows/CHANNEL."""
    step = training(home, "T", "")
    arguments = step["Arguments"]
    arguments["AlgorithmSpecification"] = {"TrainingImage": image, "TrainingInputMode": "File"}
    arguments["HyperParameters"] = hyperparameters
    arguments["InputDataConfig"] = [
        {
            "ChannelName": name, "ContentType": kind,
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://rows/{name}/"}},
        }
        for name in channels or ("train", "validation")
    ]  # fmt: skip
    return step


@pytest.fixture
def labelled(home: Home) -> Home:
    """Channels with the label first, the training data in two files."""
    features, label = _data(1)
    put(home, "s3://rows/train/a.csv", _csv(features[:300], label[:300]))
    put(home, "s3://rows/train/b.csv", _csv(features[300:], label[300:]))
    put(home, "s3://rows/validation/a.csv", _csv(*_data(2)))
    return home


def _file(home: Home, result: Result, name: str) -> bytes:
    assert result.step("T").reason == ""
    with tarfile.open(home.path(result.step("T").properties["ModelArtifacts"]["S3ModelArtifacts"])) as tar:
        assert tar.getnames() == [name]
        stream = tar.extractfile(name)
        assert stream
        return stream.read()


def _log(result: Result) -> str:
    log = result.step("T").log
    assert log
    return log.read_text()


def _metrics(result: Result) -> dict[str, float]:
    return {entry["MetricName"]: entry["Value"] for entry in result.step("T").properties["FinalMetricDataList"]}


def read_ndarrays(content: bytes) -> tuple[list[Any], list[str]]:
    """MXNet's list of arrays, read by the description of its format and not by the code that wrote it."""
    stream = io.BytesIO(content)

    def take(form: str) -> Any:
        (value,) = struct.unpack(f"<{form}", stream.read(struct.calcsize(f"<{form}")))
        return value

    assert (take("Q"), take("Q")) == (0x112, 0)
    arrays = []
    for _ in range(take("Q")):
        assert (take("I"), take("i")) == (0xF993FAC9, 0)
        shape = [take("q") for _ in range(take("I"))]
        assert (take("i"), take("i"), take("i")) == (1, 0, 0)
        values = [take("f") for _ in range(int(np.prod(shape)))]
        arrays.append(np.array(values, np.float32).reshape(shape))
    names = [stream.read(take("Q")).decode() for _ in range(take("Q"))]
    assert stream.read() == b""
    return arrays, names


def test_arrays_are_written_as_the_format_says() -> None:
    arrays, names = read_ndarrays(ndarray.dumps({"arg:a": np.arange(6.0).reshape(2, 3), "é": np.array([7])}))
    assert [array.tolist() for array in arrays] == [[[0, 1, 2], [3, 4, 5]], [7]]
    assert names == ["arg:a", "é"]
    assert read_ndarrays(ndarray.dumps([np.zeros((1, 2))]))[1] == []


def test_xgboost_is_xgboost(labelled: Home) -> None:
    hyperparameters = {
        "num_round": "12", "max_depth": "2", "learning_rate": "0.3", "objective": "binary:logistic", "eval_metric": "auc,logloss",
        "seed": "3", "subsample": "0.9",
    }  # fmt: skip
    result = run(labelled, _step(labelled, XGBOOST, hyperparameters))
    booster = xgb.Booster()
    booster.load_model(bytearray(_file(labelled, result, "xgboost-model")))
    features, label = _data(1)
    parameters = {"max_depth": 2, "eta": 0.3, "objective": "binary:logistic", "seed": 3, "subsample": 0.9, "nthread": 1}
    expected = xgb.train(parameters, xgb.DMatrix(features, label), 12)
    others, labels = _data(2)
    assert np.array_equal(booster.inplace_predict(others), expected.inplace_predict(others))
    lines = [line for line in _log(result).splitlines() if line.startswith("[")]
    assert len(lines) == 12
    assert lines[11].startswith("[11]#011train-auc:0.")
    metrics = _metrics(result)
    assert set(metrics) == {"train:auc", "train:logloss", "validation:auc", "validation:logloss"}
    assert metrics["validation:auc"] == pytest.approx(roc_auc_score(labels, expected.inplace_predict(others)), abs=1e-4)


def test_xgboost_stops_early_weighs_rows_and_takes_gaps(home: Home) -> None:
    features, label = _data(1)
    put(home, "s3://rows/train/a.csv", _csv(np.column_stack([np.ones(600), features]), label))
    others, labels = _data(2)
    put(home, "s3://rows/validation/a.csv", _csv(others, labels).replace("\n", ",\n") + "1,,,,\n0,,,,\n")
    hyperparameters = {"num_round": "500", "early_stopping_rounds": "5", "objective": "binary:logistic", "eval_metric": "logloss"}
    step = _step(home, XGBOOST, hyperparameters | {"csv_weights": "1"})
    assert "Customer Error" in run(home, step).step("T").reason
    put(home, "s3://rows/validation/a.csv", _csv(others, labels) + "1,,,\n0,,,\n")
    result = run(home, step)
    booster = xgb.Booster()
    booster.load_model(bytearray(_file(home, result, "xgboost-model")))
    rounds = len([line for line in _log(result).splitlines() if line.startswith("[")])
    assert booster.num_boosted_rounds() == rounds - 5 < 495


def test_a_built_in_algorithm_is_tuned_by_a_metric_of_its_own(labelled: Home) -> None:
    ranges = {"IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "1", "MaxValue": "3"}]}
    step = tuning(labelled, "T", "", ranges=ranges, metric="validation:aucpr", kind="Maximize", trials=3)
    job = step["Arguments"]["TrainingJobDefinition"]
    job |= {key: _step(labelled, XGBOOST, {})["Arguments"][key] for key in ("AlgorithmSpecification", "InputDataConfig")}
    job["StaticHyperParameters"] = {"num_round": "5", "objective": "binary:logistic"}
    result = run(labelled, step)
    assert result.step("T").reason == ""
    best = result.step("T").properties["BestTrainingJob"]
    assert len(best["IntermediateValues"]) == 5
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == best["IntermediateValues"][-1]


def _linear(home: Home, result: Result) -> tuple[Any, float, dict[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(_file(home, result, "model_algo-1"))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    (weight, bias), names = read_ndarrays(files["mx-mod-0000.params"])
    assert names == ["arg:fc0_weight", "arg:fc0_bias"]
    assert (weight.shape, bias.shape) == ((1, 3), (1,))
    return weight[0], float(bias[0]), files


def test_linear_learner_finds_the_line(labelled: Home) -> None:
    put(labelled, "s3://rows/test/a.csv", _csv(*_data(2)))
    hyperparameters = {"predictor_type": "binary_classifier", "feature_dim": "3", "wd": "0"}
    result = run(labelled, _step(labelled, LINEAR, hyperparameters, channels=("train", "test")))
    weights, bias, files = _linear(labelled, result)
    features, label = _data(1)
    scale = features.std(axis=0)
    expected = LogisticRegression(C=1e6).fit((features - features.mean(axis=0)) / scale, label)
    assert weights * scale == pytest.approx(expected.coef_[0], abs=0.02)
    others, labels = _data(2)
    margin = others @ weights + bias
    metrics = _metrics(result)
    loss = np.logaddexp(0, np.where(labels == 1, -margin, margin)).mean()
    assert metrics["test:objective_loss"] == pytest.approx(loss, abs=1e-5)
    assert metrics["test:roc_auc_score"] == pytest.approx(roc_auc_score(labels, margin), abs=1e-6)
    said = 1 / (1 + np.exp(-margin)) >= json.loads(files["additional-params.json"])["threshold"]
    assert metrics["test:binary_classification_accuracy"] == pytest.approx((said == labels).mean(), abs=2e-3)
    assert metrics["test:binary_f_beta"] == pytest.approx(f1_score(labels, said), abs=2e-3)
    assert metrics["test:precision"] == pytest.approx(precision_score(labels, said), abs=2e-3)
    assert metrics["test:recall"] == pytest.approx(recall_score(labels, said), abs=2e-3)
    symbol = json.loads(files["mx-mod-symbol.json"])
    assert [node["name"] for node in symbol["nodes"]] == ["data", "fc0_weight", "fc0_bias", "fc0", "sigmoid0"]


def test_linear_learner_stops_when_validation_no_longer_improves_and_keeps_the_best(labelled: Home) -> None:
    hyperparameters = {"predictor_type": "binary_classifier", "epochs": "30"}
    result = run(labelled, _step(labelled, LINEAR, hyperparameters))
    weights, bias, _ = _linear(labelled, result)
    line = "validation binary_classification_cross_entropy_objective <loss>="
    losses = [float(text.split(line)[1]) for text in _log(result).splitlines() if "epoch=" in text and line in text]
    assert 4 <= len(losses) < 15
    others, labels = _data(2)
    margin = others @ weights + bias
    assert np.logaddexp(0, np.where(labels == 1, -margin, margin)).mean() == pytest.approx(min(losses), abs=1e-5)


def test_linear_learners_settings_have_their_effect(labelled: Home) -> None:
    def fitted(**settings: str) -> tuple[Any, float, Result]:
        step = _step(labelled, LINEAR, {"predictor_type": "binary_classifier"} | settings, channels=("train",))
        result = run(labelled, step)
        weights, bias, _ = _linear(labelled, result)
        return weights * _data(1)[0].std(axis=0), bias, result

    sparse, _, result = fitted(l1="0.1", loss="hinge_loss", epochs="9")
    assert (sparse[1], abs(sparse[0]) > 0.2) == (0.0, True)
    assert 3 < _log(result).count("train hinge_loss_objective <loss>=") <= 10
    small, bias, result = fitted(
        wd="1", use_bias="false", positive_example_weight_mult="balanced",
        binary_classifier_model_selection_criteria="precision_at_target_recall", target_recall="0.95",
    )  # fmt: skip
    assert (np.abs(small).max() < 0.7, bias) == (True, 0.0)
    assert "binary_classification_weighted_cross_entropy_objective" in _log(result)
    assert _metrics(result)["train:recall"] >= 0.95


@pytest.mark.parametrize("is_hinge", [False, True])
def test_a_fit_is_where_the_gradient_of_the_penalized_loss_is_zero(is_hinge: bool) -> None:
    """No step in any direction makes the objective smaller, with both penalties, weights and scaling at once."""
    features, label = _data(1)
    loss, models = linear_model.Loss(is_hinge, positive=3.0), []
    settings = linear_model.Settings(decay=0.1, sparsity=0.01, has_bias=True, is_scaled=True, epochs=200)
    linear_model.fit(features, label, loss, settings, lambda model: models.append(model) is None)
    scale = features.std(axis=0, dtype=np.float64)

    def objective(weights: Any, bias: float) -> float:
        scaled = weights * scale
        return loss.value(features.astype(float) @ weights + bias, label) + 0.05 * scaled @ scaled + 0.01 * np.abs(scaled).sum()

    lowest = objective(models[-1].weights, models[-1].bias)
    # The corner of the hinge is rounded while it is minimized.
    tolerance = 5e-3 if is_hinge else 1e-6
    for number in range(3):
        for step in (-0.05, 0.05):
            weights = models[-1].weights.copy()
            weights[number] += step / scale[number]
            assert objective(weights, models[-1].bias) > lowest - tolerance
    assert objective(models[-1].weights, models[-1].bias + 0.05) > lowest - tolerance
    assert lowest < objective(np.zeros(3), 0.0) - 0.1


def test_kmeans_finds_the_clusters(home: Home) -> None:
    random = np.random.default_rng(5)
    places = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    points = np.repeat(places, 100, axis=0) + random.normal(size=(300, 2)) * 0.5
    random.shuffle(points)
    put(home, "s3://rows/train/a.csv", _csv(points))
    put(home, "s3://rows/test/a.csv", _csv(places))
    hyperparameters = {"k": "3", "feature_dim": "2", "init_method": "kmeans++", "epochs": "5", "eval_metrics": '["msd", "ssd"]'}
    kind, channels = "text/csv;label_size=0", ("train", "test")
    result = run(home, _step(home, KMEANS, hyperparameters, kind=kind, channels=channels))
    (centers,), names = read_ndarrays(_file(home, result, "model_algo-1"))
    assert (centers.shape, names) == ((3, 2), [])
    distance = np.linalg.norm(centers[:, None] - places[None], axis=2)
    assert distance.min(axis=0).max() < 0.3
    metrics = _metrics(result)
    nearest = np.square(np.linalg.norm(points[:, None] - centers[None], axis=2)).min(axis=1)
    assert metrics["train:msd"] == pytest.approx(nearest.mean(), rel=1e-3)
    assert metrics["train:ssd"] == pytest.approx(nearest.sum(), rel=1e-3)
    assert metrics["test:msd"] == pytest.approx(np.square(distance).min(axis=0).mean(), rel=1e-3)


def test_kmeans_draws_centers_together_by_how_many_rows_they_have(home: Home) -> None:
    put(home, "s3://rows/train/a.csv", _csv(np.repeat([[0.0], [10.0]], [950, 50], axis=0)))
    hyperparameters = {"k": "1", "feature_dim": "1", "init_method": "kmeans++", "extra_center_factor": "2", "epochs": "3"}
    result = run(home, _step(home, KMEANS, hyperparameters, kind="text/csv;label_size=0", channels=("train",)))
    (centers,), _ = read_ndarrays(_file(home, result, "model_algo-1"))
    assert centers[0, 0] == pytest.approx(0.5, abs=0.01)


def test_kmeans_takes_the_first_column_for_a_label_unless_told(labelled: Home) -> None:
    result = run(labelled, _step(labelled, KMEANS, {"k": "2", "feature_dim": "3"}, channels=("train",)))
    (centers,), _ = read_ndarrays(_file(labelled, result, "model_algo-1"))
    assert centers.shape == (2, 3)


@pytest.mark.parametrize(
    ("image", "hyperparameters", "reason"),
    [
        (XGBOOST, {"max_depth": "3"}, "XGBoost needs the hyperparameter num_round"),
        (XGBOOST, {"num_round": "0"}, "XGBoost's hyperparameter num_round is '0'; it must be an integer at least 1"),
        (XGBOOST, {"num_round": "5", "depth": "3"}, "XGBoost has no hyperparameter depth; it has num_round, "),
        (XGBOOST, {"num_round": "5", "subsample": "nan"}, "subsample is 'nan'; it must be a number above 0 and at most 1"),
        (XGBOOST, {"num_round": "5", "eval_metric": "beauty"}, "the metric beauty is not computed locally"),
        (XGBOOST, {"num_round": "5", "objective": "count:poisson", "max_delta_step": "1", "num_class": "3"}, "Customer Error"),
        (LINEAR, {}, "LinearLearner needs the hyperparameter predictor_type"),
        (LINEAR, {"predictor_type": "regressor"}, "predictor_type regressor has no local stand-in"),
        (LINEAR, {"predictor_type": "binary_classifier", "feature_dim": "7"}, "feature_dim is 7, and the channel train has 3 features"),
        (LINEAR, {"predictor_type": "binary_classifier", "wd": "-1"}, "wd is '-1'; it must be auto or a number at least 0"),
        (LINEAR, {"predictor_type": "binary_classifier", "loss": "quantile_loss"}, "a binary_classifier has auto, logistic or hinge_loss"),
        (KMEANS, {"k": "3"}, "KMeans needs the hyperparameter feature_dim"),
        (KMEANS, {"k": "700", "feature_dim": "3"}, "there are 600 rows, fewer than the 700 clusters"),
        (KMEANS, {"k": "3", "feature_dim": "3", "eval_metrics": "rmse"}, "there are msd and ssd, not rmse"),
    ],
)
def test_wrong_hyperparameters_are_the_customers_error(labelled: Home, image: str, hyperparameters: dict[str, str], reason: str) -> None:
    step = run(labelled, _step(labelled, image, hyperparameters)).step("T")
    assert step.status == "Failed"
    assert step.reason.startswith("Customer Error: ")
    assert reason in step.reason


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        ("label,a,b,c\n1,2,3,4\n", "text/csv", "train/x.csv has something else than numbers in column 1; a header line is not allowed"),
        ("1,2,3,4\n0,,3,4\n", "text/csv", "train/x.csv has empty values in column 2"),
        ("1,2,3\n0,1,2,3\n", "text/csv", "train/x.csv is no CSV"),
        ("2,2,3,4\n1,2,3,4\n", "text/csv", "has labels besides 0 and 1"),
        ("1,2,3,4\n1,2,3,5\n", "text/csv", "rows of one class only"),
        ("", "text/csv", "the channel train has no data"),
        ("1,2,3,4\n0,2,3,4\n", "application/x-parquet", "only text/csv can be read locally"),
        ("1,2,3,4\n0,2,3,4\n", "text/csv;label_size=0", "it from the first column"),
    ],
)
def test_wrong_data_is_the_customers_error(home: Home, content: str, kind: str, reason: str) -> None:
    put(home, "s3://rows/train/x.csv", content)
    step = _step(home, LINEAR, {"predictor_type": "binary_classifier"}, kind=kind, channels=("train",))
    assert reason in run(home, step).step("T").reason


def test_a_stand_in_trains_on_one_instance_and_gives_the_same_bytes_again(labelled: Home) -> None:
    step = _step(labelled, LINEAR, {"predictor_type": "binary_classifier", "epochs": "2"})
    first, second = (_file(labelled, run(labelled, step), "model_algo-1") for _ in range(2))
    assert first == second
    step["Arguments"]["ResourceConfig"]["InstanceCount"] = 2
    result = run(labelled, step)
    assert statuses(result) == {"T": "Failed"}
    assert "trains on one instance, not on 2" in result.step("T").reason


def test_the_stand_in_runs_from_this_checkout(labelled: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(labelled, _step(labelled, KMEANS, {"k": "2", "feature_dim": "3"}, channels=("train",))).status == "Succeeded"


MARGIN = np.array([3.0, 2.0, 2.0, 1.0, 0.0, -1.0])
LABEL = np.array([1, 0, 1, 1, 0, 0])


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ("loss_function", 0.0), ("accuracy", 1.0), ("f1", 1.0), ("precision_at_target_recall", 1.0),
        ("recall_at_target_precision", 3.0),
    ],
)  # fmt: skip
def test_thresholds_by_criterion(criteria: str, expected: float) -> None:
    target = 0.9 if criteria == "recall_at_target_precision" else 0.8
    assert binary_scores.find_threshold(MARGIN, LABEL, criteria=criteria, beta=1.0, precision=target, recall=target) == expected


def test_where_no_is_the_best_answer_nothing_is_said_yes_to() -> None:
    margin, label = np.array([2.0, 1.0, 0.0]), np.array([0, 0, 1])
    assert binary_scores.find_threshold(margin, label, criteria="accuracy", beta=1.0, precision=0.8, recall=0.8) > 2.0
    assert binary_scores.roc_auc(margin, np.zeros(3)) is None
