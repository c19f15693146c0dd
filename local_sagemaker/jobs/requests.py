"""Steps that make a request and run no process: Model and RegisterModel."""

from collections.abc import Mapping
from typing import Any

from local_sagemaker.errors import StepFailedError
from local_sagemaker.home import Home
from local_sagemaker.models import Models
from local_sagemaker.registry import Registry


def create_model(request: Mapping[str, Any], *, execution: str, name: str, home: Home, models: Models) -> dict[str, Any]:
    """The properties of a created model; like the service's, its name is new in every run."""
    containers = request.get("Containers") or [request["PrimaryContainer"]]
    for container in containers:
        _check_archive(container.get("ModelDataUrl"), home)
    model = f"pipelines-{execution}-{name}"
    models.create(model, request, execution)
    return dict(request) | {"ModelName": model}


def register_model(request: Mapping[str, Any], *, execution: str, home: Home, registry: Registry) -> dict[str, Any]:
    """The properties of a new model package."""
    for container in request.get("InferenceSpecification", {}).get("Containers", []):
        _check_archive(container.get("ModelDataUrl"), home)
    return dict(request) | {"ModelPackageArn": registry.register(request, execution)}


def _check_archive(uri: str | None, home: Home) -> None:
    if uri and not home.path(uri).is_file():
        raise StepFailedError(f"there is no model archive at {uri}")
