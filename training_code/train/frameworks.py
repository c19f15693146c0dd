"""What a framework must offer, so that reading, mitigation, out-of-fold metrics and writing are the same for all."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from training_code.train.cluster import Cluster

XGBOOST, LOGISTIC_REGRESSION = "xgboost", "logistic_regression"
NAMES = (XGBOOST, LOGISTIC_REGRESSION)


class HyperparameterError(Exception):
    """A value, or a combination of values, that cannot be trained with; the message says what to change."""


@dataclass(frozen=True)
class Sample:
    """What a model learns from: ``features`` float32 ``(n, f)``, ``label`` 0/1 ``(n,)``, ``weight`` ``(n,)`` (None: all count alike)."""

    features: npt.NDArray[np.float32]
    label: npt.NDArray[np.float32]
    weight: npt.NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.label)

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        return np.ones(len(self)) if self.weight is None else self.weight


class Model(Protocol):
    """A trained model that can be scored, saved, and trained again on other claims."""

    def score(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """The probability of fraud, ``(n,)``."""

    def refit(self, sample: Sample) -> "Model":
        """A model of this one's size from other claims: nothing is chosen anew, so no validation is needed."""

    def save(self, folder: Path) -> None:
        """Write the model's own files."""


@dataclass(frozen=True)
class Fit:
    """A model, its metrics on validation by name (``auc``, ``logloss``), and what else training.json tells of it."""

    model: Model
    validation: Mapping[str, float]
    told: Mapping[str, Any]


class Framework(Protocol):
    """Trains one kind of model with given hyperparameters."""

    def fit(self, train: Sample, validation: Sample, *, checkpoint: Path, cluster: Cluster) -> Fit:
        """Train on this host's share of ``train``, together with the other hosts of ``cluster``.

        ``validation`` is whole on every host. ``checkpoint`` is a file to resume from.
        """


def hyperparameters(name: str) -> type[Any]:
    """The dataclass of a framework's hyperparameters. Only the named framework is imported."""
    if name == XGBOOST:
        from training_code.train import boosting

        return boosting.Hyperparameters
    from training_code.train import logistic

    return logistic.Hyperparameters


def create(name: str, values: Any, *, threads: int) -> Framework:
    """The framework of that name; ``values`` is an instance of its ``hyperparameters``.

    Raises:
        HyperparameterError: it cannot be trained so here.
    """
    if name == XGBOOST:
        from training_code.train import boosting

        return boosting.Boosting(values, threads=threads)
    from training_code.train import logistic

    return logistic.LogisticRegression(values)


def version(name: str) -> str:
    """The library's version, a part of what a checkpoint belongs to."""
    if name == XGBOOST:
        import xgboost

        return str(xgboost.__version__)
    import sklearn

    return str(sklearn.__version__)
