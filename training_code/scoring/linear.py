"""Logistic regression: this project's own file, and the one of SageMaker's LinearLearner."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training_code.scoring import ndarray
from training_code.scoring.model import Contributions, Features, Floats, Model, ModelError, Scale

_MAX_BYTES = 64 * 2**20
_PREFIX = "arg:"
"""What MXNet puts before the name of a trained parameter."""


class Linear(Model):
    """margin = base + Σ slope · (x − background), which is also the exact explanation.

    ``base`` is the margin of a claim whose every feature has the value of
    ``background``, ``(f,)``; ``slopes``, ``(f,)``, are per unit of the raw feature.
    """

    def __init__(self, name: str, features: tuple[str, ...], *, base: float, slopes: Floats, background: Floats) -> None:
        self.format = name
        self.features = features
        self.base, self.slopes, self.background = base, slopes, background

    def _score(self, features: Features) -> npt.NDArray[np.float32]:
        # The logistic function, exact also where it is close to 0.
        score: Floats = np.exp(-np.logaddexp(0, -self._margin(features)))
        return score.astype(np.float32)

    def _margin(self, features: Features) -> Floats:
        margin = np.full(len(features), self.base)
        # A matrix product rounds differently with the number of rows; a claim must score the same alone and in a batch.
        for place, (slope, background) in enumerate(zip(self.slopes, self.background, strict=True)):
            margin += slope * (features[:, place] - background)
        return margin

    def _contributions(self, features: Features) -> Contributions:
        found = np.empty((len(features), len(self.features) + 1))
        found[:, :-1] = self.slopes * (features - self.background)
        found[:, -1] = self.base
        return found


def from_json(file: Path) -> Linear:
    """The model in ``linear.json``.

    Raises:
        ModelError: not JSON, another format, or lists that do not fit each other.
    """
    try:
        document = json.loads(file.read_text())
    except ValueError as error:
        raise ModelError(f"{file.name} is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("format") != 1:
        raise ModelError(f'{file.name} is not of "format": 1')
    names = document.get("features")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ModelError(f"{file.name}: features is not a list of names")
    found = {key: _numbers(file, document, key, len(names)) for key in ("coefficients", "mean", "scale", "background")}
    intercept = _numbers(file, {"intercept": [document.get("intercept")]}, "intercept", 1)[0]
    if not found["scale"].all():
        raise ModelError(f"{file.name}: a scale is zero")
    slopes = found["coefficients"] / found["scale"]
    base = float(intercept + (slopes * (found["background"] - found["mean"])).sum())
    return Linear("linear", tuple(names), base=base, slopes=slopes, background=found["background"])


def from_linear_learner(file: Path, *, features: tuple[str, ...], scale: Scale, background: Floats) -> Linear:
    """The model in LinearLearner's zip, which was trained on features that were scaled by ``scale``.

    The file holds no trace of the training data: ``background``, ``(f,)``, is what contributions are measured from.

    Raises:
        ModelError: no zip, no parameters in it, or parameters of another shape.
    """
    parameters = {name.removeprefix(_PREFIX): array for name, array in ndarray.read(_member(file), file.name)}
    if "fc0_weight" not in parameters:
        raise ModelError(f"{file.name}: no array fc0_weight among {', '.join(sorted(parameters)) or 'none'}")
    weight = parameters["fc0_weight"].ravel().astype(np.float64)
    bias = parameters.get("fc0_bias", np.zeros(1)).ravel().astype(np.float64)
    if len(weight) != len(features) or len(bias) != 1:
        raise ModelError(f"{file.name}: {len(weight)} weights and {len(bias)} biases; expected {len(features)} and 1")
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise ModelError(f"{file.name}: a weight is not a finite number")
    slopes = weight / scale.units
    base = float(bias[0] + (slopes * (background - scale.origins)).sum())
    return Linear("linear-learner", features, base=base, slopes=slopes, background=background)


def _member(file: Path) -> bytes:
    """The one MXNet parameter file in the zip."""
    try:
        with zipfile.ZipFile(file) as archive:
            found = [entry for entry in archive.infolist() if entry.filename.endswith(".params")]
            if len(found) != 1:
                raise ModelError(f"{file.name}: expected one .params file in the zip, found {len(found)}")
            if found[0].file_size > _MAX_BYTES:
                raise ModelError(f"{file.name}: {found[0].filename} has {found[0].file_size:,} bytes; that is no linear model")
            return archive.read(found[0])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise ModelError(f"{file.name} is a damaged zip: {error}") from None


def _numbers(file: Path, document: dict[str, Any], key: str, size: int) -> Floats:
    try:
        found = np.asarray(document.get(key), np.float64)
    except (TypeError, ValueError, OverflowError):
        found = np.empty(0)
    if found.shape != (size,) or not np.isfinite(found).all():
        raise ModelError(f"{file.name}: {key} is not {size} finite number{'s' * (size > 1)}")
    return found
