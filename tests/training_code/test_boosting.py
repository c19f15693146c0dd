"""What XGBoost is told, and the linear start of a booster."""

from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb

from tests.training_code.conftest import Trained, train
from training_code import encoded
from training_code.claims import schema
from training_code.train import boosting, linear_start, ridge
from training_code.train.boosting import Hyperparameters
from training_code.train.cluster import Cluster
from training_code.train.frameworks import HyperparameterError, Sample


@pytest.mark.parametrize(
    ("asked", "gpus", "device"),
    [
        ("auto", "1", "cuda"), ("auto", "0", "cpu"), ("auto", None, "cpu"),
        ("cpu", "4", "cpu"), ("cuda", "1", "cuda"), ("cuda", None, "cuda"),
    ],
)
def test_the_device_is_what_the_instance_has(asked: str, gpus: str | None, device: str) -> None:
    environment = {} if gpus is None else {"SM_NUM_GPUS": gpus}
    found = Hyperparameters(device=asked).decided(environment, has_cuda=True)
    assert found.booster_parameters(threads=3)["device"] == device


@pytest.mark.parametrize(
    ("asked", "gpus", "has_cuda", "message"),
    [
        ("auto", "1", False, "this build of XGBoost .* has none"),
        ("cuda", "0", True, "this instance has no GPU"),
        ("tpu", "0", True, "it can be auto, cpu or cuda"),
    ],
)
def test_a_device_that_is_not_there_is_told(asked: str, gpus: str, has_cuda: bool, message: str) -> None:
    with pytest.raises(HyperparameterError, match=message):
        Hyperparameters(device=asked).decided({"SM_NUM_GPUS": gpus}, has_cuda=has_cuda)


def test_xgboost_is_told_its_own_parameters_and_no_others() -> None:
    told = Hyperparameters(device="cpu", reg_alpha=1.5).booster_parameters(threads=3)
    assert (told["nthread"], told["reg_alpha"], told["objective"]) == (3, 1.5, "binary:logistic")
    assert not {"linear_start", "num_round", "early_stopping_rounds"} & set(told)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--linear_start", 1.5], "linear_start is 1.5; it is a share"),
        (["--num_round", 0], "must be 1 at least"),
        (["--subsample", -1], "XGBoost cannot train so: value -1 for Parameter subsample"),
        (["--max_depth", "deep"], "argument --max_depth: invalid int value"),
        (["--mitigation", "reweighing"], "needs mitigation_facet"),
        (["--device", "cuda"], "device is cuda, but this build of XGBoost"),
    ],
)  # fmt: skip
def test_bad_hyperparameters_are_one_line(trained: Trained, tmp_path: Path, arguments: list[object], message: str) -> None:
    if "cuda" in arguments and xgb.build_info()["USE_CUDA"]:
        pytest.skip("this XGBoost can use CUDA")
    done = train(trained.splits, tmp_path, tmp_path / "c", *arguments)
    assert done.code == 1
    assert message in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("share", [1.0, 0.4])
def test_the_linear_start_is_a_logistic_regression_in_trees(trained: Trained, share: float) -> None:
    data = encoded.read(trained.splits / "train")
    # With no more values than steps, nothing is rounded, but slopes too flat to part anything are left out.
    features = np.round(data.features / (np.abs(data.features).max(axis=0) / 25 + 1e-9)).astype(np.float32)
    sample = Sample(features, data.label)
    matrix = xgb.QuantileDMatrix(features, data.label, feature_names=list(schema.FEATURE_NAMES))
    line = ridge.fit(sample, penalty=100, cluster=Cluster())
    booster = linear_start.booster(sample, matrix, share=share, cluster=Cluster())
    terms = share * line.coefficients * (features - line.mean) / line.scale
    margin = booster.inplace_predict(features, predict_type="margin")
    np.testing.assert_allclose(margin, line.intercept + terms.sum(axis=1), atol=1e-3)
    # And exactly explained: what each feature adds is its slope times the distance from the mean.
    found = booster.predict(xgb.DMatrix(features, feature_names=list(schema.FEATURE_NAMES)), pred_contribs=True)
    np.testing.assert_allclose(found[:, :-1], terms, atol=1e-3)


def test_of_many_values_the_start_makes_a_staircase(trained: Trained) -> None:
    data = encoded.read(trained.splits / "train")
    sample = Sample(data.features, data.label)
    matrix = xgb.QuantileDMatrix(data.features, data.label, feature_names=list(schema.FEATURE_NAMES))
    line = ridge.fit(sample, penalty=100, cluster=Cluster())
    booster = linear_start.booster(sample, matrix, share=1.0, cluster=Cluster())
    margin = booster.inplace_predict(data.features, predict_type="margin")
    exact = line.intercept + ((data.features - line.mean) / line.scale) @ line.coefficients
    assert np.corrcoef(margin, exact)[0, 1] > 0.995
    frame = booster.trees_to_dataframe()
    leaves = frame[frame["Feature"] == "Leaf"].groupby("Tree").size()
    assert 16 < leaves.max() <= 32
    # One tree is one feature.
    assert (frame[frame["Feature"] != "Leaf"].groupby("Tree")["Feature"].nunique() == 1).all()


def test_without_a_linear_start_boosting_starts_from_the_base_rate(trained: Trained, tmp_path: Path) -> None:
    data = encoded.read(trained.splits / "train")
    sample = Sample(data.features, data.label)
    own = Hyperparameters(linear_start=0.0, device="cpu")
    assert boosting.fit_rounds(own, sample, rounds=3, threads=1).num_boosted_rounds() == 3
    booster, _, start = boosting.fit(own, sample, sample, threads=1, checkpoint=tmp_path / "a.ubj")
    assert start == 0
    assert booster.num_boosted_rounds() > 0
