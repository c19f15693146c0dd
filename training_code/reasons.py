"""Why a claim scores as it does, in terms of the raw columns.

A model's contributions are of encoded features. Those of a one-hot column's
levels belong together: what counts is that the column has this value and not
another, so they are summed. Sums of contributions are exact, so the columns
add up to the margin with the base, as the features do.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training_code.claims import schema

Value = str | int | float | None
"""A level, or a number; None where the encoded features are of no value (a claim whose levels are all 0)."""


@dataclass(frozen=True)
class Reason:
    """That ``column`` has ``value`` adds ``contribution`` to the margin, in log-odds."""

    column: str
    value: Value
    contribution: float

    def __str__(self) -> str:
        return f"{self.column} = {'?' if self.value is None else self.value}: {self.contribution:+.2f}"


def _places() -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, feature in enumerate(schema.FEATURES):
        found.setdefault(feature.column.name, []).append(place)
    return found


_PLACES = _places()
_COLUMNS = {column.name: column for column in schema.COLUMNS}
_STARTS = [places[0] for places in _PLACES.values()]

COLUMNS: tuple[str, ...] = tuple(_PLACES)
"""The raw columns that have features, in the order of the schema."""


def by_column(contributions: npt.NDArray[np.float64] | npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """``(n, len(FEATURE_NAMES) + 1)`` → ``(n, len(COLUMNS) + 1)``; the base stays last."""
    # The features of a column stand beside each other.
    starts = [*_STARTS, len(schema.FEATURES)]
    found: npt.NDArray[np.float64] = np.add.reduceat(contributions, starts, axis=1, dtype=np.float64)
    return found


def values(column: str, encoded: npt.NDArray[np.float32]) -> list[Value]:
    """The raw values of ``column`` in encoded claims, ``(n, len(FEATURE_NAMES))``."""
    own = encoded[:, _PLACES[column]]
    described = _COLUMNS[column]
    if described.encoding is schema.Encoding.ONE_HOT:
        known = ((own == 0) | (own == 1)).all(axis=1) & (own.sum(axis=1) == 1)
        return [described.levels[place] if fits else None for place, fits in zip(own.argmax(axis=1), known, strict=True)]
    numbers = own[:, 0]
    if described.encoding is schema.Encoding.ORDINAL:
        codes = np.arange(len(described.levels))
        return [described.levels[int(number)] if fits else None for number, fits in zip(numbers, np.isin(numbers, codes), strict=True)]
    return [_number(number) if fits else None for number, fits in zip(numbers, np.isfinite(numbers), strict=True)]


def top(
    encoded: npt.NDArray[np.float32],
    contributions: npt.NDArray[np.float64] | npt.NDArray[np.float32],
    *,
    most: int = 3,
) -> list[list[Reason]]:
    """For each claim the columns that push its score up, at most ``most`` of them, the strongest first.

    ``encoded`` is ``(n, len(FEATURE_NAMES))``, ``contributions`` has the base as
    a column more. A claim of which every column pushes down has no reasons.
    """
    columns = by_column(contributions)[:, :-1]
    strongest = np.argsort(-columns, axis=1, kind="stable")[:, :most]
    pushes = np.take_along_axis(columns, strongest, axis=1)
    found: list[list[Reason | None]] = [[None] * strongest.shape[1] for _ in range(len(encoded))]
    for place in np.unique(strongest[pushes > 0]):
        rows, ranks = np.nonzero((strongest == place) & (pushes > 0))
        own = zip(rows.tolist(), ranks.tolist(), values(COLUMNS[place], encoded[rows]), pushes[rows, ranks].tolist(), strict=True)
        for row, rank, value, push in own:
            found[row][rank] = Reason(COLUMNS[place], value, push)
    return [[reason for reason in reasons if reason is not None] for reasons in found]


def _number(number: np.float32) -> int | float:
    # The shortest decimal of this float32: 51051.63 and not 51051.62890625.
    return int(number) if number == int(number) else float(str(number))
