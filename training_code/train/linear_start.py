"""A logistic regression written as trees: what boosting starts from.

Trees of two levels know little of rare values: to them, six claims in the past
year are like three. A straight line through all values does, and finds more of
the fraud at the top of the list; trees then add what is no straight line. The
line is written as one tree per feature, each a staircase over the feature's
values, so that the model remains one ensemble of trees like any other: exact
to explain, and scored by XGBoost alone.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from training_code.train import ridge
from training_code.train.cluster import Cluster
from training_code.train.frameworks import Sample

Floats = npt.NDArray[np.float64]

_PENALTY = 100.0
"""Of the squared coefficients of standardised features; the same as C = 0.01."""
_MAX_STEPS = 32
_DECIMALS = 6
_DEPTH = _MAX_STEPS
"""No staircase is deeper than it has steps."""


@dataclass(frozen=True)
class _Staircase:
    """The steps of one feature: the mean ``value`` of the claims on each, their weight and their margin, ``(k,)`` each."""

    place: int
    value: Floats
    weight: Floats
    margin: Floats


def booster(sample: Sample, matrix: xgb.DMatrix, *, share: float, cluster: Cluster) -> xgb.Booster:
    """A booster whose margin is the intercept plus ``share`` of every slope of a logistic regression on ``sample``.

    ``matrix`` holds the sample, and tells at which values XGBoost may part it:
    the same on all hosts. A feature with more than 32 such bins gets 32 steps.
    """
    line = ridge.fit(sample, penalty=_PENALTY, cluster=cluster)
    staircases = _staircases(sample, matrix, line, share, cluster)
    sizes = [len(stairs.value) for stairs in staircases]
    grid = np.full((max(sum(sizes), 1), sample.features.shape[1]), np.nan, np.float32)
    ends = np.cumsum(sizes, dtype=int)
    rows = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    for stairs, own in zip(staircases, rows, strict=True):
        grid[own, stairs.place] = stairs.value
    on_grid = xgb.QuantileDMatrix(grid, np.zeros(len(grid)), feature_names=matrix.feature_names)
    parameters = {
        "objective": "binary:logistic", "base_score": float(1 / (1 + np.exp(-line.intercept))), "tree_method": "hist",
        "nthread": 1, "eta": 1, "reg_lambda": 0, "gamma": 0, "min_child_weight": 0, "max_depth": _DEPTH,
    }  # fmt: skip
    made = xgb.Booster(parameters, [on_grid])
    for number, (stairs, own) in enumerate(zip(staircases, rows, strict=True)):
        slope, curvature = np.zeros(len(grid)), np.zeros(len(grid))
        # The curvature is how many claims stand on a step, which is what explanations weigh the branches by.
        curvature[own] = stairs.weight / cluster.size
        slope[own] = -stairs.margin * curvature[own]
        made.boost(on_grid, iteration=number, grad=slope, hess=curvature)
    return made


def _staircases(sample: Sample, matrix: xgb.DMatrix, line: ridge.Linear, share: float, cluster: Cluster) -> list[_Staircase]:
    pointers, values = matrix.get_quantile_cut()
    found = []
    for place, coefficient in enumerate(line.coefficients):
        # The first cut lies below every value, the last above.
        inner = _coarse(values[pointers[place] : pointers[place + 1]][1:-1])
        column = sample.features[:, place]
        step = np.searchsorted(inner, column, side="right")
        size = len(inner) + 1
        weight = np.bincount(step, sample.weights, size)
        total = np.bincount(step, sample.weights * column, size)
        weight, total = cluster.sum(np.append(weight, total)).reshape(2, size)
        taken = weight > 0
        if taken.sum() < 2 or not coefficient:
            continue
        value = total[taken] / weight[taken]
        margin = share * coefficient * (value - line.mean[place]) / line.scale[place]
        found.append(_Staircase(place, value, weight[taken], margin.round(_DECIMALS)))
    return found


def _coarse(cuts: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    if len(cuts) < _MAX_STEPS:
        return cuts
    places = np.linspace(0, len(cuts) - 1, _MAX_STEPS - 1).round().astype(int)
    kept: npt.NDArray[np.float32] = cuts[places]
    return kept
