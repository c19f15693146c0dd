"""Evaluates the conditions of a Condition step."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local_sagemaker.errors import StepFailedError
from local_sagemaker.expressions import Resolver

_COMPARISONS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "Equals": ("=", operator.eq),
    "GreaterThan": (">", operator.gt),
    "GreaterThanOrEqualTo": ("≥", operator.ge),
    "LessThan": ("<", operator.lt),
    "LessThanOrEqualTo": ("≤", operator.le),
}


@dataclass(frozen=True)
class Judgement:
    """Whether a condition holds, and what was compared in words; a plain comparison has its two values too."""

    holds: bool
    said: str
    left: Any = None
    right: Any = None


def evaluate(condition: Mapping[str, Any], resolver: Resolver) -> Judgement:
    """Judge the condition.

    Raises:
        StepFailedError: an unknown condition, or values that cannot be compared.
    """
    kind = condition.get("Type")
    match kind:
        case "Not":
            # The SDK has written this key in two ways.
            inner = evaluate(condition.get("Expression") or condition["Condition"], resolver)
            return Judgement(not inner.holds, f"not ({inner.said})")
        case "Or":
            parts = [evaluate(part, resolver) for part in condition["Conditions"]]
            return Judgement(any(part.holds for part in parts), " or ".join(part.said for part in parts))
        case "In":
            value, values = resolver.resolve(condition["QueryValue"]), resolver.resolve(condition["Values"])
            return Judgement(value in values, f"{value} in {values}")
        case str() if kind in _COMPARISONS:
            return _compare(kind, resolver.resolve(condition["LeftValue"]), resolver.resolve(condition["RightValue"]))
    raise StepFailedError(f"there is no condition {kind!r}; there are Not, Or, In, {', '.join(_COMPARISONS)}")


def _compare(kind: str, left: Any, right: Any) -> Judgement:
    sign, compare = _COMPARISONS[kind]
    try:
        return Judgement(bool(compare(left, right)), f"{left} {sign} {right}", left, right)
    except TypeError as error:
        raise StepFailedError(f"cannot compare {left!r} with {right!r}") from error
