"""Metrics over predictions that each come from a model which did not see the policy.

A test split of 5,000 claims holds some 25 frauds; every claim of train and
validation, predicted out of fold, gives six times as many.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import xgboost as xgb

from training_code import metrics
from training_code.encoded import Split
from training_code.train import boosting

FOLDS = 5
_SEED = 11


def fold_of(policy: npt.NDArray[np.int64], folds: int = FOLDS) -> npt.NDArray[np.intp]:
    """The fold of each policy: a fixed mix of its number, so that all its claims share one."""
    mixed = policy.astype(np.uint64)
    for _ in range(2):
        mixed = ((mixed >> np.uint64(16)) ^ mixed) * np.uint64(0x45D9F3B) & np.uint64(0xFFFFFFFF)
    return (mixed >> np.uint64(8)).astype(np.intp) % folds


@dataclass(frozen=True)
class Predictions:
    """Labels and out-of-fold scores of claims, ``(n,)`` each."""

    label: npt.NDArray[np.float64]
    score: npt.NDArray[np.float64]


def predict(
    data: Split, hyperparameters: boosting.Hyperparameters, *, rounds: int, threads: int, max_rows: int
) -> Predictions:
    """Scores of models of ``rounds`` rounds, each trained on the other folds.

    Beyond ``max_rows`` claims only some of the policies take part: their
    metrics are sharp enough, and five more trainings on all are not free.
    """
    if len(data) > max_rows:
        data = data.take(fold_of(data.policy, -(-len(data) // max_rows)) == 0)
    fold = fold_of(data.policy)
    score = np.empty(len(data), np.float64)
    for number in range(FOLDS):
        inside = fold == number
        if not inside.any():
            continue
        rest = data.take(~inside)
        booster = boosting.fit_rounds(
            hyperparameters, xgb.QuantileDMatrix(rest.features, rest.label), rounds=rounds, threads=threads
        )
        score[inside] = booster.inplace_predict(data.features[inside])
    return Predictions(data.label.astype(np.float64), score)


def measure(predictions: Predictions, *, resamples: int) -> dict[str, object]:
    """AUC and average precision with 95 % intervals."""
    ranking = metrics.Ranking.of(predictions.label, predictions.score)
    interval = metrics.bootstrap(ranking, resamples=resamples, seed=_SEED)
    return {
        "folds": FOLDS,
        "claims": len(predictions.label),
        "fraud": int(predictions.label.sum()),
        "auc": metrics.auc(ranking),
        "auc_interval": [interval["auc"].lower, interval["auc"].upper],
        "average_precision": metrics.average_precision(ranking),
        "average_precision_interval": [interval["average_precision"].lower, interval["average_precision"].upper],
    }


def save(predictions: Predictions, folder: Path) -> None:
    """``out_of_fold.parquet``, from which any review capacity can be looked at later."""
    table = pa.table({"label": predictions.label, "score": predictions.score})
    pq.write_table(table, folder / "out_of_fold.parquet")
