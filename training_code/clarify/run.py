"""Runs an analysis configuration over a dataset."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training_code.bias import analysis, tables
from training_code.bias.analysis import Comparison, Subject
from training_code.bias.flip_test import Likeness
from training_code.bias.tables import Flags
from training_code.clarify import columns
from training_code.clarify.config import Config, FacetConfig, Value
from training_code.clarify.dataset import Dataset
from training_code.clarify.errors import ConfigError


@dataclass(frozen=True)
class Result:
    """The comparisons of both sections, empty where a section is not asked for."""

    label: str
    positive: str
    records: int
    before: tuple[Comparison, ...]
    after: tuple[Comparison, ...]


def analyse(config: Config, data: Dataset) -> Result:
    """Raises ConfigError: a column that is not there, or values that do not fit it."""
    label = data.name(config.label, "label")
    continuous = columns.is_continuous(data[label], config.positive)
    observed = columns.select(data[label], config.positive, continuous=continuous)
    decided = data.name(config.predicted, "predicted_label") if config.after else None
    predicted = columns.select(data[decided], config.positive, continuous=continuous) if decided else None
    stratum, strata = _strata(config, data)
    before: list[Comparison] = []
    after: list[Comparison] = []
    for facet in config.facets:
        column = data.name(facet.column, "facet")
        likeness = _likeness(config, data, without=[column, label, decided or label]) if "FT" in config.after else "not asked for"
        for subject, member in _groups(column, data, facet):
            if config.before:
                table = tables.of(member=member, label=observed, stratum=stratum, strata=strata)
                before.append(_conditional(config, analysis.before_training(subject, table)))
            if predicted is not None:
                table = tables.of(member=member, label=observed, predicted=predicted, stratum=stratum, strata=strata)
                found = analysis.after_training(subject, table, likeness=likeness, member=member, predicted=predicted)
                after.append(_conditional(config, found))
    positive = columns.text(data[label], config.positive, continuous=continuous)
    return Result(label, positive, len(data), tuple(before), tuple(after))


def _groups(name: str, data: Dataset, facet: FacetConfig) -> Iterator[tuple[Subject, Flags]]:
    column = data[name]
    continuous = columns.is_continuous(column, facet.values)
    if not facet.values and continuous:
        raise ConfigError(f"facet {name}: a column of numbers needs a threshold as value_or_threshold")
    choices: list[tuple[Value, ...]] = [facet.values] if facet.values else [(value,) for value in columns.distinct(column)]
    for values in choices:
        text = columns.text(column, values, continuous=continuous)
        title = f"{name} {text}"
        subject = Subject(re.sub(r"\W+", "_", title.lower()).strip("_"), name, text, title)
        yield subject, columns.select(column, values, continuous=continuous)


def _strata(config: Config, data: Dataset) -> tuple[npt.NDArray[Any], int]:
    if config.group is None:
        return np.zeros(len(data), np.int64), 1
    found, codes = np.unique(data[data.name(config.group, "group_variable")].astype(str), return_inverse=True)
    return codes, len(found)


def _conditional(config: Config, comparison: Comparison) -> Comparison:
    """Disparity on the condition of nothing is no conditional disparity: Clarify gives it no value."""
    return comparison if config.group is not None else comparison.lacking(("CDDL", "CDDPL"), "no group_variable is given")


def _likeness(config: Config, data: Dataset, *, without: list[str]) -> Likeness | str:
    """All other columns as they are, unscaled, as Clarify takes them; or why they cannot be compared."""
    apart = [data.name(column, "excluded_columns") for column in config.excluded]
    if config.identifier is not None:
        apart.append(data.name(config.identifier, "joinsource_name_or_index"))
    features = {name: data[name] for name in data.names if name not in (*without, *apart)}
    if not features:
        return "there are no features to compare by"
    texts = [name for name, values in features.items() if values.dtype == object or not np.can_cast(values.dtype, float)]
    if texts:
        return f"the flip test takes numbers only, and these columns hold others or none: {', '.join(texts)}"
    values = np.column_stack(list(features.values())).astype(float)
    if np.isnan(values).any():
        return "the flip test needs every value, and some are missing"
    return Likeness(values, np.arange(values.shape[1]), np.ones(values.shape[1]))
