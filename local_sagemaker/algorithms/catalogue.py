"""Which stand-in runs for an image without a script, and which metrics the service knows of it.

The names and expressions are those of the developer guide's pages on tuning
each algorithm; nobody writes them into a request.
"""

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass

XGBOOST_METRICS = (
    "rmse", "rmsle", "mae", "mape", "mphe", "logloss", "error", "merror", "mlogloss", "auc", "aucpr", "ndcg", "map", "pre",
    "poisson-nloglik", "gamma-nloglik", "gamma-deviance", "tweedie-nloglik", "cox-nloglik", "aft-nloglik",
    "interval-regression-accuracy",
)  # fmt: skip
"""Those that XGBoost itself computes."""


@dataclass(frozen=True)
class Algorithm:
    """``module`` runs it; ``metrics`` are regular expressions by the names of the metrics."""

    name: str
    module: str
    metrics: Mapping[str, str]


def for_image(image: str) -> Algorithm | None:
    """The stand-in for an image URI, if it is one of a built-in algorithm."""
    repository = image.rpartition("/")[2]
    return next((found for pattern, found in _BY_REPOSITORY.items() if fnmatch.fnmatch(repository, pattern)), None)


def _xgboost() -> dict[str, str]:
    return {
        f"{channel}:{metric}": rf"\[[0-9]+\].*#011{channel}-{re.escape(metric)}:([-+.0-9eE]+)"
        for channel in ("train", "validation")
        for metric in XGBOOST_METRICS
    }


def _linear_learner() -> dict[str, str]:
    prefix = r"#quality_metric: host=\S+, "
    found = {}
    for channel in ("train", "validation", "test"):
        for metric in ("binary_classification_accuracy", "precision", "recall", "roc_auc_score"):
            found[f"{channel}:{metric}"] = rf"{prefix}{channel} {metric} <score>=(\S+)"
        found[f"{channel}:binary_f_beta"] = rf"{prefix}{channel} binary_f_\S+ <score>=(\S+)"
        epoch = "" if channel == "test" else r"epoch=\S+, "
        found[f"{channel}:objective_loss"] = rf"{prefix}{epoch}{channel} \S+_objective <loss>=(\S+)"
        if epoch:
            found[f"{channel}:objective_loss:final"] = rf"{prefix}{channel} \S+_objective <loss>=(\S+)"
    return found


def _kmeans() -> dict[str, str]:
    return {
        f"{channel}:{metric}": rf"#quality_metric: host=\S+, {channel} {metric} <loss>=(\S+)"
        for channel in ("train", "test")
        for metric in ("msd", "ssd")
    }


_PACKAGE = "local_sagemaker.algorithms"
_BY_REPOSITORY = {
    "sagemaker-xgboost:*": Algorithm("XGBoost", f"{_PACKAGE}.xgboost", _xgboost()),
    "linear-learner:*": Algorithm("LinearLearner", f"{_PACKAGE}.linear_learner", _linear_learner()),
    "kmeans:*": Algorithm("KMeans", f"{_PACKAGE}.kmeans", _kmeans()),
}
