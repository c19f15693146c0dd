"""What a gate asked of a model: each criterion with its value and its bounds, as a run has judged it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from local_sagemaker import Definition

_LOWER, _UPPER = ("GreaterThan", "GreaterThanOrEqualTo"), ("LessThan", "LessThanOrEqualTo")
_NAMES = {
    "binary_classification_metrics.auc": "AUC",
    "binary_classification_metrics.au_prc": "average precision",
    "binary_classification_metrics.precision": "precision at the review capacity",
    "binary_classification_metrics.recall": "recall at the review capacity",
    "review.precision": "precision at the review capacity",
    "review.recall": "recall at the review capacity",
    "champion.auc_loss": "AUC lost against the champion",
    "champion.auc_loss_interval[0]": "AUC lost against the champion, at least",
}
_BIAS = re.compile(r"(?P<facet>\w+)\.(?P<metric>[A-Z]+)")


@dataclass(frozen=True)
class Criterion:
    """One thing that was asked; ``path`` is where its value stands in the property file.

    A comparison of two numbers has a ``value`` and a ``minimum`` or ``maximum``;
    whatever else a condition may be is told in words alone.
    """

    name: str
    is_met: bool
    value: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    path: str = ""
    told: str = ""

    @property
    def bound(self) -> str:
        """The bounds for people."""
        if self.minimum is not None and self.maximum is not None:
            return f"from {_shown(self.minimum)} to {_shown(self.maximum)}"
        if self.minimum is not None:
            return f"at least {_shown(self.minimum)}"
        return f"at most {_shown(self.maximum)}" if self.maximum is not None else self.told

    @property
    def is_bias(self) -> bool:
        return bool(_BIAS.fullmatch(self.path))

    def to_document(self) -> dict[str, Any]:
        return {
            "criterion": self.name, "value": self.value, "minimum": self.minimum, "maximum": self.maximum, "is_met": self.is_met,
        }  # fmt: skip


def criteria(definition: Mapping[str, Any], properties: Mapping[str, Mapping[str, Any]]) -> tuple[Criterion, ...]:
    """The criteria of all Condition steps that were judged; ``properties`` are those of the steps that succeeded.

    Two bounds of one value are one criterion.
    """
    found: list[Criterion] = []
    for name, node in Definition.parse(definition).nodes.items():
        step = properties.get(name, {})
        if node.type != "Condition" or "Judged" not in step:
            continue
        for condition, judged, said in zip(node.arguments["Conditions"], step["Judged"], step["Compared"], strict=True):
            _add(found, _criterion(condition, judged, said))
    return tuple(found)


def _criterion(condition: Mapping[str, Any], judged: Mapping[str, Any], said: str) -> Criterion:
    value, bound, kind = judged["Left"], judged["Right"], condition["Type"]
    paths = _paths(condition)
    name = " or ".join(dict.fromkeys(_name(path) for path in paths)) or "condition"
    if kind in (*_LOWER, *_UPPER) and _is_number(value) and _is_number(bound):
        lower, upper = (bound, None) if kind in _LOWER else (None, bound)
        return Criterion(name, judged["Holds"], value, lower, upper, paths[0] if paths else "")
    return Criterion(name, judged["Holds"], told=said)


def _add(found: list[Criterion], new: Criterion) -> None:
    for place, other in enumerate(found):
        if new.path and new.path == other.path:
            if other.maximum is None and new.minimum is None:
                found[place] = replace(other, maximum=new.maximum, is_met=other.is_met and new.is_met)
                return
            if other.minimum is None and new.maximum is None:
                found[place] = replace(other, minimum=new.minimum, is_met=other.is_met and new.is_met)
                return
    found.append(new)


def _paths(condition: Any) -> list[str]:
    """Where in property files the values of a condition stand, from the left."""
    if isinstance(condition, list):
        return [path for part in condition for path in _paths(part)]
    if not isinstance(condition, Mapping):
        return []
    if "Std:JsonGet" in condition:
        return [str(condition["Std:JsonGet"]["Path"]).removeprefix("$").removeprefix(".")]
    return [path for part in condition.values() for path in _paths(part)]


def _name(path: str) -> str:
    if bias := _BIAS.fullmatch(path):
        return f"{bias['metric']} of {bias['facet']}"
    head, _, last = path.rpartition(".")
    if last in ("lower", "upper") and head in _NAMES:
        return f"{_NAMES[head]}'s {last} bound"
    return _NAMES.get(path) or _NAMES.get(head if last == "value" else path, path)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: float | None) -> str:
    return f"{value:.4g}".replace("-", "−")
