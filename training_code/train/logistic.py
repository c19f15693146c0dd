"""Logistic regression by scikit-learn, saved as numbers that numpy alone can score."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression as Regression

from training_code import metrics
from training_code.claims import schema
from training_code.train.cluster import Cluster
from training_code.train.frameworks import Fit, HyperparameterError, Sample

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Hyperparameters:
    """scikit-learn's own names.

    ``C`` is the inverse of the penalty on the coefficients of standardised
    features. ``class_weight`` is balanced or none. Balanced weights find more
    of the rare fraud but inflate its probability; the intercept is corrected
    for that, so scores remain probabilities.
    """

    C: float = 0.01
    class_weight: str = "balanced"
    max_iter: int = 1000
    seed: int = 7


class LogisticRegression:
    """scikit-learn as a framework. It trains on one host."""

    def __init__(self, hyperparameters: Hyperparameters) -> None:
        """Raises HyperparameterError."""
        if hyperparameters.class_weight not in ("balanced", "none"):
            raise HyperparameterError(f"class_weight is {hyperparameters.class_weight}; it can be balanced or none")
        if not hyperparameters.C > 0 or hyperparameters.max_iter < 1:
            raise HyperparameterError("C must be above 0, and max_iter 1 at least")
        self._hyperparameters = hyperparameters

    def fit(self, train: Sample, validation: Sample, *, checkpoint: Path, cluster: Cluster) -> Fit:
        model = fit(self._hyperparameters, train)
        margin = model.margin(validation.features)
        ranking = metrics.Ranking.of(validation.label, margin)
        loss = np.logaddexp(0, np.where(validation.label == 1, -margin, margin)).mean()
        return Fit(model, {"auc": metrics.auc(ranking), "logloss": float(loss)}, {})


@dataclass(frozen=True)
class Line:
    """margin = intercept + Σ coefficient · (x − mean) / scale; arrays ``(f,)``. ``mean`` is also what explanations are measured from."""

    hyperparameters: Hyperparameters
    intercept: float
    coefficients: Floats
    mean: Floats
    scale: Floats

    def margin(self, features: npt.NDArray[np.float32]) -> Floats:
        found: Floats = self.intercept + ((features - self.mean) / self.scale) @ self.coefficients
        return found

    def score(self, features: npt.NDArray[np.float32]) -> Floats:
        found: Floats = np.exp(-np.logaddexp(0, -self.margin(features)))
        return found

    def refit(self, sample: Sample) -> "Line":
        return fit(self.hyperparameters, sample)

    def save(self, folder: Path) -> None:
        document = {
            "format": 1,
            "features": list(schema.FEATURE_NAMES),
            "coefficients": self.coefficients.tolist(),
            "intercept": self.intercept,
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "background": self.mean.tolist(),
        }
        (folder / "linear.json").write_text(json.dumps(document, indent=2) + "\n")


def fit(hyperparameters: Hyperparameters, sample: Sample) -> Line:
    """Standardise by the sample's own weighted mean and deviation, and fit."""
    x, weight = sample.features.astype(np.float64), sample.weights
    mean = np.average(x, axis=0, weights=weight)
    scale = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weight))
    scale = np.where(scale > 1e-9 * (np.abs(mean) + 1), scale, 1.0)
    base = float(np.average(sample.label, weights=weight))
    balance = np.ones(len(weight))
    if hyperparameters.class_weight == "balanced":
        balance = np.where(sample.label == 1, 0.5 / base, 0.5 / (1 - base))
    found = Regression(C=hyperparameters.C, max_iter=hyperparameters.max_iter).fit((x - mean) / scale, sample.label, weight * balance)
    intercept = float(found.intercept_[0])
    if hyperparameters.class_weight == "balanced":
        # Both classes weighed alike shift the log-odds by what the base rate takes from them.
        intercept += float(np.log(base / (1 - base)))
    return Line(hyperparameters, intercept, found.coef_[0].astype(np.float64), mean, scale)
