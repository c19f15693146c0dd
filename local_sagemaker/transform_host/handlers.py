"""A user's inference handlers, with the container toolkit's defaults for those that are not there."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

_STEPS = ("input_fn", "predict_fn", "output_fn")
_TEXT = ("text/csv", "application/json")
_CSV, _JSON = _TEXT


class HandlerError(Exception):
    """Handlers that cannot be used; the message says why."""


class Handlers:
    """The handlers of one module and the model that its ``model_fn`` has loaded."""

    def __init__(self, program: str, code_folder: Path, model_folder: Path) -> None:
        """Import ``program`` and load the model.

        Raises:
            HandlerError: the module or its handlers are not usable.
            Exception: whatever ``model_fn`` raises.
        """
        for folder in (code_folder / "lib", code_folder):
            sys.path.insert(0, str(folder))
        name = program.removesuffix(".py").replace("/", ".")
        try:
            module = importlib.import_module(name)
        except Exception as error:
            raise HandlerError(f"cannot import {program} from {code_folder}: {type(error).__name__}: {error}") from error
        if not hasattr(module, "model_fn"):
            raise HandlerError(f"{program} has no model_fn(model_dir), which loads the model")
        self._transform = getattr(module, "transform_fn", None)
        given = [step for step in _STEPS if hasattr(module, step)]
        if self._transform and given:
            raise HandlerError(f"{program} has transform_fn and {', '.join(given)}; either the one or the others")
        self._input = getattr(module, "input_fn", _input_fn)
        self._predict = getattr(module, "predict_fn", _predict_fn)
        self._output = getattr(module, "output_fn", _output_fn)
        self._model = module.model_fn(str(model_folder))

    def answer(self, body: bytes, content_type: str, accept: str) -> bytes:
        """The body of the response; handlers get text for CSV and JSON, and bytes for the rest."""
        data = body.decode() if content_type in _TEXT else body
        if self._transform:
            result = self._transform(self._model, data, content_type, accept)
        else:
            result = self._output(self._predict(self._input(data, content_type), self._model), accept)
        if isinstance(result, tuple) and result:
            result = result[0]
        if isinstance(result, str):
            return result.encode()
        if isinstance(result, bytes | bytearray | memoryview):
            return bytes(result)
        raise HandlerError(f"the handlers returned {type(result).__name__}, where a response is text or bytes")


def _input_fn(data: Any, content_type: str) -> Any:
    """Numbers, as (rows, columns)."""
    import numpy

    if content_type == _CSV:
        return numpy.genfromtxt(data.splitlines(), delimiter=",", dtype=numpy.float32, ndmin=2)
    if content_type == _JSON:
        return numpy.array(json.loads(data))
    raise HandlerError(f"there is no input_fn, and the default one reads {' and '.join(_TEXT)}, not {content_type}")


def _predict_fn(data: Any, model: Any) -> Any:
    """``model.predict``; XGBoost's Booster takes a matrix of its own."""
    if type(model).__module__.partition(".")[0] == "xgboost" and type(model).__name__ == "Booster":
        return model.inplace_predict(data, validate_features=False)
    return model.predict(data)


def _output_fn(prediction: Any, accept: str) -> str:
    """A line for each prediction, or a JSON list."""
    import numpy

    values = numpy.asarray(prediction)
    if accept == _CSV:
        rows = values.reshape(len(values), -1) if values.ndim else values.reshape(1, 1)
        return "\n".join(",".join(str(value) for value in row) for row in rows.tolist())
    if accept == _JSON:
        return json.dumps(values.tolist())
    raise HandlerError(f"there is no output_fn, and the default one writes {' and '.join(_TEXT)}, not {accept}")
