"""Training as a process: what it leaves, and that an interruption changes nothing."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest
import xgboost as xgb

from tests.support import steps
from tests.training_code.conftest import Trained, train
from training_code import encoded, metrics
from training_code.claims import schema
from training_code.train import out_of_fold


def test_the_model_carries_its_feature_order_and_is_not_pickled(trained: Trained) -> None:
    assert json.loads((trained.model / "features.json").read_text()) == list(schema.FEATURE_NAMES)
    booster = xgb.Booster(model_file=trained.model / "model.ubj")
    assert booster.feature_names == list(schema.FEATURE_NAMES)
    assert {file.suffix for file in trained.model.iterdir()} == {".ubj", ".json", ".parquet"}


def test_training_ends_at_its_best_round(trained: Trained) -> None:
    told = json.loads((trained.model / "training.json").read_text())
    loss = told["history"]["validation_logloss"]
    assert told["rounds"] == loss.index(min(loss)) + 1
    assert xgb.Booster(model_file=trained.model / "model.ubj").num_boosted_rounds() == told["linear_start_trees"] + told["rounds"]


def test_early_stopping_stops(trained: Trained, tmp_path: Path) -> None:
    assert train(trained.splits, tmp_path, tmp_path / "c", "--eta", 0.5, "--max_depth", 6, "--early_stopping_rounds", 10).code == 0
    assert len(json.loads((tmp_path / "training.json").read_text())["history"]["validation_logloss"]) < 200


def test_out_of_fold_scores_cover_every_claim_of_train_and_validation(trained: Trained) -> None:
    folds = json.loads((trained.model / "out_of_fold.json").read_text())
    table = pq.read_table(trained.model / "out_of_fold.parquet")
    assert folds["claims"] == table.num_rows == len(steps.encoded(trained.splits, "train", "validation"))
    assert folds["auc_interval"][0] < folds["auc"] < folds["auc_interval"][1]
    assert 0.7 < folds["auc"] < 0.9


def test_metrics_are_printed_as_a_tuning_job_scrapes_them(trained: Trained, tmp_path: Path) -> None:
    done = train(trained.splits, tmp_path / "model", tmp_path / "checkpoints")
    folds = json.loads((tmp_path / "model/out_of_fold.json").read_text())
    for name, times in (
        ("validation:auc", 1), ("validation:logloss", 1), ("out_of_fold:auc", 5), ("out_of_fold:average_precision", 5),
    ):  # fmt: skip
        values = [float(line.partition("=")[2]) for line in done.output.splitlines() if line.startswith(f"{name}=")]
        # Out of fold, each fold tells what is known so far, and the last what is final.
        assert len(values) == times
        assert all(0 < value < 1 for value in values)
        if times > 1:
            assert values[-1] == pytest.approx(folds[name.partition(":")[2]], abs=1e-6)
            assert len(set(values)) > 1


@pytest.mark.parametrize(
    ("objective", "file", "key"),
    [("out_of_fold:average_precision", "out_of_fold.json", "average_precision"), ("validation:auc", "training.json", "validation")],
)
def test_the_objective_is_told_by_name_and_value(trained: Trained, tmp_path: Path, objective: str, file: str, key: str) -> None:
    assert json.loads((trained.model / "training.json").read_text())["objective"]["name"] == "out_of_fold:auc"
    # A tuning job adds an argument of its own.
    done = train(trained.splits, tmp_path, tmp_path / "c", "--tuning_objective", objective, "--_tuning_objective_metric", objective)
    assert done.code == 0, done.output
    found = json.loads((tmp_path / file).read_text())[key]
    value = found["auc"] if isinstance(found, dict) else found
    assert json.loads((tmp_path / "training.json").read_text())["objective"] == {"name": objective, "value": value}


def test_training_tells_which_data_and_which_policies_it_rests_on(trained: Trained) -> None:
    told = json.loads((trained.model / "training.json").read_text())
    assert told["data_sha256"] == encoded.digest(trained.splits / "train", trained.splits / "validation")
    table = pq.read_table(trained.model / "out_of_fold.parquet")
    rows = steps.encoded(trained.splits, "train", "validation")
    assert dict(zip(table["policy"].to_pylist(), table["label"].to_pylist(), strict=True)) == {
        row[schema.KEY]: row[schema.LABEL] for row in rows
    }


def test_a_killed_training_resumes_to_the_same_model(trained: Trained, tmp_path: Path) -> None:
    whole = (trained.model / "model.ubj").read_bytes()
    resumed = 0
    continued = 0
    for attempt in range(4):
        model, checkpoints = tmp_path / f"model{attempt}", tmp_path / f"checkpoints{attempt}"
        command = [sys.executable, "-m", "training_code.train", "--train", str(trained.splits / "train"),
                   "--validation", str(trained.splits / "validation"), "--model-dir", str(model),
                   "--checkpoints", str(checkpoints), "--num_round", "200", "--resamples", "50"]  # fmt: skip
        with subprocess.Popen(command, cwd=steps.PROJECT, stdout=subprocess.DEVNULL) as process:
            while not list(checkpoints.glob("*.ubj")) and process.poll() is None:
                time.sleep(0.005)
            time.sleep(random.Random(attempt).uniform(0, 0.1))
            process.kill()
        resumed += bool(list(checkpoints.glob("*.ubj")))
        done = train(trained.splits, model, checkpoints)
        assert done.code == 0, done.output
        assert (model / "model.ubj").read_bytes() == whole
        continued += "round 50:" not in done.output
        # A finished training needs its checkpoint no more.
        assert list(checkpoints.glob("*.ubj")) == []
    assert resumed == continued > 0


def _fingerprint(splits: Path, model: Path, *arguments: object) -> str:
    assert train(splits, model, model / "checkpoints", *arguments).code == 0
    return str(json.loads((model / "training.json").read_text())["fingerprint"])


def test_the_fingerprint_of_checkpoints_covers_data_and_hyperparameters(trained: Trained, tmp_path: Path) -> None:
    """A checkpoint is found by its fingerprint: one of another model must have another."""
    own = json.loads((trained.model / "training.json").read_text())["fingerprint"]
    assert _fingerprint(trained.splits, tmp_path / "same") == own
    assert _fingerprint(trained.splits, tmp_path / "deeper", "--max_depth", 3) != own
    changed = tmp_path / "splits"
    for split in ("train", "validation"):
        (changed / split).mkdir(parents=True)
        table = pq.read_table(trained.splits / split)
        pq.write_table(table.slice(1 if split == "train" else 0), changed / split / "a.parquet")
    assert _fingerprint(changed, tmp_path / "other") != own


def _by_heart(seen: encoded.Split) -> out_of_fold.Score:
    """Scores a claim by the label of the closest one seen."""

    def score(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        distance = ((features[:, None, :] - seen.features[None, :, :]) ** 2).sum(axis=2)
        return seen.label[distance.argmin(axis=1)].astype(np.float64)

    return score


def test_out_of_fold_scores_come_from_models_that_did_not_see_the_policy() -> None:
    """With labels by chance, whoever trains on what it scores looks good; an honest score is as good as a coin."""
    rng = np.random.default_rng(3)
    policy = np.repeat(np.arange(500), 2)
    # Both claims of a policy have one label and nearly the same features: what one leaks, the other knows.
    features = np.repeat(rng.normal(size=(500, 8)), 2, axis=0).astype(np.float32)
    label = np.repeat(rng.random(500) < 0.3, 2).astype(np.float32)
    data = encoded.Split(features, label, policy)
    found = out_of_fold.predict(data, _by_heart, max_rows=10_000)
    assert 0.42 < metrics.auc(metrics.Ranking.of(found.label, found.score)) < 0.58
    fewer = out_of_fold.predict(data, _by_heart, max_rows=300)
    assert 100 < len(fewer.label) < 400
    # Also where one in as many takes part as there are folds, every fold has its claims.
    told: list[int] = []
    out_of_fold.predict(data, _by_heart, max_rows=200, on_fold=lambda so_far: told.append(len(so_far.label)))
    assert len(told) == out_of_fold.FOLDS
    # Whole policies take part.
    assert len(fewer.label) % 2 == 0
    folds = out_of_fold.fold_of(policy)
    assert (folds[::2] == folds[1::2]).all()
    assert all(0.12 < share < 0.28 for share in np.bincount(folds) / len(folds))


def test_an_unreadable_checkpoint_is_not_used(trained: Trained, tmp_path: Path) -> None:
    told = json.loads((trained.model / "training.json").read_text())
    checkpoint = tmp_path / f"{told['fingerprint']}.ubj"
    checkpoint.write_bytes(b"torn")
    done = train(trained.splits, tmp_path / "model", tmp_path)
    assert (done.code, "unreadable and not used" in done.output) == (0, True)
    assert (tmp_path / "model/model.ubj").read_bytes() == (trained.model / "model.ubj").read_bytes()


def test_a_split_without_fraud_is_a_clear_error(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    table = pq.read_table(next((trained.splits / "train").glob("*.parquet")))
    honest = table.filter([not value for value in table[schema.LABEL].to_pylist()])
    pq.write_table(honest, tmp_path / "train" / "a.parquet")
    done = steps.run("train", "--train", tmp_path / "train", "--validation", trained.splits / "validation", "--model-dir", tmp_path)
    assert done.code == 1
    assert "of one class only" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("content", ["nothing", "other columns"])
def test_unusable_splits_are_clear_errors(trained: Trained, tmp_path: Path, content: str) -> None:
    (tmp_path / "train").mkdir()
    if content == "other columns":
        table = pq.read_table(next((trained.splits / "train").glob("*.parquet")))
        pq.write_table(table.drop_columns(["customer_age"]), tmp_path / "train" / "a.parquet")
    done = steps.run("train", "--train", tmp_path / "train", "--validation", trained.splits / "validation", "--model-dir", tmp_path)
    assert done.code == 1
    assert ("no Parquet files" if content == "nothing" else "a.parquet lacks customer_age") in done.output
