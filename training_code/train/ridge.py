"""Logistic regression with a quadratic penalty, by Newton's method, over the rows of one or several hosts.

Small enough to need nothing but numpy, and exact: what hosts exchange are sums
over their rows, so that shares of the data give what the whole would give.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training_code.train.cluster import Cluster
from training_code.train.frameworks import Sample

Floats = npt.NDArray[np.float64]

_BLOCK_ROWS = 65_536
_MAX_STEPS = 30
_TOLERANCE = 1e-8
_DECIMALS = 6
"""Sums come out differently in the last digits with the order of their terms; so far a coefficient does not depend on it."""


@dataclass(frozen=True)
class Linear:
    """margin = intercept + Σ coefficient · (x − mean) / scale; arrays ``(f,)``."""

    intercept: float
    coefficients: Floats
    mean: Floats
    scale: Floats


def fit(sample: Sample, *, penalty: float, cluster: Cluster) -> Linear:
    """Minimise Σ weight · log loss + penalty / 2 · Σ coefficient², over standardised features; the intercept is free."""
    mean, scale = _moments(sample, cluster)
    size = len(mean) + 1
    ridge = np.full(size, penalty)
    ridge[0] = 0
    total, positive = cluster.sum(np.array([sample.weights.sum(), sample.weights @ sample.label]))
    parameters = np.zeros(size)
    parameters[0] = np.log(positive / (total - positive))
    for _ in range(_MAX_STEPS):
        slope, curvature = np.zeros(size), np.zeros((size, size))
        for x, label, weight in _blocks(sample, mean, scale):
            probability = 1 / (1 + np.exp(-(x @ parameters)))
            slope += x.T @ (weight * (probability - label))
            curvature += (x.T * (weight * probability * (1 - probability))) @ x
        both = cluster.sum(np.append(slope, curvature))
        slope, curvature = both[:size] + ridge * parameters, both[size:].reshape(size, size) + np.diag(ridge)
        step = np.linalg.solve(curvature, slope)
        parameters -= step
        if np.abs(step).max() < _TOLERANCE:
            break
    parameters = parameters.round(_DECIMALS)
    return Linear(float(parameters[0]), parameters[1:], mean, scale)


def _moments(sample: Sample, cluster: Cluster) -> tuple[Floats, Floats]:
    """Weighted mean and standard deviation of each feature; the deviation of a constant is 1."""
    size = sample.features.shape[1]
    total, sums = np.zeros(1), np.zeros(size)
    for x, _, weight in _blocks(sample, np.zeros(size), np.ones(size)):
        total += weight.sum()
        sums += weight @ x[:, 1:]
    found = cluster.sum(np.append(total, sums))
    mean = found[1:] / found[0]
    squares = np.zeros(size)
    for x, _, weight in _blocks(sample, mean, np.ones(size)):
        squares += weight @ x[:, 1:] ** 2
    scale = np.sqrt(cluster.sum(squares) / found[0])
    return mean, np.where(scale > 1e-9 * (np.abs(mean) + 1), scale, 1.0)


def _blocks(sample: Sample, mean: Floats, scale: Floats) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Rows in bounded memory: standardised features behind a column of ones, labels, weights."""
    weights = sample.weights
    for start in range(0, len(sample), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        x = np.ones((len(sample.label[rows]), len(mean) + 1))
        x[:, 1:] = (sample.features[rows] - mean) / scale
        yield x, sample.label[rows].astype(np.float64), weights[rows]
