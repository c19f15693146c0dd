"""Evaluates the conditions of a Condition step."""

import operator
from collections.abc import Callable, Mapping
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


def evaluate(condition: Mapping[str, Any], resolver: Resolver) -> tuple[bool, str]:
    """Whether the condition holds, and what was compared, in words.

    Raises:
        StepFailedError: an unknown condition, or values that cannot be compared.
    """
    kind = condition.get("Type")
    match kind:
        case "Not":
            # The SDK has written this key in two ways.
            holds, said = evaluate(condition.get("Expression") or condition["Condition"], resolver)
            return not holds, f"not ({said})"
        case "Or":
            parts = [evaluate(part, resolver) for part in condition["Conditions"]]
            return any(holds for holds, _ in parts), " or ".join(said for _, said in parts)
        case "In":
            value, values = resolver.resolve(condition["QueryValue"]), resolver.resolve(condition["Values"])
            return value in values, f"{value} in {values}"
        case str() if kind in _COMPARISONS:
            return _compare(kind, resolver.resolve(condition["LeftValue"]), resolver.resolve(condition["RightValue"]))
    raise StepFailedError(f"there is no condition {kind!r}; there are Not, Or, In, {', '.join(_COMPARISONS)}")


def _compare(kind: str, left: Any, right: Any) -> tuple[bool, str]:
    sign, compare = _COMPARISONS[kind]
    said = f"{left} {sign} {right}"
    try:
        return bool(compare(left, right)), said
    except TypeError as error:
        raise StepFailedError(f"cannot compare {left!r} with {right!r}") from error
