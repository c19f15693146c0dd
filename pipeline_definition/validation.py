"""Checks every step's arguments against the API operation that the step becomes.

botocore's model of the API knows names, types, lengths, patterns and enums,
but its own validator looks at the first three only; the rest is checked here.
Expressions stand for strings, and for numbers where a number is expected.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.loaders
import botocore.model
import botocore.validate

from pipeline_definition.pipeline import walk

OPERATIONS = {
    "Processing": "CreateProcessingJob",
    "Training": "CreateTrainingJob",
    "Tuning": "CreateHyperParameterTuningJob",
    "Transform": "CreateTransformJob",
    "Model": "CreateModel",
    "RegisterModel": "CreateModelPackage",
}

_NAMES = {
    "Processing": "ProcessingJobName",
    "Training": "TrainingJobName",
    "Tuning": "HyperParameterTuningJobName",
    "Transform": "TransformJobName",
    "Model": "ModelName",
}
"""Required by the operations, but given by the service when a step runs."""

_EXPRESSIONS = ({"Get"}, {"Std:Join"}, {"Std:JsonGet"})


def findings(definition: Mapping[str, Any]) -> list[str]:
    """What is wrong, each with step and field; empty for a valid definition."""
    found: list[str] = []
    for step in walk(definition["Steps"]):
        if operation := OPERATIONS.get(step["Type"]):
            found += [f"step {step['Name']}: {text}" for text in _check(operation, step)]
    return found


def _check(operation: str, step: Mapping[str, Any]) -> Iterator[str]:
    shape = _model().operation_model(operation).input_shape
    assert shape is not None
    request = dict(step["Arguments"])
    if name := _NAMES.get(step["Type"]):
        request.setdefault(name, "job")
    literal = _literal(request, shape)
    report = botocore.validate.ParamValidator().validate(literal, shape)
    if report.has_errors():
        yield from report.generate_report().splitlines()
    yield from _constraints(request, shape, operation)


def _literal(value: Any, shape: botocore.model.Shape) -> Any:
    """The request with values of the right type in place of expressions."""
    if _is_expression(value):
        return {"integer": 1, "long": 1, "float": 1.0, "double": 1.0, "boolean": True}.get(shape.type_name, "expression")
    if isinstance(value, Mapping):
        inner = _members(shape)
        return {key: _literal(entry, inner(key)) if inner(key) is not None else entry for key, entry in value.items()}
    if isinstance(value, list) and isinstance(shape, botocore.model.ListShape):
        return [_literal(entry, shape.member) for entry in value]
    return value


def _members(shape: botocore.model.Shape) -> Any:
    """A function from a key to the shape of its value."""
    if isinstance(shape, botocore.model.StructureShape):
        return shape.members.get
    if isinstance(shape, botocore.model.MapShape):
        return lambda key: shape.value
    return lambda key: None


def _constraints(value: Any, shape: botocore.model.Shape | None, path: str) -> Iterator[str]:
    """Enums, patterns and longest lengths of literal values; unknown members."""
    if shape is None:
        yield f"{path} is not part of the operation"
    elif _is_expression(value):
        return
    elif isinstance(value, Mapping):
        members = _members(shape)
        for key, entry in value.items():
            yield from _constraints(entry, members(key), f"{path}.{key}")
    elif isinstance(value, list) and isinstance(shape, botocore.model.ListShape):
        for number, entry in enumerate(value):
            yield from _constraints(entry, shape.member, f"{path}[{number}]")
    elif isinstance(value, str):
        yield from _text(value, shape, path)


def _text(value: str, shape: botocore.model.Shape, path: str) -> Iterator[str]:
    allowed = getattr(shape, "enum", None)
    if allowed and value not in allowed:
        yield f"{path} is {value!r}, which is none of the {len(allowed)} allowed values"
    longest = shape.metadata.get("max")
    if longest is not None and len(value) > longest:
        yield f"{path} has {len(value)} characters; {longest} are allowed"
    # A CDK token stands for a value that is known at deployment only.
    if "${Token[" not in value and (pattern := shape.metadata.get("pattern")) and not _compiled(pattern).fullmatch(value):
        yield f"{path} is {value!r}, which does not match {pattern}"


_CLASSES = {
    "L": r"\w", "N": r"\d", "Z": r"\s", "M": "", "Alnum": "A-Za-z0-9",
    "S": r"$+<=>^`|~", "P": r"!-#%-*,-/:;?@\[\]_{}",
}  # fmt: skip
"""Java's Unicode classes, as they stand inside the model's brackets, as their nearest in Python."""


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    text = re.sub(r"\\p\{(\w+)\}", lambda match: _CLASSES[match[1]], pattern)
    # Some patterns repeat the end of the line; one names surrogates, which only says "any character".
    text = re.sub(r"\$\{\d+,\d+\}$", "", text)
    return re.compile(".*" if r"\uD800" in text else text, re.DOTALL)


def _is_expression(value: object) -> bool:
    return isinstance(value, Mapping) and set(value) in _EXPRESSIONS


@functools.cache
def _model() -> botocore.model.ServiceModel:
    return botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model("sagemaker", "service-2"), "sagemaker")
