"""Stand-in for the built-in KMeans: more centers than asked for, learned in passes over batches, then drawn together to k."""

import sys
from typing import Any

import numpy as np

from local_sagemaker.algorithms import container, ndarray
from local_sagemaker.algorithms.hyperparameters import AUTO, CustomerError, Parameter, boolean, choice, integer, number, text

_NAME = "KMeans"
_CENTERS_PER_CLUSTER = 4
_TRIALS = 10
_SEED = 0

PARAMETERS: dict[str, Parameter] = {
    "k": integer(1, is_required=True),
    "feature_dim": integer(1, is_required=True),
    "mini_batch_size": integer(1, default=5000),
    "epochs": integer(1, default=1),
    "init_method": choice("random", "kmeans++", default="random"),
    "extra_center_factor": integer(1, default=AUTO, has_auto=True),
    "local_lloyd_max_iter": integer(1, default=300),
    "local_lloyd_tol": number(0, 1, default=0.0001),
    "local_lloyd_init_method": choice("random", "kmeans++", default="kmeans++"),
    "local_lloyd_num_trials": integer(1, default=AUTO, has_auto=True),
    # Batches weigh alike here, however long ago they were seen.
    "half_life_time_size": integer(0, default=0),
    "eval_metrics": text(default='["msd"]'),
    "force_dense": boolean(),
    container.TUNING_METRIC: text(),
}


def train() -> None:
    given = container.read_hyperparameters(PARAMETERS, _NAME)
    metrics = [name.strip(" []\"'") for name in given["eval_metrics"].split(",")]
    if unknown := [name for name in metrics if name not in ("msd", "ssd")]:
        raise CustomerError(f"{_NAME}'s hyperparameter eval_metrics is {given['eval_metrics']!r}; there are msd and ssd, not {unknown[0]}")
    tables = {name: _features(name, given["feature_dim"], is_required=name == "train") for name in ("train", "test")}
    rows = tables["train"]
    assert rows is not None
    if len(rows) < given["k"]:
        raise CustomerError(f"there are {len(rows)} rows, fewer than the {given['k']} clusters")
    centers = _fit(rows, given)
    for channel, features in tables.items():
        if features is not None:
            _measure(channel, features, centers, metrics)
    (container.ML / "model/model_algo-1").write_bytes(ndarray.dumps([centers]))


def _features(channel: str, width: int, *, is_required: bool) -> np.ndarray[Any, np.dtype[np.float32]] | None:
    table = container.read_channel(channel, is_required=is_required)
    if table is None:
        return None
    if table.features.shape[1] != width:
        raise CustomerError(f"feature_dim is {width}, and the channel {channel} has {table.features.shape[1]} features")
    return table.features


def _fit(rows: np.ndarray[Any, np.dtype[np.float32]], given: dict[str, Any]) -> np.ndarray[Any, np.dtype[Any]]:
    """The centers, (k, features)."""
    from sklearn.cluster import KMeans, MiniBatchKMeans

    factor = _CENTERS_PER_CLUSTER if given["extra_center_factor"] == AUTO else given["extra_center_factor"]
    many = min(given["k"] * factor, len(rows))
    start = {"random": "random", "kmeans++": "k-means++"}
    batches = MiniBatchKMeans(
        many, init=start[given["init_method"]], batch_size=min(given["mini_batch_size"], len(rows)), max_iter=given["epochs"],
        n_init=1, max_no_improvement=None, random_state=_SEED,
    )  # fmt: skip
    batches.fit(rows)
    if many == given["k"]:
        return np.asarray(batches.cluster_centers_)
    weights = np.bincount(batches.predict(rows), minlength=many)
    trials = _TRIALS if given["local_lloyd_num_trials"] == AUTO else given["local_lloyd_num_trials"]
    kept = weights > 0
    if kept.sum() < given["k"]:
        raise CustomerError(f"the rows have fewer than {given['k']} places to put a center at")
    lloyd = KMeans(
        given["k"], init=start[given["local_lloyd_init_method"]], n_init=trials, max_iter=given["local_lloyd_max_iter"],
        tol=given["local_lloyd_tol"], random_state=_SEED,
    )  # fmt: skip
    lloyd.fit(batches.cluster_centers_[kept], sample_weight=weights[kept])
    return np.asarray(lloyd.cluster_centers_)


def _measure(
    channel: str, features: np.ndarray[Any, np.dtype[np.float32]], centers: np.ndarray[Any, np.dtype[Any]], metrics: list[str]
) -> None:
    from sklearn.metrics import pairwise_distances_argmin_min

    _, distances = pairwise_distances_argmin_min(features, centers)
    squares = np.square(distances, dtype=np.float64)
    for metric in metrics:
        container.quality(channel, metric, float(squares.mean() if metric == "msd" else squares.sum()), is_loss=True)


if __name__ == "__main__":
    sys.exit(container.run(train))
