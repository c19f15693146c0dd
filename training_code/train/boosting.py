"""Boosting in blocks of rounds, so that an interrupted training resumes to the very same model.

Each block is one ``xgb.train`` from the model of the block before. A block's
randomness depends on the seed and the block's number alone, never on what ran
earlier in the process; therefore a model that was resumed from a checkpoint
equals one that was trained in one go, byte for byte.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from training_code.claims import schema
from training_code.train import linear_start
from training_code.train.checkpoint import History, State
from training_code.train.cluster import Cluster
from training_code.train.frameworks import Fit, HyperparameterError, Sample

BLOCK_ROUNDS = 50
_ALONE = Cluster()


@dataclass(frozen=True)
class Hyperparameters:
    """XGBoost's own names, and some of this project's. The defaults suit some 3 % of fraud in a few thousand claims and more.

    Many shallow trees with a small step: with about a hundred frauds, depth 3
    and more learns single claims by heart. ``early_stopping_rounds`` counts
    rounds without a better log loss on validation; log loss because it looks
    at every claim, while AUC rests on the some twenty frauds there.

    ``linear_start`` is the share of a logistic regression from which boosting
    starts (see ``linear_start``); with 0 it starts from the base rate.
    ``device`` is cpu, cuda, or auto: cuda where the instance has a GPU.
    """

    max_depth: int = 2
    eta: float = 0.02
    num_round: int = 600
    early_stopping_rounds: int = 100
    subsample: float = 0.8
    colsample_bytree: float = 1.0
    min_child_weight: float = 5.0
    reg_lambda: float = 5.0
    reg_alpha: float = 0.0
    gamma: float = 0.0
    scale_pos_weight: float = 1.0
    linear_start: float = 1.0
    device: str = "auto"
    seed: int = 7

    def booster_parameters(self, threads: int) -> dict[str, object]:
        """What XGBoost is told. ``device`` must have been decided."""
        own = {"num_round", "early_stopping_rounds", "linear_start", "seed"}
        return {name: value for name, value in asdict(self).items() if name not in own} | {
            "objective": "binary:logistic",
            "eval_metric": ["auc", "logloss"],
            "tree_method": "hist",
            "nthread": threads,
            # One stream per round: a round draws the same rows whichever process runs it.
            "seed_per_iteration": True,
        }

    def decided(self, environment: Mapping[str, str], *, has_cuda: bool) -> "Hyperparameters":
        """With the device that this machine has.

        Raises:
            HyperparameterError: a value out of range, or CUDA without a GPU or without support in this XGBoost.
        """
        if min(self.num_round, self.early_stopping_rounds) < 1:
            raise HyperparameterError("num_round and early_stopping_rounds must be 1 at least")
        if not 0 <= self.linear_start <= 1:
            raise HyperparameterError(f"linear_start is {self.linear_start:g}; it is a share, from 0 to 1")
        if self.device not in ("auto", "cpu", "cuda"):
            raise HyperparameterError(f"device is {self.device}; it can be auto, cpu or cuda")
        gpus = environment.get("SM_NUM_GPUS")
        device = ("cuda" if int(gpus or 0) else "cpu") if self.device == "auto" else self.device
        if device == "cuda" and gpus == "0":
            raise HyperparameterError("device is cuda, but this instance has no GPU: choose an instance type with one, or device=auto")
        if device == "cuda" and not has_cuda:
            raise HyperparameterError(
                f"device is cuda, but this build of XGBoost {xgb.__version__} has none: install one with CUDA, or set device=cpu"
            )
        return replace(self, device=device)


class Boosting:
    """XGBoost as a framework."""

    def __init__(self, hyperparameters: Hyperparameters, *, threads: int) -> None:
        """Raises HyperparameterError."""
        self._hyperparameters = hyperparameters.decided(os.environ, has_cuda=bool(xgb.build_info()["USE_CUDA"]))
        self._threads = threads

    def fit(self, train: Sample, validation: Sample, *, checkpoint: Path, cluster: Cluster) -> Fit:
        try:
            booster, history, start = fit(
                self._hyperparameters, train, validation, threads=self._threads, checkpoint=checkpoint, cluster=cluster, on_block=_report
            )
        except xgb.core.XGBoostError as error:
            raise HyperparameterError(f"XGBoost cannot train so: {_cause(error)}") from error
        rounds = history.best_round + 1
        if cluster.rank == 0:
            print(f"best round: {rounds}")
        return Fit(
            Boosted(booster, self._hyperparameters, rounds=rounds, threads=self._threads),
            {"auc": history.validation_auc[history.best_round], "logloss": history.validation_logloss[history.best_round]},
            {"rounds": rounds, "linear_start_trees": start, "history": asdict(history)},
        )


@dataclass(frozen=True)
class Boosted:
    """A booster of so many ``rounds`` after its linear start."""

    booster: xgb.Booster
    hyperparameters: Hyperparameters
    rounds: int
    threads: int

    def score(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        return np.asarray(self.booster.inplace_predict(features), np.float64)

    def refit(self, sample: Sample) -> "Boosted":
        return replace(self, booster=fit_rounds(self.hyperparameters, sample, rounds=self.rounds, threads=self.threads))

    def save(self, folder: Path) -> None:
        self.booster.save_model(folder / "model.ubj")


def fit(
    hyperparameters: Hyperparameters, train: Sample, validation: Sample, *, threads: int, checkpoint: Path,
    cluster: Cluster = _ALONE, on_block: Callable[[int, History], None] = lambda rounds, history: None,
) -> tuple[xgb.Booster, History, int]:  # fmt: skip
    """Train with early stopping; the model ends at its best round, whose metrics all hosts see alike.

    ``checkpoint`` is the file to resume from and to write after each block;
    that of the first host counts. Returns also how many trees of the model are
    its linear start.
    """
    d_train = _matrix(train)
    d_validation = _matrix(validation, like=d_train)
    state = cluster.from_first(State.load(checkpoint) if cluster.rank == 0 else None)
    parameters = hyperparameters.booster_parameters(threads)
    booster = state.booster() or _start(hyperparameters, train, d_train, cluster)
    start = _rounds(booster) - len(state.history.validation_logloss)
    history = state.history
    while not history.is_over(hyperparameters.early_stopping_rounds):
        done = len(history.validation_logloss)
        rounds = min(BLOCK_ROUNDS, hyperparameters.num_round - done)
        if rounds <= 0:
            break
        seen: dict[str, dict[str, list[float]]] = {}
        booster = xgb.train(
            parameters | {"seed": hyperparameters.seed + done}, d_train, rounds, xgb_model=booster,
            evals=[(d_train, "train"), (d_validation, "validation")], evals_result=seen, verbose_eval=False,
        )  # fmt: skip
        history = history.extended(seen)
        if cluster.rank == 0:
            State.of(booster, history).save(checkpoint)
            on_block(len(history.validation_logloss), history)
    assert booster is not None
    return _on_cpu(booster[: start + history.best_round + 1]), history, start


def fit_rounds(hyperparameters: Hyperparameters, sample: Sample, *, rounds: int, threads: int) -> xgb.Booster:
    """A fixed number of rounds: no early stopping, no checkpoint."""
    matrix = _matrix(sample)
    parameters = hyperparameters.booster_parameters(threads) | {"seed": hyperparameters.seed}
    start = _start(hyperparameters, sample, matrix, _ALONE)
    return _on_cpu(xgb.train(parameters, matrix, rounds, xgb_model=start))


def _matrix(sample: Sample, like: xgb.DMatrix | None = None) -> xgb.QuantileDMatrix:
    return xgb.QuantileDMatrix(
        sample.features, sample.label, weight=sample.weight, feature_names=list(schema.FEATURE_NAMES), ref=like
    )


def _start(hyperparameters: Hyperparameters, sample: Sample, matrix: xgb.DMatrix, cluster: Cluster) -> xgb.Booster | None:
    if not hyperparameters.linear_start:
        return None
    return linear_start.booster(sample, matrix, share=hyperparameters.linear_start, cluster=cluster)


def _rounds(booster: xgb.Booster | None) -> int:
    return 0 if booster is None else int(booster.num_boosted_rounds())


def _on_cpu(booster: xgb.Booster) -> xgb.Booster:
    """Claims to be scored lie in ordinary memory."""
    booster.set_param({"device": "cpu"})
    return booster


def _report(rounds: int, history: History) -> None:
    print(f"round {rounds}: validation logloss {history.validation_logloss[-1]:.6f}, auc {history.validation_auc[-1]:.6f}", flush=True)


def _cause(error: xgb.core.XGBoostError) -> Any:
    """The first line that says something: behind the place in XGBoost's source, before its stack."""
    lines = [line.strip(" -") for line in str(error).splitlines() if line.strip()]
    return lines[0].partition(": ")[2] or lines[0]
