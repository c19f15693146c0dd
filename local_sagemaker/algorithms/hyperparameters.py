"""Hyperparameters of a built-in algorithm: what there is, what it may be, and what is required."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

AUTO = "auto"


class CustomerError(Exception):
    """What was asked for is wrong, as the service says of faults that are not its own."""


@dataclass(frozen=True)
class Parameter:
    """``read`` makes a value of the text, or raises ValueError with what may stand there."""

    read: Callable[[str], Any]
    default: Any = None
    is_required: bool = False
    has_auto: bool = False


def integer(low: int | None = None, high: int | None = None, **more: Any) -> Parameter:
    return Parameter(_number(int, "an integer", low, high, False), **more)


def number(low: float | None = None, high: float | None = None, *, is_above: bool = False, **more: Any) -> Parameter:
    """``is_above``: the lower bound itself is not allowed."""
    return Parameter(_number(float, "a number", low, high, is_above), **more)


def choice(*values: str, **more: Any) -> Parameter:
    def read(text: str) -> str:
        if text not in values:
            raise ValueError(f"one of {', '.join(values)}")
        return text

    return Parameter(read, **more)


def boolean(**more: Any) -> Parameter:
    def read(text: str) -> bool:
        if text.lower() not in ("true", "false"):
            raise ValueError("true or false")
        return text.lower() == "true"

    return Parameter(read, **more)


def text(**more: Any) -> Parameter:
    return Parameter(str, **more)


def read(given: Mapping[str, str], known: Mapping[str, Parameter], algorithm: str) -> dict[str, Any]:
    """The values of all that is known, with defaults; ``auto`` stays text.

    Raises:
        CustomerError: naming the hyperparameter, its value and what may stand there.
    """
    for name in sorted(given):
        if name not in known:
            raise CustomerError(f"{algorithm} has no hyperparameter {name}; it has {', '.join(known)}")
    values = {}
    for name, parameter in known.items():
        if name not in given:
            if parameter.is_required:
                raise CustomerError(f"{algorithm} needs the hyperparameter {name}")
            values[name] = parameter.default
        elif parameter.has_auto and given[name] == AUTO:
            values[name] = AUTO
        else:
            try:
                values[name] = parameter.read(given[name])
            except ValueError as error:
                auto = f"{AUTO} or " if parameter.has_auto else ""
                raise CustomerError(f"{algorithm}'s hyperparameter {name} is {given[name]!r}; it must be {auto}{error}") from error
    return values


def _number(kind: Callable[[str], Any], what: str, low: float | None, high: float | None, is_above: bool) -> Callable[[str], Any]:
    bounds = [f"{'above' if is_above else 'at least'} {low}"] if low is not None else []
    bounds += [f"at most {high}"] if high is not None else []
    allowed = " ".join([what, " and ".join(bounds)]).strip()

    def read(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            raise ValueError(allowed) from None
        # Written so that NaN fits nowhere.
        is_within = (low is None or (value > low if is_above else value >= low)) and (high is None or value <= high)
        if not is_within:
            raise ValueError(allowed)
        return value

    return read
