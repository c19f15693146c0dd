"""Finds out what kind of model a folder holds, and reads it."""

import json
import zipfile
from pathlib import Path

import numpy as np

from training_code.claims import schema
from training_code.scoring.model import Floats, Model, ModelError, Scale

_BOOSTERS = ("model.ubj", "xgboost-model")
_LINEAR = "linear.json"
_BUILT_IN = "model_algo-1"
_FILES = (*_BOOSTERS, _LINEAR, _BUILT_IN)
_MAX_BYTES = 64 * 2**20


def load(folder: Path, *, background: Floats | None = None) -> Model:
    """The model in ``folder``, an extracted model archive.

    Built-in algorithms name no features: theirs are the schema's, and where
    they measure distances, centred and in the schema's units.

    A LinearLearner model does not say what its training data were like.
    ``background``, ``(f,)`` in raw values, is the claim that contributions are
    measured from; without it, that in ``background.json`` (a list) in the
    folder; without either, zero. Other kinds of model have their own.

    Raises:
        ModelError: no model, several, or one that cannot be read.
    """
    found = [name for name in _FILES if (folder / name).is_file()]
    if len(found) != 1:
        raise ModelError(f"{folder} holds {' and '.join(found) or 'no model'}; expected one of {', '.join(_FILES)}")
    file = folder / found[0]
    if file.name in _BOOSTERS:
        from training_code.scoring.boosted import Boosted

        return Boosted(file, _features(folder))
    if file.name == _LINEAR:
        from training_code.scoring import linear

        return linear.from_json(file)
    return _built_in(file, background)


def _built_in(file: Path, background: Floats | None) -> Model:
    scale = Scale(np.array([feature.origin for feature in schema.FEATURES]), np.array([feature.unit for feature in schema.FEATURES]))
    if zipfile.is_zipfile(file):
        from training_code.scoring import linear

        given = _background(file.parent) if background is None else np.asarray(background, np.float64)
        return linear.from_linear_learner(file, features=schema.FEATURE_NAMES, scale=scale, background=given)
    from training_code.scoring.centroids import Centroids

    if file.stat().st_size > _MAX_BYTES:
        raise ModelError(f"{file.name} has {file.stat().st_size:,} bytes; that is no model of these features")
    return Centroids(file.read_bytes(), file.name, features=schema.FEATURE_NAMES, scale=scale)


def _features(folder: Path) -> tuple[str, ...]:
    file = folder / "features.json"
    if not file.is_file():
        return schema.FEATURE_NAMES
    try:
        found = json.loads(file.read_text())
    except ValueError as error:
        raise ModelError(f"{file.name} is not JSON: {error}") from None
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise ModelError(f"{file.name} is not a list of names")
    return tuple(found)


def _background(folder: Path) -> Floats:
    file = folder / "background.json"
    if not file.is_file():
        return np.zeros(len(schema.FEATURE_NAMES))
    try:
        found = np.asarray(json.loads(file.read_text()), np.float64)
    except (ValueError, TypeError) as error:
        raise ModelError(f"{file.name} is not a list of numbers: {error}") from None
    if found.shape != (len(schema.FEATURE_NAMES),) or not np.isfinite(found).all():
        raise ModelError(f"{file.name} is not a list of {len(schema.FEATURE_NAMES)} finite numbers")
    return found
