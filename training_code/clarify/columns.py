"""Which records a list of values, or a threshold, selects: Clarify guesses whether a column is a category or a number."""

from collections.abc import Sequence

import numpy as np

from training_code.bias.tables import Flags
from training_code.clarify.config import Value
from training_code.clarify.dataset import Values
from training_code.clarify.errors import ConfigError

_DISTINCT = 0.05
"""Whole numbers with more distinct values than this share of the records count as numbers, others as categories."""


def is_continuous(column: Values, values: Sequence[Value]) -> bool:
    """Clarify's rule: several values mean categories; fractions are numbers; whole numbers are if they vary enough."""
    if len(values) > 1 or column.dtype == bool:
        return False
    if np.issubdtype(column.dtype, np.floating):
        return True
    whole = np.issubdtype(column.dtype, np.integer) or _are_whole(column)
    return whole and len(np.unique(column)) >= _DISTINCT * len(column)


def select(column: Values, values: Sequence[Value], *, continuous: bool) -> Flags:
    """The records with one of the values, or above the one threshold; raises ConfigError: that is no number."""
    if continuous:
        above: Flags = column.astype(float) > threshold(values)
        return above
    if np.issubdtype(column.dtype, np.number):
        numbers = [number for number in map(_number, values) if number is not None]
        return np.isin(column, numbers)
    # 1 in the configuration is "1" in a column of texts, as in Clarify.
    return np.isin(column.astype(str), [str(value) for value in values])


def text(column: Values, values: Sequence[Value], *, continuous: bool) -> str:
    """What Clarify writes as value or threshold: ``Female``, or ``(59.5, 70.0]``."""
    if not continuous:
        return ",".join(map(str, values))
    end = np.nanmax(column.astype(float))
    are_whole = isinstance(values[0], int) and np.issubdtype(column.dtype, np.integer)
    return f"({values[0]}, {int(end)}]" if are_whole else f"({threshold(values)}, {end}]"


def distinct(column: Values) -> list[Value]:
    """The values of a category."""
    present = column[~np.isnan(column)] if np.issubdtype(column.dtype, np.floating) else [value for value in column if value is not None]
    found: list[Value] = np.unique(present).tolist()
    return found


def threshold(values: Sequence[Value]) -> float:
    """The one number; raises ConfigError: it is none."""
    number = _number(values[0])
    if number is None:
        raise ConfigError(f"value_or_threshold {values[0]!r}: the column holds numbers, so that this must be one, too")
    return number


def _number(value: Value) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _are_whole(column: Values) -> bool:
    try:
        column.astype(np.int64)
    except (ValueError, TypeError):
        return False
    return True
