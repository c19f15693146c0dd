"""Raw records as columns, whatever they were written as."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from training_code.serve import numbers
from training_code.serve.layout import Layout

Object = Mapping[str, Any]
"""A record by the names of its columns; values are what JSON has."""
Shown = Callable[[str, int], str | None]
"""What a record says in a column, as text; None where it says nothing."""


@dataclass(frozen=True)
class Raw:
    """``n`` records as a reader found them, not judged yet.

    ``numbers`` is ``(len(layout.numeric), n)``, NaN where there is no number;
    ``codes`` is ``(len(layout.categorical), n)``, the place of the level in the
    schema's list, -1 where it is none of them. ``malformed`` says of a record
    why it could not be read at all. ``kept`` are columns passed on as text.
    """

    layout: Layout
    numbers: npt.NDArray[np.float64]
    codes: npt.NDArray[np.int8]
    shown: Shown
    malformed: Mapping[int, str] = field(default_factory=dict)
    kept: Mapping[str, pa.Array] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return int(self.numbers.shape[1])


def from_objects(objects: Sequence[Object], layout: Layout, malformed: Mapping[int, str], keep: Sequence[str] = ()) -> Raw:
    """Records by name; the quicker way for a few of them. Of a malformed one the object is not looked at."""
    size = len(objects)
    found = np.array([[_number(record.get(column.name)) for record in objects] for column in layout.numeric], float)
    codes = np.array(
        [
            [known.get(value, -1) if type(value := record.get(column.name)) is str else -1 for record in objects]
            for column, known in zip(layout.categorical, layout.codes, strict=True)
        ],
        np.int8,
    )

    def shown(name: str, place: int) -> str | None:
        return _text(objects[place].get(name))

    kept = {name: pa.array([_encodable(_text(record.get(name))) for record in objects], pa.string()) for name in keep}
    return Raw(
        layout, found.reshape(len(layout.numeric), size), codes.reshape(len(layout.categorical), size), shown, malformed,
        {name: texts for name, texts in kept.items() if texts.null_count < size},
    )  # fmt: skip


def from_table(
    table: pa.Table, layout: Layout, *, size: int | None = None, malformed: Mapping[int, str] | None = None, keep: Sequence[str] = ()
) -> Raw:
    """Columns of any Arrow types as records; a column that is not there is missing in every record.

    With ``malformed`` there are ``size`` records, and the table holds the others, in order.
    """
    bad = dict(malformed or {})
    total = len(table) if size is None else size
    rows = np.delete(np.arange(total), list(bad)) if bad else None
    columns = {name: _one_array(table[name]) for name in table.column_names if name in (*layout.names, *keep)}
    found = np.full((len(layout.numeric), len(table)), np.nan)
    for row, column in enumerate(layout.numeric):
        if column.name in columns:
            found[row] = numbers.from_array(columns[column.name])
    codes = np.full((len(layout.categorical), len(table)), -1, np.int8)
    for row, column in enumerate(layout.categorical):
        if column.name in columns:
            codes[row] = _codes(columns[column.name], layout.codes[row])
    kept = {name: columns[name].cast(pa.string()) for name in keep if name in columns}
    if rows is not None:
        found, codes = _spread(found, rows, total, np.nan), _spread(codes, rows, total, -1)
        kept = {name: _spread_texts(texts, rows, total) for name, texts in kept.items()}

    def shown(name: str, record: int) -> str | None:
        if name not in columns:
            return None
        place = record if rows is None else int(np.searchsorted(rows, record))
        value = columns[name][place].as_py()
        return None if value is None else str(value)

    return Raw(layout, found, codes, shown, bad, kept)


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _codes(values: pa.Array, codes: Mapping[str, int]) -> npt.NDArray[np.int8]:
    """The level of each value; only the distinct values are looked up."""
    if not pa.types.is_dictionary(values.type):
        # What preprocessing's database would print; types without a spelling of their own have no level.
        try:
            values = values.cast(pa.string()).dictionary_encode()
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
            return np.full(len(values), -1, np.int8)
    known = np.array([codes.get(str(value), -1) for value in values.dictionary.to_pylist()] + [-1], np.int8)
    places = values.indices.fill_null(len(known) - 1) if values.null_count else values.indices
    found: npt.NDArray[np.int8] = known[places.to_numpy()]
    return found


def _spread(values: npt.NDArray[Any], rows: npt.NDArray[np.intp], size: int, empty: float) -> npt.NDArray[Any]:
    spread: npt.NDArray[Any] = np.full((len(values), size), empty, values.dtype)
    spread[:, rows] = values
    return spread


def _spread_texts(texts: pa.Array, rows: npt.NDArray[np.intp], size: int) -> pa.Array:
    places: npt.NDArray[np.int64] = np.full(size, -1, np.int64)
    places[rows] = np.arange(len(rows))
    return texts.take(pa.array(places, mask=places < 0))


def _number(value: Any) -> float:
    """A number, or text that is one; a truth value is none."""
    kind = type(value)
    if kind is float:
        return value  # type: ignore[no-any-return]
    if kind is int:
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    return numbers.parse(value) if kind is str else float("nan")


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _encodable(text: str | None) -> str | None:
    """JSON may hold halves of signs, which no encoding knows."""
    return None if text is None else text.encode(errors="backslashreplace").decode()
