"""Linear models and how they are fitted: losses with penalties, minimized by L-BFGS over scaled features."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

_SMOOTHING = 0.1
"""Over how much of the margin the corner of the hinge is rounded while it is minimized."""

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Linear:
    """margin = features · weights + bias, over the features as they were given."""

    weights: Array
    bias: float

    def margin(self, features: Array) -> Array:
        found: Array = features.astype(np.float64) @ self.weights + self.bias
        return found


@dataclass(frozen=True)
class Loss:
    """The objective without its penalties, as a mean over rows, of which the positive weigh ``positive``."""

    is_hinge: bool
    positive: float

    @property
    def metric(self) -> str:
        if self.is_hinge:
            return "hinge_loss_objective"
        weighted = "" if self.positive == 1.0 else "weighted_"
        return f"binary_classification_{weighted}cross_entropy_objective"

    def value(self, margin: Array, label: Array) -> float:
        signed = np.where(label == 1, margin, -margin)
        losses = np.maximum(0, 1 - signed) if self.is_hinge else np.logaddexp(0, -signed)
        return float((losses * self.weights(label)).mean())

    def weights(self, label: Array) -> Array:
        return np.where(label == 1, self.positive, 1.0)

    def smooth(self, signed: Array) -> tuple[Array, Array]:
        """The loss of each row and its derivative by ``signed``, the margin in the direction of the label."""
        if not self.is_hinge:
            return np.logaddexp(0, -signed), -0.5 * (1 - np.tanh(signed / 2))
        short = 1 - signed
        is_corner = (short > 0) & (short < _SMOOTHING)
        loss = np.where(short <= 0, 0.0, np.where(is_corner, short**2 / (2 * _SMOOTHING), short - _SMOOTHING / 2))
        return loss, -np.clip(short / _SMOOTHING, 0, 1)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """``decay`` is the weight of half the squared weights, ``sparsity`` that of their absolute values."""

    decay: float
    sparsity: float
    has_bias: bool
    is_scaled: bool
    epochs: int


def fit(features: Array, label: Array, loss: Loss, settings: Settings, on_epoch: Callable[[Linear], bool]) -> None:
    """Minimize, one iteration an epoch; ``on_epoch`` is given each model and says whether to go on."""
    from scipy.optimize import minimize

    features = features.astype(np.float64)
    width = features.shape[1]
    spread = features.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0) if settings.is_scaled else np.ones(width)
    # Without a bias, nothing could take back what a shift has taken away.
    mean = features.mean(axis=0) if settings.is_scaled and settings.has_bias else np.zeros(width)
    scaled = (features - mean) / scale
    sign, weights = np.where(label == 1, 1.0, -1.0), loss.weights(label) / len(label)

    def objective(point: Array) -> tuple[float, Array]:
        coefficients, bias = _weights(point, width), point[-1] * settings.has_bias
        losses, slopes = loss.smooth(sign * (scaled @ coefficients + bias))
        slopes = slopes * sign * weights
        by_weight = slopes @ scaled + settings.decay * coefficients
        by_bias = slopes.sum() * settings.has_bias
        penalty = settings.decay / 2 * coefficients @ coefficients + settings.sparsity * point[:-1].sum()
        gradient = np.concatenate([by_weight + settings.sparsity, -by_weight + settings.sparsity, [by_bias]])
        return float(losses @ weights + penalty), gradient

    def unscaled(point: Array) -> Linear:
        coefficients = _weights(point, width) / scale
        return Linear(coefficients, float(point[-1] * settings.has_bias - coefficients @ mean))

    def after(intermediate_result: Any) -> None:
        if not on_epoch(unscaled(intermediate_result.x)):
            raise StopIteration

    # A weight is the difference of two that are not negative: so its absolute value has a derivative.
    bounds = [(0, None)] * (2 * width) + [(None, None)]
    minimize(
        objective, np.zeros(2 * width + 1), jac=True, method="L-BFGS-B", bounds=bounds, callback=after,
        options={"maxiter": settings.epochs},
    )  # fmt: skip


def _weights(point: Array, width: int) -> Array:
    weights: Array = point[:width] - point[width : 2 * width]
    return weights
