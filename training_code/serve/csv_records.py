"""Records out of CSV, many at a time; bad lines are named and cost only themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv as pacsv

from training_code.serve import csv_lines, records
from training_code.serve.csv_lines import Lines
from training_code.serve.layout import Layout
from training_code.serve.records import Object, Raw

BOM = b"\xef\xbb\xbf"
_FEWER = "malformed line: fewer values than columns"
_MORE = "malformed line: more values than columns"
_LEVELS = pa.dictionary(pa.int32(), pa.string())
_FEW = 8
"""So many lines are read sooner one by one."""


@dataclass(frozen=True)
class Parsed:
    """The readable lines as a table; ``size`` lines in all, of which ``malformed`` could not be read."""

    table: pa.Table
    size: int
    malformed: Mapping[int, str]


def first_line(body: bytes) -> tuple[str, ...]:
    """The values of the first line, without spaces around; none if the line is not CSV."""
    line = body.lstrip(b"\r\n").split(b"\n", 1)[0].decode("utf-8", "replace").rstrip("\r")
    try:
        return tuple(value.strip() for value in csv_lines.values(line)) if line else ()
    except ValueError:
        return ()


def read(body: bytes, header: Sequence[str], layout: Layout, *, keep: Sequence[str] = ()) -> Raw:
    """Lines without a header as records; ``header`` names their columns.

    Columns that the layout does not know are skipped, whatever their names.
    """
    lines = csv_lines.screen(body)
    if lines.size <= _FEW:
        return _one_by_one(lines, header, layout, keep)
    wanted = {column.name: pa.float64() for column in layout.numeric} | {column.name: _LEVELS for column in layout.categorical}
    wanted |= dict.fromkeys(keep, pa.string())
    try:
        parsed = _together(lines, header, wanted)
    except pa.ArrowInvalid:
        # Some number is none: they are read as text, and looked at one column at a time.
        parsed = _together(lines, header, {name: _LEVELS if kind == _LEVELS else pa.string() for name, kind in wanted.items()})
    return records.from_table(parsed.table, layout, size=parsed.size, malformed=parsed.malformed, keep=keep)


def _one_by_one(lines: Lines, header: Sequence[str], layout: Layout, keep: Sequence[str]) -> Raw:
    malformed = _reasons(lines)
    readable = iter(lines.text.decode().split("\n"))
    objects: list[Object] = []
    for line in range(lines.size):
        if line in malformed:
            objects.append({})
            continue
        values = csv_lines.values(next(readable).removesuffix("\r"))
        while len(values) > len(header) and not values[-1]:
            # The database forgives empty values at the end of a line, as spreadsheets leave them.
            values.pop()
        if len(values) != len(header):
            malformed[line] = _FEWER if len(values) < len(header) else _MORE
        objects.append({} if line in malformed else dict(zip(header, values, strict=True)))
    return records.from_objects(objects, layout, malformed, keep)


def _together(lines: Lines, header: Sequence[str], types: Mapping[str, pa.DataType]) -> Parsed:
    """The columns named in ``types``, where the header has them.

    Raises:
        pa.ArrowInvalid: a value is not of its column's type.
    """
    malformed = _reasons(lines)
    present = [name for name in header if name in types]
    if len(malformed) == lines.size:
        table = pa.table({name: pa.array([], types[name]) for name in present})
        return Parsed(table, lines.size, malformed)
    table, wrong = _table(lines.text, header, present, types)
    if too_long := [row for row in wrong if _ends_in_nothing(row)]:
        texts = lines.text.split(b"\n")
        for row in too_long:
            line = texts[row.number - 1].removesuffix(b"\r")
            for _ in range(row.actual_columns - row.expected_columns):
                line = line.removesuffix(b'""')[:-1]
            texts[row.number - 1] = line
        table, wrong = _table(b"\n".join(texts), header, present, types)
    if wrong:
        readable = [line for line in range(lines.size) if line not in malformed] if malformed else range(lines.size)
        for row in wrong:
            malformed[readable[row.number - 1]] = _FEWER if row.actual_columns < row.expected_columns else _MORE
    return Parsed(table, lines.size, malformed)


def _reasons(lines: Lines) -> dict[int, str]:
    return {line: f"malformed line: {reason}" for line, reason in lines.malformed.items()}


def _table(
    text: bytes, header: Sequence[str], present: Sequence[str], types: Mapping[str, pa.DataType]
) -> tuple[pa.Table, list[pacsv.InvalidRow]]:
    """The lines with the right number of values, and the others."""
    wrong: list[pacsv.InvalidRow] = []

    def skip(row: pacsv.InvalidRow) -> str:
        wrong.append(row)
        return "skip"

    table = pacsv.read_csv(
        pa.py_buffer(text),
        # One block, one thread: the caller decides what runs side by side.
        pacsv.ReadOptions(
            use_threads=False,
            block_size=max(len(text) + 1, 1024),
            # Columns that nobody asked for may have any name, also one twice.
            column_names=[name if name in present else f"skipped {place}" for place, name in enumerate(header)],
        ),
        pacsv.ParseOptions(quote_char='"' if b'"' in text else False, invalid_row_handler=skip),
        pacsv.ConvertOptions(
            column_types={name: types[name] for name in present}, include_columns=list(present), null_values=[""],
            strings_can_be_null=False, true_values=[], false_values=[],
        ),
    )  # fmt: skip
    return table, wrong


def _ends_in_nothing(row: pacsv.InvalidRow) -> bool:
    """Whether what a line has too much is empty."""
    return bool(row.actual_columns > row.expected_columns) and not any(csv_lines.values(row.text)[row.expected_columns :])
