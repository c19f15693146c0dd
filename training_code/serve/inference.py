"""Scores encoded claims: the entry point of the managed XGBoost container.

Input is ``text/csv`` without a header, one claim a line, the features in the
order of ``features.json``. Output is one ``score,referred`` line a claim;
``referred`` is 1 where the score reaches the package's threshold.
"""

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xgboost as xgb

CSV = "text/csv"


@dataclass(frozen=True)
class Model:
    booster: xgb.Booster
    features: int
    threshold: float


def model_fn(model_dir: str) -> Model:
    """Load the package that lies extracted in ``model_dir``."""
    folder = Path(model_dir)
    return Model(
        xgb.Booster(model_file=folder / "model.ubj"),
        len(json.loads((folder / "features.json").read_text())),
        float(json.loads((folder / "review.json").read_text())["threshold"]),
    )


def input_fn(body: str | bytes, content_type: str) -> npt.NDArray[np.float32]:
    """Encoded claims ``(n, features)``.

    Raises:
        ValueError: another content type, or text that is not a table of numbers.
    """
    if content_type.split(";")[0].strip() != CSV:
        raise ValueError(f"cannot read {content_type}; send {CSV}")
    text = body.decode() if isinstance(body, bytes) else body
    return np.loadtxt(io.StringIO(text), dtype=np.float32, delimiter=",", ndmin=2)


def predict_fn(features: npt.NDArray[np.float32], model: Model) -> npt.NDArray[np.float32]:
    """Score and decision per claim, ``(n, 2)``."""
    if features.shape[1] != model.features:
        raise ValueError(f"each claim needs {model.features} values, not {features.shape[1]}")
    score = model.booster.inplace_predict(features)
    return np.column_stack([score, score >= model.threshold])


def output_fn(prediction: npt.NDArray[np.float32], accept: str) -> tuple[str, str]:
    """The predictions as CSV, with their content type."""
    del accept  # CSV is the only answer.
    return "".join(f"{score:.9g},{referred:.0f}\n" for score, referred in prediction), CSV
