"""Ranges of hyperparameters as the service takes them, and as Optuna draws from them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_sagemaker.errors import StepFailedError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_WIDE = 100.0
"""From here on, a range whose scaling is left to the tuner is searched by orders of magnitude."""


@dataclass(frozen=True)
class Range:
    """Draws come from ``distribution``; ``to_text`` makes of one the string that a training job is given."""

    name: str
    distribution: "BaseDistribution"
    to_text: Callable[[Any], str]


def read(ranges: Mapping[str, Any]) -> list[Range]:
    """From a request's ParameterRanges.

    Raises:
        StepFailedError: naming the range and what is wrong with it.
    """
    if ranges.get("AutoParameters"):
        raise StepFailedError("AutoParameters leave the ranges to the service, which has no local counterpart: write them out")
    found = [_integer(entry) for entry in ranges.get("IntegerParameterRanges") or []]
    found += [_continuous(entry) for entry in ranges.get("ContinuousParameterRanges") or []]
    found += [_categorical(entry) for entry in ranges.get("CategoricalParameterRanges") or []]
    names = [entry.name for entry in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise StepFailedError(f"the hyperparameter {twice} has two ranges")
    return found


def _integer(entry: Mapping[str, Any]) -> Range:
    from optuna.distributions import IntDistribution

    name, low, high = _bounds(entry)
    if low % 1 or high % 1:
        raise StepFailedError(f"the range of {name} is of integers, and {entry['MinValue']} to {entry['MaxValue']} are none")
    scaling = _scaling(entry, low, high)
    if scaling == "ReverseLogarithmic":
        raise StepFailedError(f"the range of {name} is of integers, which have no ReverseLogarithmic scaling")
    return Range(name, IntDistribution(int(low), int(high), log=scaling == "Logarithmic"), str)


def _continuous(entry: Mapping[str, Any]) -> Range:
    from optuna.distributions import FloatDistribution

    name, low, high = _bounds(entry)
    scaling = _scaling(entry, low, high)
    if scaling == "ReverseLogarithmic":
        # By orders of magnitude towards 1: what is drawn is the distance to 1.
        return Range(name, FloatDistribution(1 - high, 1 - low, log=True), lambda drawn: repr(min(max(1 - drawn, low), high)))
    return Range(name, FloatDistribution(low, high, log=scaling == "Logarithmic"), repr)


def _categorical(entry: Mapping[str, Any]) -> Range:
    from optuna.distributions import CategoricalDistribution

    if not entry.get("Values"):
        raise StepFailedError(f"the range of {entry.get('Name')} has no Values")
    return Range(entry["Name"], CategoricalDistribution([str(value) for value in entry["Values"]]), str)


def _bounds(entry: Mapping[str, Any]) -> tuple[str, float, float]:
    name = str(entry.get("Name"))
    numbers = []
    for bound in ("MinValue", "MaxValue"):
        try:
            numbers.append(float(entry[bound]))
        except (KeyError, ValueError) as error:
            raise StepFailedError(f"the range of {name}: {bound} is {entry.get(bound)!r}, which is no number") from error
    low, high = numbers
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise StepFailedError(f"the range of {name} is from {entry['MinValue']} to {entry['MaxValue']}: nothing lies between them")
    return name, low, high


def _scaling(entry: Mapping[str, Any], low: float, high: float) -> str:
    name, scaling = entry["Name"], str(entry.get("ScalingType") or "Auto")
    match scaling:
        case "Auto":
            return "Logarithmic" if low > 0 and high / low >= _WIDE else "Linear"
        case "Linear":
            return scaling
        case "Logarithmic" if low > 0:
            return scaling
        case "Logarithmic":
            raise StepFailedError(f"the range of {name} starts at {entry['MinValue']}: a Logarithmic one is above 0")
        case "ReverseLogarithmic" if low >= 0 and high < 1:
            return scaling
        case "ReverseLogarithmic":
            raise StepFailedError(f"the range of {name} ends at {entry['MaxValue']}: a ReverseLogarithmic one is within 0 ≤ x < 1")
        case _:
            raise StepFailedError(
                f"the range of {name} has the ScalingType {scaling}; there are Auto, Linear, Logarithmic, ReverseLogarithmic"
            )
