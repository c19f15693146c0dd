"""Reads the reports that steps leave behind: metrics with intervals, bias by facet, importance by feature.

Whatever a report lacks is left out: packages of earlier versions lack much,
and so do those of algorithms that come without a script.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training_code.claims.facets import Facet, FacetError

Json = Mapping[str, Any]
Bias = dict[str, dict[str, float | None]]


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval, where it has one."""

    value: float
    lower: float | None = None
    upper: float | None = None

    def to_document(self) -> dict[str, float | None]:
        return {"value": self.value, "lower": self.lower, "upper": self.upper}


@dataclass(frozen=True)
class Metric:
    """A figure in ``evaluation.json`` at ``path``; its interval stands beside it, or below ``path`` + ``_interval``."""

    name: str
    title: str
    path: str
    is_better_high: bool = True


METRICS = (
    Metric("auc", "AUC", "binary_classification_metrics.auc"),
    Metric("average_precision", "average precision", "binary_classification_metrics.au_prc"),
    Metric("precision_at_capacity", "precision at capacity", "binary_classification_metrics.precision"),
    Metric("recall_at_capacity", "recall at capacity", "binary_classification_metrics.recall"),
    Metric("lift_at_capacity", "lift at capacity", "review.lift"),
    Metric("out_of_fold_auc", "AUC out of fold", "out_of_fold.auc"),
    Metric("out_of_fold_average_precision", "average precision out of fold", "out_of_fold.average_precision"),
    Metric("brier_score", "Brier score", "calibration.brier_score", is_better_high=False),
    Metric("calibration_error", "calibration error", "calibration.expected_calibration_error", is_better_high=False),
)

CHAMPION = {
    "champion_auc": "the champion's AUC",
    "champion_average_precision": "the champion's average precision",
    "champion_auc_loss": "AUC lost against the champion",
}

MAIN_BIAS = ("CI", "DPL", "CDDL", "DPPL", "DI", "RD", "AD", "CDDPL")
"""The bias metrics that are shown where there is no room for all."""


def document(file: Path) -> dict[str, Any]:
    """A JSON file; empty where it is not there or is none."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def metrics(evaluation: Json) -> dict[str, Estimate]:
    """The figures of ``evaluation.json`` by name, in the order of ``METRICS``."""
    found = {metric.name: _estimate(evaluation, metric.path) for metric in METRICS}
    return {name: estimate for name, estimate in found.items() if estimate}


def champion(evaluation: Json) -> dict[str, Estimate]:
    """How the champion does on the same claims, and how much AUC would be lost; empty without a champion."""
    section = _section(evaluation, "champion")
    if not section.get("is_present"):
        return {}
    found = {name: _estimate(section, name.removeprefix("champion_")) for name in CHAMPION}
    return {name: estimate for name, estimate in found.items() if estimate}


def bias(folder: Path) -> Bias:
    """Bias metrics by facet, from ``bias.json`` or, where Clarify's container wrote the report, from ``analysis.json``."""
    flat = document(folder / "bias.json")
    if flat:
        return {facet: {name: _number(value) for name, value in found.items()} for facet, found in flat.items() if isinstance(found, dict)}
    return _clarify(document(folder / "analysis.json"))


def importance(analysis: Json) -> dict[str, float]:
    """Mean absolute contribution to the score by feature, from Clarify's layout, the most important first."""
    shap = _section(_section(analysis, "explanations"), "kernel_shap")
    labels = [label for label in shap.values() if isinstance(label, dict)]
    values = _section(labels[0], "global_shap_values") if labels else {}
    found = {name: number for name, value in values.items() if (number := _number(value)) is not None}
    return dict(sorted(found.items(), key=lambda item: (-abs(item[1]), item[0])))


def _clarify(analysis: Json) -> Bias:
    found: Bias = {}
    for kind in ("pre_training_bias_metrics", "post_training_bias_metrics"):
        for column, entries in _section(_section(analysis, kind), "facets").items():
            for entry in entries:
                values = {metric["name"]: _number(metric.get("value")) for metric in entry.get("metrics", [])}
                found.setdefault(_slug(column, str(entry.get("value_or_threshold", ""))), {}).update(values)
    return found


def _slug(column: str, value: str) -> str:
    try:
        return Facet.parse(f"{column}={value}").slug
    except FacetError:
        # Another schema's facet still has a name of its own.
        return re.sub(r"\W+", "_", f"{column}_{value}".lower()).strip("_")


def _estimate(evaluation: Json, path: str) -> Estimate | None:
    *sections, last = path.split(".")
    place = evaluation
    for name in sections:
        place = _section(place, name)
    found = place.get(last)
    if isinstance(found, dict):
        value, ends = found.get("value"), (found.get("lower"), found.get("upper"))
    else:
        value, ends = found, tuple(place.get(f"{last}_interval") or (None, None))
    number = _number(value)
    return None if number is None else Estimate(number, _number(ends[0]), _number(ends[1]))


def _section(document: Json, name: str) -> Json:
    """What stands at a key; empty where that is missing or null."""
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) else None
