"""Training on several hosts: real processes side by side, as the instances of one job see each other."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import xgboost as xgb

from fraud import synthetic_claims
from tests.support import steps
from tests.training_code.conftest import Trained
from training_code import encoded, metrics
from training_code.claims import schema

_FEW = ("--num_round", 60, "--resamples", 10)
_LOST_SECONDS = 60
"""Far more than it takes, for machines that do other things."""


class Job:
    """A training job of as many hosts as there are shares; host n sees only ``folder/n``, and all of them the checkpoints."""

    def __init__(self, folder: Path, splits: Path, shares: list[Path]) -> None:
        self.folder, self._splits, self._shares = folder, splits, shares
        self._hosts = [f"algo-{number + 1}" for number in range(len(shares))]

    def model(self, number: int = 0) -> Path:
        return self.folder / str(number) / "model"

    def checkpoints(self, number: int = 0) -> Path:
        return self.folder / str(number) / "checkpoints"

    def log(self, number: int) -> str:
        return (self.folder / str(number) / "log").read_text()

    def failure(self, number: int) -> str:
        return (self.folder / str(number) / "output/failure").read_text()

    def start(self, number: int, *arguments: object) -> subprocess.Popen[bytes]:
        folder = self.folder / str(number)
        (folder / "output").mkdir(parents=True, exist_ok=True)
        environment = os.environ | {
            "SM_HOSTS": json.dumps(self._hosts), "SM_CURRENT_HOST": self._hosts[number], "SM_NETWORK_INTERFACE_NAME": "lo",
            "TRAINING_JOB_NAME": str(self.folder), "SAGEMAKER_BASE_DIR": str(folder), "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        command = [
            sys.executable, "-m", "training_code.train", "--train", self._shares[number], "--validation", self._splits / "validation",
            "--model-dir", self.model(number), "--checkpoints", self.checkpoints(number), *arguments,
        ]  # fmt: skip
        with (folder / "log").open("wb") as log:
            return subprocess.Popen([str(part) for part in command], cwd=steps.PROJECT, env=environment, stdout=log, stderr=log)

    @contextmanager
    def running(self, *arguments: object) -> Iterator[list[subprocess.Popen[bytes]]]:
        with ExitStack() as stack:
            processes = [stack.enter_context(self.start(number, *arguments)) for number in range(len(self._hosts))]
            try:
                yield processes
            finally:
                for process in processes:
                    process.kill()

    def run(self, *arguments: object) -> None:
        with self.running(*arguments) as processes:
            codes = [process.wait(timeout=300) for process in processes]
        assert not any(codes), [self.log(number) for number in range(len(codes))]

    def training(self) -> dict[str, object]:
        document: dict[str, object] = json.loads((self.model() / "training.json").read_text())
        return document


def _share(table: pa.Table, folder: Path, rows: int) -> list[Path]:
    """Two shares of a table, the first of so many rows, in parts named as those of one data set."""
    folders = [folder / "share0", folder / "share1"]
    for number, part in enumerate((table.slice(0, rows), table.slice(rows))):
        folders[number].mkdir(parents=True)
        if len(part):
            pq.write_table(part, folders[number] / f"part-{number}.parquet")
    return folders


def _binned(table: pa.Table) -> pa.Table:
    """No feature with more than 200 values: XGBoost's bins are then the values, however the rows are shared."""
    for place, name in enumerate(table.column_names):
        if name in schema.FEATURE_NAMES and pc.count_distinct(table[name]).as_py() > 200:
            values = table[name].to_numpy().astype(np.float64)
            step = (values.max() - values.min()) / 150
            table = table.set_column(place, name, pa.array((values / step).round() * step))
    return table


def _predictions(model: Path, split: encoded.Split) -> np.ndarray:
    found: np.ndarray = xgb.Booster(model_file=model / "model.ubj").inplace_predict(split.features)
    return found


@pytest.fixture(scope="module")
def binned(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Splits whose features have few values, the training claims in one part."""
    folder = tmp_path_factory.mktemp("binned")
    for split in ("train", "validation"):
        (folder / split).mkdir()
        pq.write_table(_binned(pq.read_table(trained.splits / split)), folder / split / "part.parquet")
    return folder


@pytest.fixture(scope="module")
def alone(binned: Path, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """One host that has all the data, in the parts that the shares of other jobs have."""
    folder = tmp_path_factory.mktemp("alone")
    shares = _share(pq.read_table(binned / "train"), folder, 500)
    (shares[1] / "part-1.parquet").rename(shares[0] / "part-1.parquet")
    job = Job(folder, binned, shares[:1])
    job.run("--subsample", 1, *_FEW)
    return job


@pytest.mark.parametrize("rows", [500, 0], ids=["two shares", "an empty share"])
def test_two_hosts_predict_what_one_predicts(alone: Job, binned: Path, tmp_path: Path, rows: int) -> None:
    shares = _share(pq.read_table(binned / "train"), tmp_path, rows)
    job = Job(tmp_path, binned, shares)
    job.run("--subsample", 1, *_FEW)
    train = encoded.read(binned / "train")
    np.testing.assert_allclose(_predictions(job.model(), train), _predictions(alone.model(), train), rtol=1e-5)
    told, same = job.training(), alone.training()
    assert (told["rounds"], told["instances"]) == (same["rounds"], 2)
    if rows:
        assert told["data_sha256"] == same["data_sha256"]
    # Only the first host writes, and says of what its out-of-fold metrics are.
    assert not job.model(1).exists()
    folds = json.loads((job.model() / "out_of_fold.json").read_text())
    assert folds["claims"] == rows + len(encoded.read(binned / "validation"))
    assert "algo-1's share" in folds["scope"]
    assert "scope" not in json.loads((alone.model() / "out_of_fold.json").read_text())


def test_a_share_of_one_class_only_is_as_good_as_any(alone: Job, binned: Path, tmp_path: Path) -> None:
    table = pq.read_table(binned / "train")
    table = table.sort_by([(schema.LABEL, "ascending")])
    job = Job(tmp_path, binned, _share(table, tmp_path, 500))
    job.run("--subsample", 1, *_FEW)
    validation = encoded.read(binned / "validation")
    np.testing.assert_allclose(_predictions(job.model(), validation), _predictions(alone.model(), validation), rtol=1e-4)


@pytest.mark.parametrize("mitigation", ["reweighing", "resampling"])
def test_mitigation_looks_at_all_shares(binned: Path, tmp_path: Path, mitigation: str) -> None:
    """A share without a single claim of the facet takes part like any other."""
    table = pq.read_table(binned / "train").sort_by([("customer_gender_female", "ascending")])
    job = Job(tmp_path, binned, _share(table, tmp_path, 500))
    job.run("--mitigation", mitigation, "--mitigation_facet", "customer_gender=Female", *_FEW)
    assert (job.model() / "model.ubj").exists()


@pytest.mark.slow
def test_two_hosts_rank_as_well_as_one_where_bins_differ(tmp_path: Path) -> None:
    synthetic_claims.write(rows=40_000, seed=5, folder=tmp_path)
    assert steps.preprocess(tmp_path / "claims.csv", tmp_path / "customers.csv", tmp_path).code == 0
    table = pq.read_table(tmp_path / "train")
    test = encoded.read(tmp_path / "test")
    found = []
    for name, rows in (("one", len(table)), ("two", len(table) // 2)):
        shares = _share(table, tmp_path / name, rows)
        job = Job(tmp_path / name, tmp_path, shares if name == "two" else shares[:1])
        job.run("--num_round", 150, "--subsample", 1, "--resamples", 10, "--out_of_fold_rows", 2000)
        found.append(metrics.auc(metrics.Ranking.of(test.label, _predictions(job.model(), test))))
    assert found[0] != found[1]
    assert found[0] == pytest.approx(found[1], abs=1e-3)


def _until_first_checkpoint(job: Job, processes: list[subprocess.Popen[bytes]]) -> None:
    while not list(job.checkpoints().glob("*.ubj")):
        assert all(process.poll() is None for process in processes), [job.log(0), job.log(1)]
        time.sleep(0.01)


@pytest.mark.parametrize("lost", [1, 0])
def test_a_lost_worker_ends_the_job_everywhere_with_a_message(binned: Path, tmp_path: Path, lost: int) -> None:
    job = Job(tmp_path, binned, _share(pq.read_table(binned / "train"), tmp_path, 500))
    with job.running("--num_round", 100_000, "--early_stopping_rounds", 100_000) as processes:
        _until_first_checkpoint(job, processes)
        processes[lost].kill()
        other = 1 - lost
        assert processes[other].wait(timeout=_LOST_SECONDS) == 1
    told = f"a worker was lost: algo-{lost + 1}"
    assert told in job.log(other)
    assert job.failure(other).startswith(told)
    assert not job.model().exists()


def test_a_job_that_lost_a_worker_resumes_to_the_same_model(binned: Path, tmp_path: Path) -> None:
    arguments = ("--num_round", 400, "--early_stopping_rounds", 400, "--resamples", 10)
    shares = _share(pq.read_table(binned / "train"), tmp_path, 500)
    whole, interrupted = Job(tmp_path / "whole", binned, shares), Job(tmp_path / "interrupted", binned, shares)
    whole.run(*arguments)
    with interrupted.running(*arguments) as processes:
        _until_first_checkpoint(interrupted, processes)
        processes[1].kill()
        processes[0].wait(timeout=_LOST_SECONDS)
    # The state comes from the first host: the other has no checkpoint of its own.
    assert not interrupted.checkpoints(1).exists()
    interrupted.run(*arguments)
    assert "round 50:" not in interrupted.log(0)
    assert (interrupted.model() / "model.ubj").read_bytes() == (whole.model() / "model.ubj").read_bytes()


def test_an_error_of_one_host_is_told_by_all(binned: Path, tmp_path: Path) -> None:
    table = pq.read_table(binned / "train")
    shares = _share(table, tmp_path, 500)
    pq.write_table(table.drop_columns(["customer_age"]), shares[1] / "part-1.parquet")
    job = Job(tmp_path, binned, shares)
    with job.running(*_FEW) as processes:
        assert [process.wait(timeout=_LOST_SECONDS) for process in processes] == [1, 1]
    assert job.failure(1) == "part-1.parquet lacks customer_age"
    assert job.failure(0) == "algo-2: part-1.parquet lacks customer_age"


def test_all_shares_together_need_both_classes(binned: Path, tmp_path: Path) -> None:
    table = pq.read_table(binned / "train")
    job = Job(tmp_path, binned, _share(table.filter(pc.equal(table[schema.LABEL], 0)), tmp_path, 500))
    with job.running(*_FEW) as processes:
        assert [process.wait(timeout=_LOST_SECONDS) for process in processes] == [1, 1]
    assert all("of one class only" in job.failure(number) for number in (0, 1))


def test_logistic_regression_refuses_several_instances(binned: Path, tmp_path: Path) -> None:
    job = Job(tmp_path, binned, _share(pq.read_table(binned / "train"), tmp_path, 500))
    with job.start(0, "--framework", "logistic_regression") as process:
        assert process.wait(timeout=60) == 1
    assert "trains on one instance, not on 2" in job.failure(0)
