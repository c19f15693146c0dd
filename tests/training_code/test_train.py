"""Training as a process: what it leaves, and that an interruption changes nothing."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import xgboost as xgb

from tests.support import steps
from tests.training_code.conftest import Trained, train
from training_code.claims import schema


def test_the_model_carries_its_feature_order_and_is_not_pickled(trained: Trained) -> None:
    assert json.loads((trained.model / "features.json").read_text()) == list(schema.FEATURE_NAMES)
    booster = xgb.Booster(model_file=trained.model / "model.ubj")
    assert booster.feature_names == list(schema.FEATURE_NAMES)
    assert {file.suffix for file in trained.model.iterdir()} == {".ubj", ".json", ".parquet"}


def test_training_ends_at_its_best_round(trained: Trained) -> None:
    told = json.loads((trained.model / "training.json").read_text())
    loss = told["history"]["validation_logloss"]
    assert told["rounds"] == loss.index(min(loss)) + 1
    assert xgb.Booster(model_file=trained.model / "model.ubj").num_boosted_rounds() == told["rounds"]


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
    for name in ("validation:auc", "validation:logloss", "out_of_fold:auc", "out_of_fold:average_precision"):
        (line,) = [line for line in done.output.splitlines() if line.startswith(f"{name}=")]
        assert 0 < float(line.partition("=")[2]) < 1


def test_a_killed_training_resumes_to_the_same_model(trained: Trained, tmp_path: Path) -> None:
    whole = (trained.model / "model.ubj").read_bytes()
    resumed = 0
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
    assert resumed


def test_a_checkpoint_of_other_hyperparameters_is_not_used(trained: Trained, tmp_path: Path) -> None:
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    booster = xgb.Booster(model_file=trained.model / "model.ubj")
    booster.save_model(checkpoints / "0123456789abcdef0123456789abcdef.ubj")
    done = train(trained.splits, tmp_path / "model", checkpoints, "--max_depth", 3)
    assert done.code == 0
    assert "round 50:" in done.output


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
