"""Metrics over predictions that each come from a model which did not see the policy.

A test split of 5,000 claims holds some 25 frauds; every claim of train and
validation, predicted out of fold, gives six times as many.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from training_code import metrics
from training_code.encoded import DataError, Split

Score = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float64]]
"""From features ``(n, f)`` to scores ``(n,)``."""

FOLDS = 5
_SEED = 11
_SAMPLE_SALT = 0x5BD1E995


def fold_of(policy: npt.NDArray[np.int64], folds: int = FOLDS, salt: int = 0) -> npt.NDArray[np.intp]:
    """The fold of each policy: a fixed mix of its number, so that all its claims share one. Another salt, unrelated folds."""
    mixed = policy.astype(np.uint64) ^ np.uint64(salt)
    for _ in range(2):
        mixed = ((mixed >> np.uint64(16)) ^ mixed) * np.uint64(0x45D9F3B) & np.uint64(0xFFFFFFFF)
    return (mixed >> np.uint64(8)).astype(np.intp) % folds


@dataclass(frozen=True)
class Predictions:
    """Policies, labels and out-of-fold scores of claims, ``(n,)`` each."""

    policy: npt.NDArray[np.int64]
    label: npt.NDArray[np.float64]
    score: npt.NDArray[np.float64]

    def take(self, rows: npt.NDArray[np.bool_]) -> "Predictions":
        return Predictions(self.policy[rows], self.label[rows], self.score[rows])


def predict(
    data: Split, learn: Callable[[Split], Score], *, max_rows: int, on_fold: Callable[[Predictions], None] = lambda so_far: None
) -> Predictions:
    """Scores by models that ``learn`` makes of the other folds.

    Beyond ``max_rows`` claims only some of the policies take part: their
    metrics are sharp enough, and five more trainings on all are not free.
    ``on_fold`` gets the predictions of the folds so far after each of them.

    Raises:
        DataError: so few claims of a class that a fold leaves none to learn from.
    """
    if len(data) > max_rows:
        data = data.take(fold_of(data.policy, -(-len(data) // max_rows), _SAMPLE_SALT) == 0)
    fold = fold_of(data.policy)
    found = Predictions(data.policy, data.label.astype(np.float64), np.empty(len(data), np.float64))
    for number in range(FOLDS):
        inside = fold == number
        if not inside.any():
            continue
        rest = data.take(~inside)
        if not len(rest) or rest.label.min() == rest.label.max():
            raise DataError(f"out of fold: without fold {number + 1} of {FOLDS}, all claims are of one class: there is too little fraud")
        found.score[inside] = learn(rest)(data.features[inside])
        on_fold(found.take(fold <= number))
    return found


def tell(predictions: Predictions) -> None:
    """Print the metrics as a tuning job scrapes them: the last of several lines counts, earlier ones let it stop early."""
    ranking = metrics.Ranking.of(predictions.label, predictions.score)
    for name, value in (("auc", metrics.auc(ranking)), ("average_precision", metrics.average_precision(ranking))):
        if np.isfinite(value):
            print(f"out_of_fold:{name}={value:.6f}", flush=True)


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
    table = pa.table({"policy": predictions.policy, "label": predictions.label, "score": predictions.score})
    pq.write_table(table, folder / "out_of_fold.parquet")
