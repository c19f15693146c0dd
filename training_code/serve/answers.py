"""Writes scores and decisions as CSV or JSON; a bad record has its problem in their place."""

import io
import json
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from training_code.claims import schema
from training_code.reasons import Reason
from training_code.serve.encoding import Judged

SCHEMA = pa.schema([(schema.KEY, pa.int64()), ("score", pa.float32()), ("referred", pa.bool_()), ("problem", pa.string())])
Reasons = Mapping[int, Sequence[Reason]]
"""Of each record without a problem, what its score rests on most."""


def table(records: Judged, score: npt.NDArray[np.float32], referred: npt.NDArray[np.bool_]) -> pa.Table:
    """The answers as columns: int64, float32, bool and text, each null where there is none.

    ``score`` and ``referred`` are ``(n,)``, of no meaning for records with a problem.
    """
    is_bad = np.zeros(len(records), np.bool_)
    is_bad[list(records.problems)] = True
    texts = [records.problems.get(place) for place in range(len(records))] if records.problems else pa.nulls(len(records), pa.string())
    values = [
        pa.array(records.keys, mask=~records.has_key),
        pa.array(score, pa.float32(), mask=is_bad),
        pa.array(referred, mask=is_bad),
        pa.array(texts, pa.string()),
    ]
    return pa.Table.from_arrays(values, schema=SCHEMA)


def as_csv(answers: pa.Table, *, header: bool = False) -> bytes:
    """A line a record, in the order of the columns; truth as 1 and 0, nothing as nothing."""
    for place, name in enumerate(answers.column_names):
        if pa.types.is_boolean(answers.schema.field(place).type):
            answers = answers.set_column(place, name, answers[name].cast(pa.uint8()))
    buffer = io.BytesIO()
    if header:
        buffer.write((",".join(answers.column_names) + "\n").encode())
    pacsv.write_csv(answers, buffer, pacsv.WriteOptions(include_header=False))
    return buffer.getvalue()


def as_json(answers: pa.Table, *, threshold: float | None = None, reasons: Reasons | None = None) -> list[str]:
    """An object a record, each on a line of its own."""
    # Numbers as the shortest text that gives the same single-precision number again.
    columns = [_json_texts(answers[name]) for name in answers.column_names]
    end = "" if threshold is None else f', "threshold": {json.dumps(threshold)}'
    lines = []
    for place, values in enumerate(zip(*columns, strict=True)):
        said = ", ".join(f'"{name}": {value}' for name, value in zip(answers.column_names, values, strict=True))
        why = "" if reasons is None or place not in reasons else f', "reasons": {_reasons(reasons[place])}'
        lines.append(f"{{{said}{end}{why}}}")
    return lines


def _reasons(found: Sequence[Reason]) -> str:
    said = [{"column": reason.column, "value": reason.value, "contribution": round(reason.contribution, 6)} for reason in found]
    return json.dumps(said, ensure_ascii=False)


def _json_texts(column: pa.ChunkedArray) -> list[str]:
    if pa.types.is_string(column.type):
        return [json.dumps(value, ensure_ascii=False) for value in column.to_pylist()]
    return ["null" if value is None else value for value in column.cast(pa.string()).to_pylist()]
