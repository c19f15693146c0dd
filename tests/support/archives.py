"""Model archives of every kind, made from a trained one or by hand."""

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training_code.claims import schema
from training_code.scoring import ndarray

KINDS = ("linear", "linear-learner", "kmeans")
"""All but XGBoost, whose models are trained."""

_SLOPES = np.where([name.startswith(("num_claims", "customer_gender_male")) for name in schema.FEATURE_NAMES], 0.4, 0.0)


def write(kind: str, folder: Path, *, features: Sequence[str] = schema.FEATURE_NAMES) -> Path:
    """An extracted archive of a kind, whose score rises with past claims and for one gender; a linear one may have other features."""
    folder.mkdir(parents=True)
    size = len(schema.FEATURE_NAMES)
    units = np.array([feature.unit for feature in schema.FEATURES])
    if kind == "linear":
        own = dict(zip(schema.FEATURE_NAMES, _SLOPES.tolist(), strict=True))
        document = {
            "format": 1, "features": list(features), "coefficients": [own[name] for name in features], "intercept": -4.0,
            "mean": [0.0] * len(features), "scale": [1.0] * len(features), "background": [0.0] * len(features),
        }  # fmt: skip
        (folder / "linear.json").write_text(json.dumps(document))
        (folder / "features.json").write_text(json.dumps(features))
    elif kind == "linear-learner":
        arrays = [(_SLOPES * units).astype(np.float32)[None, :], np.array([-4], np.float32)]
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("mx-mod-0000.params", ndarray.write(arrays, ["arg:fc0_weight", "arg:fc0_bias"]))
        (folder / "model_algo-1").write_bytes(buffer.getvalue())
    else:
        (folder / "model_algo-1").write_bytes(ndarray.write([np.zeros((2, size), np.float32)]))
    return folder
