"""The analysis configuration: what of it the stand-in understands, and clear words for the rest."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training_code.bias import analysis
from training_code.clarify.errors import ConfigError

Column = str | int
Value = str | int | float

_UNDERSTOOD = {
    "version", "dataset_type", "dataset_uri", "headers", "label", "predicted_label", "label_values_or_threshold", "facet",
    "predicted_label_dataset_uri", "predicted_label_headers", "excluded_columns", "joinsource_name_or_index",
    "group_variable", "methods", "probability_threshold",
}  # fmt: skip
_FORMATS = {"text/csv": "csv", "application/x-parquet": "parquet"}
_ONLY = "this stand-in computes pre_training_bias and post_training_bias of given labels"


@dataclass(frozen=True)
class FacetConfig:
    """A column, and the values that make up the facet, or the one threshold above which it lies; none: each value in turn."""

    column: Column
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Config:
    """An analysis configuration. Columns are names, or places where the dataset is CSV."""

    format: str
    dataset: Path | None
    headers: tuple[str, ...] | None
    label: Column
    positive: tuple[Value, ...]
    facets: tuple[FacetConfig, ...]
    group: Column | None
    identifier: Column | None
    excluded: tuple[Column, ...]
    predicted: Column | None
    predictions: Path | None
    predictions_headers: tuple[str, ...] | None
    before: tuple[str, ...]
    """Metrics before training; empty when they are not asked for."""
    after: tuple[str, ...]
    report: str | None
    title: str


def read(file: Path) -> Config:
    """Raises ConfigError: no such file, no JSON, or what the stand-in cannot do."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"no analysis configuration at {file}") from None
    except ValueError as error:
        raise ConfigError(f"{file} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{file} is not a JSON object")
    return parse(content)


def parse(content: Mapping[str, Any]) -> Config:
    """Raises ConfigError: what is missing, wrong, or beyond the stand-in."""
    if "predictor" in content:
        raise ConfigError(f"predictor: there is no endpoint to ask for predictions; {_ONLY}: name them as predicted_label")
    if unknown := set(content) - _UNDERSTOOD:
        raise ConfigError(f"{', '.join(sorted(unknown))}: not understood; {_ONLY}")
    if content.get("version", "1.0") != "1.0":
        raise ConfigError(f"version {content['version']!r}: there is only 1.0")
    form = str(content.get("dataset_type", "")).lower()
    if form not in _FORMATS:
        raise ConfigError(f"dataset_type {form!r}: this stand-in reads {' and '.join(_FORMATS)}")
    methods = content.get("methods") or {}
    if beyond := set(methods) - {"pre_training_bias", "post_training_bias", "report"}:
        raise ConfigError(f"methods {', '.join(sorted(beyond))}: {_ONLY}")
    before = _metrics(methods, "pre_training_bias", [metric.name for metric in analysis.PRE_TRAINING])
    after = _metrics(methods, "post_training_bias", [metric.name for metric in analysis.POST_TRAINING])
    if not before and not after:
        raise ConfigError(f"methods: nothing to compute; {_ONLY}")
    missing = [name for name in ("label", "label_values_or_threshold", "facet") if name not in content]
    if missing:
        raise ConfigError(f"bias analysis needs {', '.join(missing)}")
    predictions = _path(content, "predicted_label_dataset_uri")
    predicted = content.get("predicted_label", "predicted_label" if predictions else None)
    if after and predicted is None:
        raise ConfigError("post_training_bias needs predicted_label: the column of predictions, which no endpoint makes here")
    if predictions and form != "text/csv":
        raise ConfigError("predicted_label_dataset_uri goes with text/csv only, as in Clarify")
    report = methods.get("report")
    return Config(
        format=_FORMATS[form],
        dataset=_path(content, "dataset_uri"),
        headers=_names(content.get("headers")),
        label=content["label"],
        positive=_values(content["label_values_or_threshold"], "label_values_or_threshold"),
        facets=tuple(map(_facet, content["facet"])),
        group=content.get("group_variable"),
        identifier=content.get("joinsource_name_or_index"),
        excluded=_as_list(content.get("excluded_columns") or []),
        predicted=predicted,
        predictions=predictions,
        predictions_headers=_names(content.get("predicted_label_headers")),
        before=before,
        after=after,
        report=None if report is None else str(report.get("name", "report")),
        title=str((report or {}).get("title", "SageMaker Analysis Report")),
    )


def _metrics(methods: Mapping[str, Any], section: str, known: Sequence[str]) -> tuple[str, ...]:
    if section not in methods:
        return ()
    wanted = methods[section].get("methods", "all")
    if wanted == "all":
        return tuple(known)
    if unknown := set(_as_list(wanted)) - set(known):
        raise ConfigError(f"{section}: there is no metric {', '.join(sorted(map(str, unknown)))}, only {', '.join(known)}")
    return tuple(name for name in known if name in wanted)


def _facet(content: Mapping[str, Any]) -> FacetConfig:
    if "name_or_index" not in content:
        raise ConfigError("facet: each needs name_or_index")
    values = content.get("value_or_threshold")
    return FacetConfig(content["name_or_index"], _values(values, "value_or_threshold") if values not in (None, []) else ())


def _values(found: Any, name: str) -> tuple[Value, ...]:
    values = _as_list(found)
    if not values or not all(isinstance(value, str | int | float) for value in values):
        raise ConfigError(f"{name}: a list of values, or of one threshold")
    return values


def _as_list(found: Any) -> tuple[Any, ...]:
    return tuple(found) if isinstance(found, list | tuple) else (found,)


def _names(found: Any) -> tuple[str, ...] | None:
    return None if found is None else tuple(map(str, found))


def _path(content: Mapping[str, Any], key: str) -> Path | None:
    uri = content.get(key)
    if uri is None:
        return None
    if "://" in uri and not uri.startswith("file://"):
        raise ConfigError(f"{key} {uri}: nothing is downloaded here; give the data as the job's input, or as a local path")
    return Path(uri.removeprefix("file://"))
