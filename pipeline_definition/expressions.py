"""Values that SageMaker resolves when a run reaches them.

Each expression knows its request form (``to_request``); ``render`` walks any
nesting of dictionaries, lists and expressions into plain data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Expression(Protocol):
    """Anything that is written as a ``Get``, a ``Std:Join`` or a ``Std:JsonGet``."""

    def to_request(self) -> dict[str, Any]: ...


class ExecutionVariable(StrEnum):
    """What a run knows of itself."""

    PIPELINE_NAME = "PipelineName"
    PIPELINE_ARN = "PipelineArn"
    PIPELINE_EXECUTION_ID = "PipelineExecutionId"
    PIPELINE_EXECUTION_ARN = "PipelineExecutionArn"
    START_DATE_TIME = "StartDateTime"
    CURRENT_DATE_TIME = "CurrentDateTime"

    def to_request(self) -> dict[str, Any]:
        return {"Get": f"Execution.{self.value}"}


@dataclass(frozen=True)
class Property:
    """A property of a step's finished job, e.g. ``ModelArtifacts.S3ModelArtifacts`` of ``Train``."""

    step: str
    path: str

    def to_request(self) -> dict[str, Any]:
        return {"Get": f"Steps.{self.step}.{self.path}"}


@dataclass(frozen=True)
class Join:
    """Parts joined to one string; also the way to make a string of a number."""

    on: str
    values: Sequence[object]

    def to_request(self) -> dict[str, Any]:
        return {"Std:Join": {"On": self.on, "Values": [render(value) for value in self.values]}}


@dataclass(frozen=True)
class JsonGet:
    """A value out of a property file of a Processing step."""

    step: str
    property_file: str
    path: str

    def to_request(self) -> dict[str, Any]:
        file = {"Get": f"Steps.{self.step}.PropertyFiles.{self.property_file}"}
        return {"Std:JsonGet": {"PropertyFile": file, "Path": self.path}}


def text(value: object) -> Join:
    """A parameter or number as the string that container arguments and metadata must be."""
    return Join("", [value])


def uri(*parts: object) -> Join:
    """An S3 URI of parts, joined by slashes."""
    return Join("/", parts)


def render(value: object) -> Any:
    """Plain, JSON-ready data; expressions become what SageMaker reads."""
    if isinstance(value, Expression):
        return value.to_request()
    if isinstance(value, Mapping):
        return {key: render(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [render(inner) for inner in value]
    return value
