"""Metrics over predictions that each come from a model which did not see the policy.

A test split of 5,000 claims holds some 25 frauds; every claim of train and
validation, predicted out of fold, gives six times as many.
"""

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from training_code import metrics
from training_code.train import boosting
from training_code.encoded import Split

FOLDS = 5
_SEED = 11


def fold_of(policy: npt.NDArray[np.int64], folds: int = FOLDS) -> npt.NDArray[np.intp]:
    """The fold of each policy: a fixed mix of its number, so that all its claims share one."""
    mixed = policy.astype(np.uint64)
    for _ in range(2):
        mixed = ((mixed >> np.uint64(16)) ^ mixed) * np.uint64(0x45D9F3B) & np.uint64(0xFFFFFFFF)
    return (mixed >> np.uint64(8)).astype(np.intp) % folds


def evaluate(
    data: Split, hyperparameters: boosting.Hyperparameters, *,
    rounds: int, threads: int, capacity: float, max_rows: int, resamples: int,
) -> dict[str, object]:  # fmt: skip
    """AUC and average precision with 95 % intervals, and what reviewing at ``capacity`` finds.

    Beyond ``max_rows`` claims only the first ones by fold hash take part:
    their metrics are sharp enough, and five more trainings on all are not free.
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
    ranking = metrics.Ranking.of(data.label, score)
    interval = metrics.bootstrap(ranking, resamples=resamples, seed=_SEED)
    at = metrics.at_capacity(ranking, capacity)
    return {
        "folds": FOLDS,
        "claims": len(data),
        "fraud": int(data.label.sum()),
        "auc": metrics.auc(ranking),
        "auc_interval": [interval["auc"].lower, interval["auc"].upper],
        "average_precision": metrics.average_precision(ranking),
        "average_precision_interval": [interval["average_precision"].lower, interval["average_precision"].upper],
        "capacity": capacity,
        "precision_at_capacity": at.precision,
        "recall_at_capacity": at.recall,
        "lift_at_capacity": at.lift,
    }
