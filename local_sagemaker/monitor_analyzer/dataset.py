"""Reads a dataset in the formats that Model Monitor knows."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.json


class DatasetError(Exception):
    """A dataset or a request that cannot be analyzed; the message says why."""


def read(source: Path, data_format: Mapping[str, Any]) -> pa.Table:
    """All files below ``source`` as one table of numbers and text; fields of nested objects are columns ``a.b``.

    An empty value is missing; words like NA or null are values.

    Raises:
        DatasetError: there is nothing, or a file cannot be read.
    """
    (kind, options), *_ = data_format.items()
    readers = {"csv": _csv, "json": _json, "parquet": _parquet}
    if kind.lower() not in readers:
        raise DatasetError(f"a dataset in the format {kind} cannot be read here; {', '.join(readers)} can")
    files = sorted(file for file in source.rglob("*") if file.is_file()) if source.is_dir() else [source]
    own = {name.lower(): value for name, value in (options or {}).items()}
    tables = []
    for file in files:
        try:
            tables.append(_plain(readers[kind.lower()](file, own)))
        except (OSError, ValueError) as error:
            raise DatasetError(f"{file.name} is no {kind} that can be read: {error}") from error
    if not tables:
        raise DatasetError(f"there are no files at {source}")
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise DatasetError(f"the files of the dataset do not agree on a column: {error}") from error


def _csv(file: Path, options: Mapping[str, Any]) -> pa.Table:
    read_options = pa.csv.ReadOptions(autogenerate_column_names=not options.get("header", True))
    convert = pa.csv.ConvertOptions(null_values=[""], strings_can_be_null=True, timestamp_parsers=[])
    table = pa.csv.read_csv(file, read_options=read_options, convert_options=convert)
    # Without a header the image counts columns from _c0, where Arrow says f0.
    return table if options.get("header", True) else table.rename_columns([f"_c{number}" for number in range(table.num_columns)])


def _json(file: Path, options: Mapping[str, Any]) -> pa.Table:
    if options.get("lines", options.get("line", True)):
        return pa.json.read_json(file)
    content = json.loads(file.read_text(encoding="utf-8"))
    lines = [json.dumps(record) for record in (content if isinstance(content, list) else [content])]
    return pa.json.read_json(io.BytesIO("\n".join(lines).encode()))


def _parquet(file: Path, options: Mapping[str, Any]) -> pa.Table:
    import pyarrow.parquet

    return pyarrow.parquet.read_table(file)


def _plain(table: pa.Table) -> pa.Table:
    """Columns of 64-bit numbers, text, or nothing at all."""
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    columns = []
    for column in table.columns:
        if pa.types.is_integer(column.type):
            columns.append(column.cast(pa.int64()))
        elif pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
            columns.append(column.cast(pa.float64()))
        elif pa.types.is_null(column.type):
            columns.append(column)
        elif pa.types.is_nested(column.type):
            columns.append(pa.chunked_array([pa.array([None if v is None else json.dumps(v) for v in column.to_pylist()], pa.string())]))
        else:
            columns.append(column.cast(pa.string()))
    return pa.table(columns, names=table.column_names)
