"""The handlers as the managed container calls them.

Its toolkit makes an error 500 of any exception that a handler raises, whatever
the cause. A refused request therefore travels through the handlers as a value,
and becomes a response with its own status at the end. Anywhere else it is
raised. Source: Transformer and error_wrapper in AWS's sagemaker-containers.
"""

import importlib
import json
from typing import Any

from training_code.serve import handlers
from training_code.serve.errors import RequestError
from training_code.serve.handlers import Model, Prediction, model_fn
from training_code.serve.requests import Request

_TOOLKIT = "sagemaker_containers"

__all__ = ["input_fn", "model_fn", "output_fn", "predict_fn"]


def input_fn(body: str | bytes, content_type: str) -> Request | RequestError:
    """The records of a request, or why there are none."""
    try:
        return handlers.input_fn(body, content_type)
    except RequestError as error:
        return _refused(error)


def predict_fn(request: Request | RequestError, model: Model) -> Prediction | RequestError:
    """Score and decision of every record without a problem."""
    return request if isinstance(request, RequestError) else handlers.predict_fn(request, model)


def output_fn(prediction: Prediction | RequestError, accept: str) -> Any:
    """The answer with its content type, or a response that refuses the request."""
    if isinstance(prediction, RequestError):
        return _response(prediction)
    try:
        return handlers.output_fn(prediction, accept)
    except RequestError as error:
        return _response(_refused(error))


def _refused(error: RequestError) -> RequestError:
    """The error as a value in the container; raised where no toolkit would turn it into a response."""
    try:
        importlib.import_module(_TOOLKIT)
    except ModuleNotFoundError:
        raise error from None
    return error


def _response(error: RequestError) -> Any:
    from flask import Response

    body = json.dumps({"error": type(error).__name__, "message": str(error)})
    return Response(body, status=error.status, mimetype="application/json")
