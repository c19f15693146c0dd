"""Conditions of a Condition step; all of its conditions must hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from pipeline_definition.expressions import render


class Condition(Protocol):
    def to_request(self) -> dict[str, Any]: ...


class Comparison(StrEnum):
    EQUALS = "Equals"
    GREATER_THAN = "GreaterThan"
    GREATER_THAN_OR_EQUAL_TO = "GreaterThanOrEqualTo"
    LESS_THAN = "LessThan"
    LESS_THAN_OR_EQUAL_TO = "LessThanOrEqualTo"


@dataclass(frozen=True)
class Compare:
    """Two values compared."""

    left: object
    comparison: Comparison
    right: object

    def to_request(self) -> dict[str, Any]:
        return {
            "Type": str(self.comparison),
            "LeftValue": render(self.left),
            "RightValue": render(self.right),
        }


@dataclass(frozen=True)
class In:
    """A value that is one of several."""

    value: object
    values: Sequence[object]

    def to_request(self) -> dict[str, Any]:
        return {"Type": "In", "QueryValue": render(self.value), "Values": [render(v) for v in self.values]}


@dataclass(frozen=True)
class Not:
    condition: Condition

    def to_request(self) -> dict[str, Any]:
        return {"Type": "Not", "Expression": self.condition.to_request()}


@dataclass(frozen=True)
class Or:
    conditions: Sequence[Condition]

    def to_request(self) -> dict[str, Any]:
        return {"Type": "Or", "Conditions": [condition.to_request() for condition in self.conditions]}


def at_least(left: object, right: object) -> Compare:
    return Compare(left, Comparison.GREATER_THAN_OR_EQUAL_TO, right)


def at_most(left: object, right: object) -> Compare:
    return Compare(left, Comparison.LESS_THAN_OR_EQUAL_TO, right)
