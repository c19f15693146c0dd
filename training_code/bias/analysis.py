"""The comparison of one facet with all other claims, and the documents that hold several of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from training_code.bias import flip_test, post_training, pre_training, tables
from training_code.bias.flip_test import Flips, Likeness
from training_code.bias.metric import Measurement, Metric, missing_group
from training_code.bias.tables import Flags, Table

Json = dict[str, Any]

PRE_TRAINING: tuple[Metric, ...] = pre_training.METRICS
POST_TRAINING: tuple[Metric, ...] = tuple(sorted((*post_training.METRICS, flip_test.METRIC), key=lambda metric: metric.name))


@dataclass(frozen=True)
class Subject:
    """Whose treatment is compared.

    ``name`` is the key in flat documents, ``column`` and ``value`` are those of Clarify's layout, ``title`` is for people.
    """

    name: str
    column: str
    value: str
    title: str


@dataclass(frozen=True)
class Comparison:
    """One facet against all others: the counts and what they say; ``error`` is why nothing could be compared."""

    subject: Subject
    table: Table
    measurements: tuple[Measurement, ...]
    error: str | None
    flips: Flips | None = None

    def lacking(self, metrics: Sequence[str], reason: str) -> "Comparison":
        """The same without values of these metrics, for that reason."""
        kept = (Measurement(each.metric, None, reason=reason) if each.metric.name in metrics else each for each in self.measurements)
        return replace(self, measurements=tuple(kept))

    def __getitem__(self, metric: str) -> Measurement:
        return next(found for found in self.measurements if found.metric.name == metric)


def before_training(subject: Subject, table: Table, *, resamples: int = 0, seed: int = 7) -> Comparison:
    """Compare labels; with ``resamples``, values come with bootstrap intervals."""
    found = _measure(PRE_TRAINING, table, resamples, seed)
    return Comparison(subject, table, found, missing_group(table))


def after_training(
    subject: Subject, table: Table, *, likeness: Likeness | str, member: Flags, predicted: Flags, resamples: int = 0, seed: int = 7,
) -> Comparison:  # fmt: skip
    """Compare decisions; ``likeness`` is what the flip test goes by, or the reason why it cannot.

    The flip test has no interval: its neighbours change with every resample.
    """
    error = missing_group(table)
    flips = None if error or isinstance(likeness, str) else flip_test.count(likeness, member, predicted, seed=seed)
    flip = flips.measurement if flips else Measurement(flip_test.METRIC, None, reason=error or str(likeness))
    found = _measure(post_training.METRICS, table, resamples, seed)
    ordered = tuple(sorted((*found, flip), key=lambda measurement: measurement.metric.name))
    return Comparison(subject, table, ordered, error, flips)


def _measure(metrics: Sequence[Metric], table: Table, resamples: int, seed: int) -> tuple[Measurement, ...]:
    found = tuple(metric.measure(table) for metric in metrics)
    if not resamples:
        return found
    drawn = tables.resample(table, resamples=resamples, seed=seed)
    return tuple(each if each.value is None else _with_interval(each, table, drawn) for each in found)


def _with_interval(found: Measurement, table: Table, drawn: Table) -> Measurement:
    interval = found.metric.interval(table, drawn)
    return replace(found, interval=interval, is_without_interval=interval is None)


def clarify(comparisons: Sequence[Comparison], *, label: str, positive: str, metrics: Sequence[str] | None = None) -> Json:
    """One section of Clarify's ``analysis.json``; a metric or a facet without a value carries an ``error``."""
    facets: dict[str, list[Json]] = {}
    for comparison in comparisons:
        entry: Json = {"value_or_threshold": comparison.subject.value}
        if comparison.error:
            entry["error"] = comparison.error
        entry["metrics"] = [
            _entry(found)
            for found in sorted(comparison.measurements, key=lambda found: found.metric.name)
            if metrics is None or found.metric.name in metrics
        ]
        facets.setdefault(comparison.subject.column, []).append(entry)
    return {"label": label, "label_value_or_threshold": positive, "facets": facets}


def _entry(found: Measurement) -> Json:
    entry: Json = {"name": found.metric.name, "description": found.metric.description, "value": found.value}
    return entry | {"error": found.reason} if found.reason else entry


def flat(comparisons: Sequence[Comparison]) -> dict[str, dict[str, float | None]]:
    """``{facet: {metric: value or null}}``, as a condition reads it."""
    return {comparison.subject.name: {found.metric.name: found.value for found in comparison.measurements} for comparison in comparisons}
