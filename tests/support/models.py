"""Small models of every format, as their training would leave them."""

import json
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from training_code.claims import schema
from training_code.scoring import ndarray

FEATURES = len(schema.FEATURES)
UNITS = np.array([feature.unit for feature in schema.FEATURES])
ORIGINS = np.array([feature.origin for feature in schema.FEATURES])


def claims(rows: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """Features of the right number, with the ties that encoded claims have."""
    return np.random.default_rng(seed).integers(0, 6, (rows, FEATURES)).astype(np.float32)


def booster(features: npt.NDArray[np.float32], *, seed: int = 0, rounds: int = 20, **parameters: object) -> xgb.Booster:
    """Trained on a label in which features act together."""
    random = np.random.default_rng(seed)
    signal = features[:, 0] * (features[:, 1] > 2) - features[:, 2] + random.normal(0, 1, len(features))
    settings = {"objective": "binary:logistic", "max_depth": 3, "nthread": 1, "seed": seed} | parameters
    return xgb.train(settings, xgb.DMatrix(features, signal > np.median(signal)), rounds)


def save_booster(folder: Path, model: xgb.Booster, name: str = "model.ubj") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(bytes(model.save_raw("ubj")))
    return folder


def save_linear(folder: Path, **changes: object) -> Path:
    random = np.random.default_rng(5)
    document = {
        "format": 1,
        "features": list(schema.FEATURE_NAMES),
        "coefficients": random.normal(0, 0.3, FEATURES).tolist(),
        "intercept": -3.0,
        "mean": random.normal(2, 1, FEATURES).tolist(),
        "scale": random.uniform(0.5, 2, FEATURES).tolist(),
        "background": random.normal(2, 1, FEATURES).tolist(),
    } | changes
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "linear.json").write_text(json.dumps(document))
    return folder


def save_linear_learner(folder: Path, weight: npt.NDArray[np.float32], bias: float) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "model_algo-1", "w") as archive:
        parameters = ndarray.write([weight[None, :], np.array([bias], np.float32)], ["arg:fc0_weight", "arg:fc0_bias"])
        archive.writestr("mx-mod-0000.params", parameters)
        archive.writestr("mx-mod-symbol.json", "{}")
    return folder


def save_kmeans(folder: Path, centroids: npt.NDArray[np.float32]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model_algo-1").write_bytes(ndarray.write([centroids]))
    return folder
