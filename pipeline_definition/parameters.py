"""Pipeline parameters: what may differ from run to run."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipeline_definition.errors import DefinitionError


class ParameterType(StrEnum):
    STRING = "String"
    INTEGER = "Integer"
    FLOAT = "Float"
    BOOLEAN = "Boolean"


_PYTHON: dict[ParameterType, tuple[type, ...]] = {
    ParameterType.STRING: (str,),
    ParameterType.INTEGER: (int,),
    ParameterType.FLOAT: (float,),
    ParameterType.BOOLEAN: (bool,),
}


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A named input of a run. Without a default, whoever starts a run must give it."""

    name: str
    type: ParameterType
    default: str | int | float | bool | None = None
    allowed: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.default is not None and type(self.default) not in _PYTHON[self.type]:
            raise DefinitionError(f"parameter {self.name}: the default {self.default!r} is no {self.type}")
        if self.allowed and self.default is not None and self.default not in self.allowed:
            raise DefinitionError(f"parameter {self.name}: the default {self.default!r} is not one of {', '.join(self.allowed)}")

    def to_request(self) -> dict[str, Any]:
        """The reference to the parameter."""
        return {"Get": f"Parameters.{self.name}"}

    def to_declaration(self) -> dict[str, Any]:
        """The entry under ``Parameters``."""
        declaration: dict[str, Any] = {"Name": self.name, "Type": str(self.type)}
        if self.default is not None:
            declaration["DefaultValue"] = self.default
        if self.allowed:
            declaration["EnumValues"] = list(self.allowed)
        return declaration


def string(name: str, default: str | None = None, *, allowed: Sequence[str] = ()) -> Parameter:
    return Parameter(name=name, type=ParameterType.STRING, default=default, allowed=allowed)


def integer(name: str, default: int | None = None) -> Parameter:
    return Parameter(name=name, type=ParameterType.INTEGER, default=default)


def number(name: str, default: float | None = None) -> Parameter:
    return Parameter(name=name, type=ParameterType.FLOAT, default=default)
