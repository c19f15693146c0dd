"""Values of a run's parameters: defaults, overrides and their types."""

from collections.abc import Mapping
from typing import Any

from local_sagemaker.definition import Definition
from local_sagemaker.errors import BadInputError

Value = str | int | float | bool


def resolve(definition: Definition, overrides: Mapping[str, object]) -> dict[str, Value]:
    """Every declared parameter with its value; overrides may be given as text.

    Raises:
        BadInputError: an unknown name, a wrong type, a value that is not allowed, or none at all.
    """
    for name in overrides:
        if name not in definition.parameters:
            known = ", ".join(definition.parameters) or "none"
            raise BadInputError(f"there is no parameter {name}; the definition has {known}")
    values: dict[str, Value] = {}
    for name, declared in definition.parameters.items():
        if name in overrides:
            values[name] = _typed(name, str(declared.get("Type", "String")), overrides[name])
        elif "DefaultValue" in declared:
            values[name] = _typed(name, str(declared.get("Type", "String")), declared["DefaultValue"])
        else:
            raise BadInputError(f"the parameter {name} has no default: give it a value")
        allowed = declared.get("EnumValues")
        if allowed and values[name] not in allowed:
            raise BadInputError(f"the parameter {name} is {values[name]!r}; it must be one of {', '.join(map(str, allowed))}")
    return values


def _typed(name: str, kind: str, value: object) -> Value:
    text = str(value)
    try:
        match kind:
            case "Integer":
                return int(text)
            case "Float":
                return float(text)
            case "Boolean":
                return _boolean(text)
            case _:
                return text
    except ValueError as error:
        raise BadInputError(f"the parameter {name} is of type {kind}, and {text!r} is not") from error


def _boolean(text: str) -> bool:
    known: dict[str, Any] = {"true": True, "false": False}
    if text.lower() not in known:
        raise ValueError(text)
    return bool(known[text.lower()])
