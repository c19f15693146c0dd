"""What earlier steps found out about the model, read from their outputs."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training_code.claims import facets, schema

Json = dict[str, Any]


class SourceError(Exception):
    """An output that a card cannot do without; the message says which."""


@dataclass(frozen=True)
class Facet:
    """Clarify's metrics of one facet; ``value`` is the level or the band, a metric without a value is None."""

    column: str
    value: str
    metrics: dict[str, float | None]
    error: str | None = None

    @property
    def title(self) -> str:
        """``customer_age from 25 to under 40``; what is no facet of the schema's stays as it is written."""
        try:
            facet = facets.Facet.parse(f"{self.column}={self.value}")
        except facets.FacetError:
            return f"{self.column} = {self.value}"
        low, high = facet.minimum, facet.maximum
        if facet.level is not None:
            return f"{self.column} = {facet.level}"
        if low is None:
            return f"{self.column} under {high:g}"
        return f"{self.column} from {low:g}" + (" on" if high is None else f" to under {high:g}")


@dataclass(frozen=True)
class Found:
    """The documents of evaluation and package; the rest is empty where a step did not run.

    ``importance`` is the mean absolute contribution of each feature to the score's log-odds, largest first.
    """

    evaluation: Json
    package: Json
    statistics: Json
    pre_training: list[Facet]
    post_training: list[Facet]
    importance: list[tuple[str, float]]


def read(
    *, evaluation: Path, package: Path, pre_training_bias: Path | None, post_training_bias: Path | None, explanations: Path | None
) -> Found:
    """Read all folders.

    Raises:
        SourceError: evaluation or package are not there, or a document is no JSON.
    """
    return Found(
        evaluation=_document(evaluation / "evaluation.json"),
        package=_document(package / "package.json"),
        statistics=_document(package / "statistics.json"),
        pre_training=_facets(pre_training_bias, "pre_training_bias_metrics"),
        post_training=_facets(post_training_bias, "post_training_bias_metrics"),
        importance=_importance(explanations),
    )


def feature_title(name: str) -> str:
    """A feature as people say it: ``customer_gender = Female``."""
    feature = next((feature for feature in schema.FEATURES if feature.name == name), None)
    return name if feature is None or feature.level is None else f"{feature.column.name} = {feature.level}"


def _facets(folder: Path | None, section: str) -> list[Facet]:
    """The facets of an ``analysis.json``, ours or that of the Clarify container."""
    if folder is None:
        return []
    found = _document(folder / "analysis.json").get(section, {})
    return [
        Facet(
            column,
            str(entry["value_or_threshold"]),
            {metric["name"]: metric.get("value") for metric in entry["metrics"]},
            entry.get("error"),
        )
        for column, entries in found.get("facets", {}).items()
        for entry in entries
    ]


def _importance(folder: Path | None) -> list[tuple[str, float]]:
    if folder is None:
        return []
    labels = _document(folder / "analysis.json").get("explanations", {}).get("kernel_shap", {})
    # One label: the model is binary, and explains fraud.
    shap: dict[str, float] = next(iter(labels.values()))["global_shap_values"] if labels else {}
    return sorted(shap.items(), key=lambda entry: (-abs(entry[1]), entry[0]))


def _document(path: Path) -> Json:
    try:
        found: Json = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise SourceError(f"there is no {path.name} in {path.parent}; the card needs the output of the step that writes it") from error
    except ValueError as error:
        raise SourceError(f"{path} is no JSON: {error}") from error
    return found
