"""Boosting in blocks of rounds, so that an interrupted training resumes to the very same model.

Each block is one ``xgb.train`` from the model of the block before. A block's
randomness depends on the seed and the block's number alone, never on what ran
earlier in the process; therefore a model that was resumed from a checkpoint
equals one that was trained in one go, byte for byte.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import xgboost as xgb

BLOCK_ROUNDS = 50
_HISTORY = "history"


@dataclass(frozen=True)
class Hyperparameters:
    """XGBoost's own names. The defaults suit some 3 % of fraud in a few thousand claims and more.

    Many shallow trees with a small step: with about a hundred frauds, depth 3
    and more learns single claims by heart. ``early_stopping_rounds`` counts
    rounds without a better log loss on validation; log loss because it looks
    at every claim, while AUC rests on the some twenty frauds there.
    """

    max_depth: int = 2
    eta: float = 0.02
    num_round: int = 600
    early_stopping_rounds: int = 100
    subsample: float = 0.8
    colsample_bytree: float = 0.5
    min_child_weight: float = 5.0
    reg_lambda: float = 5.0
    reg_alpha: float = 0.0
    gamma: float = 0.0
    scale_pos_weight: float = 1.0
    seed: int = 7

    def booster_parameters(self, threads: int) -> dict[str, object]:
        own = {"num_round", "early_stopping_rounds", "seed"}
        return {name: value for name, value in asdict(self).items() if name not in own} | {
            "objective": "binary:logistic",
            "eval_metric": ["auc", "logloss"],
            "tree_method": "hist",
            "nthread": threads,
            # One stream per round: a round draws the same rows whichever process runs it.
            "seed_per_iteration": True,
        }


@dataclass(frozen=True)
class History:
    """Metric values per round on train and validation."""

    train_logloss: list[float]
    validation_logloss: list[float]
    validation_auc: list[float]

    @property
    def best_round(self) -> int:
        return self.validation_logloss.index(min(self.validation_logloss))

    def is_over(self, patience: int) -> bool:
        rounds = len(self.validation_logloss)
        return rounds > 0 and rounds - 1 - self.best_round >= patience


def fit(
    hyperparameters: Hyperparameters, train: xgb.DMatrix, validation: xgb.DMatrix, *,
    threads: int, checkpoint: Path, on_block: Callable[[int, History], None] = lambda rounds, history: None,
) -> tuple[xgb.Booster, History]:  # fmt: skip
    """Train with early stopping; the model ends at its best round.

    ``checkpoint`` is the file to resume from and to write after each block.
    """
    booster, history = _resume(checkpoint)
    parameters = hyperparameters.booster_parameters(threads)
    while not history.is_over(hyperparameters.early_stopping_rounds):
        done = len(history.validation_logloss)
        rounds = min(BLOCK_ROUNDS, hyperparameters.num_round - done)
        if rounds <= 0:
            break
        seen: dict[str, dict[str, list[float]]] = {}
        booster = xgb.train(
            parameters | {"seed": hyperparameters.seed + done}, train, rounds, xgb_model=booster,
            evals=[(train, "train"), (validation, "validation")], evals_result=seen, verbose_eval=False,
        )  # fmt: skip
        history = History(
            history.train_logloss + seen["train"]["logloss"],
            history.validation_logloss + seen["validation"]["logloss"],
            history.validation_auc + seen["validation"]["auc"],
        )
        _save(booster, history, checkpoint)
        on_block(len(history.validation_logloss), history)
    assert booster is not None
    return booster[: history.best_round + 1], history


def fit_rounds(hyperparameters: Hyperparameters, train: xgb.DMatrix, *, rounds: int, threads: int) -> xgb.Booster:
    """A fixed number of rounds: no early stopping, no checkpoint."""
    return xgb.train(hyperparameters.booster_parameters(threads) | {"seed": hyperparameters.seed}, train, rounds)


def _resume(checkpoint: Path) -> tuple[xgb.Booster | None, History]:
    if not checkpoint.exists():
        return None, History([], [], [])
    try:
        booster = xgb.Booster(model_file=checkpoint)
        history = History(**json.loads(booster.attr(_HISTORY) or ""))
    except (xgb.core.XGBoostError, ValueError, TypeError):
        print(f"the checkpoint {checkpoint.name} is unreadable and not used")
        checkpoint.unlink()
        return None, History([], [], [])
    booster.set_attr(**{_HISTORY: None})
    return booster, history


def _save(booster: xgb.Booster, history: History, checkpoint: Path) -> None:
    """Replace the checkpoint at once: what a kill leaves behind is the old one or the new one."""
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    booster.set_attr(**{_HISTORY: json.dumps(asdict(history))})
    # Named by the process: two runs that train the same model share the folder.
    partial = checkpoint.with_name(f".{checkpoint.name}.{os.getpid()}.partial")
    partial.write_bytes(booster.save_raw("ubj"))
    partial.replace(checkpoint)
    booster.set_attr(**{_HISTORY: None})
