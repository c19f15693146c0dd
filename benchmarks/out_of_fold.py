"""The quality of the default models: AUC and average precision over five folds of policies.

Each fold's claims are scored by a model of the other folds, made as Train makes
its out-of-fold models: a share of the other folds' policies becomes the
validation by which early stopping finds the number of rounds, then a model of
so many rounds learns from all of the other folds. Nothing is chosen on the
claims that are scored.
"""

import contextlib
import dataclasses
import io
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training_code import metrics
from training_code.encoded import Split
from training_code.train import frameworks
from training_code.train.cluster import Cluster
from training_code.train.frameworks import Sample

FOLDS = 5
SEEDS = (0, 1, 2)
_VALIDATION = 0.15 / 0.85
"""The share that Preprocess gives the validation split, of what is not the test split."""


@dataclass(frozen=True)
class Quality:
    """Means over the folds, as other people's figures are, and of all folds' scores in one ranking."""

    auc: float
    average_precision: float
    pooled_auc: float
    pooled_average_precision: float


def measure(data: Split, framework: str, *, seed: int, **hyperparameters: Any) -> Quality:
    """With the framework's default hyperparameters, but for those given."""
    values = dataclasses.replace(frameworks.hyperparameters(framework)(), seed=seed, **hyperparameters)
    trainer = frameworks.create(framework, values, threads=1)
    fold = _assigned(data, np.full(FOLDS, 1 / FOLDS), seed)
    score = np.empty(len(data))
    per_fold = []
    for number in range(FOLDS):
        inside = fold == number
        score[inside] = _scores(trainer, data.take(~inside), data.features[inside], seed)
        per_fold.append(_measured(data.label[inside], score[inside]))
    return Quality(*np.mean(per_fold, axis=0), *_measured(data.label, score))


def _scores(trainer: frameworks.Framework, rest: Split, features: npt.NDArray[np.float32], seed: int) -> npt.NDArray[np.float64]:
    held = _assigned(rest, np.array([1 - _VALIDATION, _VALIDATION]), seed + 1000) == 1
    train, validation = rest.take(~held), rest.take(held)
    # What a framework tells of its progress is for the log of a job.
    with tempfile.TemporaryDirectory() as checkpoints, contextlib.redirect_stdout(io.StringIO()):
        fit = trainer.fit(
            Sample(train.features, train.label), Sample(validation.features, validation.label),
            checkpoint=Path(checkpoints, "checkpoint.ubj"), cluster=Cluster(),
        )  # fmt: skip
    return fit.model.refit(Sample(rest.features, rest.label)).score(features)


def _assigned(data: Split, shares: npt.NDArray[np.float64], seed: int) -> npt.NDArray[np.intp]:
    """The part of each claim: whole policies at random, fraud spread as evenly as it goes."""
    policies, own = np.unique(data.policy, return_inverse=True)
    is_fraud = np.bincount(own, data.label) > 0
    part = np.empty(len(policies), np.intp)
    rng = np.random.default_rng(seed)
    for kind in (False, True):
        places = rng.permutation(np.flatnonzero(is_fraud == kind))
        part[places] = np.searchsorted(np.cumsum(shares)[:-1], (np.arange(len(places)) + 0.5) / len(places))
    return part[own]


def _measured(label: npt.NDArray[np.float32], score: npt.NDArray[np.float64]) -> tuple[float, float]:
    ranking = metrics.Ranking.of(label, score)
    return metrics.auc(ranking), metrics.average_precision(ranking)


def report(data: Split) -> None:
    """Print mean ± standard deviation over the seeds, for each framework."""
    print(f"{'':22}{'AUC':>17}{'average precision':>20}{'AUC, pooled':>17}{'AP, pooled':>17}")
    for framework in frameworks.NAMES:
        found = [measure(data, framework, seed=seed) for seed in SEEDS]
        columns = ([getattr(one, field.name) for one in found] for field in dataclasses.fields(Quality))
        told = [f"{statistics.mean(column):.3f} ± {statistics.stdev(column):.3f}" for column in columns]
        print(f"{framework:22}{told[0]:>17}{told[1]:>20}{told[2]:>17}{told[3]:>17}")
