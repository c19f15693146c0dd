"""Finds a table's input files and says how DuckDB reads each of them.

A channel folder may hold CSV (plain or gzip, with or without a byte-order
mark, with LF or CRLF) and Parquet, one file or many, with columns in any
order. Numbers are parsed while the text is scanned, which is twice as fast as
casting strings afterwards; a line that cannot be parsed goes to a table of
malformed lines, so that it ends in quarantine and not in a reader's error.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from training_code.claims import schema
from training_code.preprocess.errors import PreprocessingError

_PARQUET_MAGIC = b"PAR1"
_GZIP_MAGIC = b"\x1f\x8b"
FILE_COLUMN = "source_file__"
"""The column of a scan that holds the path of each row's file."""

_KNOWN = {column.name for column in schema.COLUMNS} | {schema.CLAIM_ID}
_NUMERIC = frozenset(column.name for column in schema.COLUMNS if not column.is_categorical)
_OPTIONAL = {schema.Table.CLAIMS: (schema.CLAIM_ID,), schema.Table.CUSTOMERS: ()}


@dataclass(frozen=True)
class Source:
    """Files of one table that share one header, and so one scan."""

    files: tuple[Path, ...]
    header: tuple[str, ...]
    is_parquet: bool
    is_gzip: bool = False
    newline: str = "\\n"

    def scan(self, rejects: str) -> str:
        """The SQL table function that reads these files; malformed lines go to table ``rejects``."""
        files = "[" + ", ".join(_quoted(str(file)) for file in self.files) + "]"
        if self.is_parquet:
            return f"read_parquet({files}, filename='{FILE_COLUMN}')"
        # Columns that nobody asked for may have any name, also one twice.
        names = [name if name in _KNOWN else f"extra_{place}" for place, name in enumerate(self.header)]
        columns = ", ".join(f"{_quoted(name)}: '{_read_as(name)}'" for name in names)
        return (
            f"read_csv({files}, auto_detect=false, header=true, filename='{FILE_COLUMN}',\n"
            f"    delim=',', quote='\"', escape='\"', new_line='{self.newline}',\n"
            f"    compression='{'gzip' if self.is_gzip else 'none'}',\n"
            f"    store_rejects=true, rejects_table='{rejects}', rejects_scan='{rejects}_scan',\n"
            f"    columns={{{columns}}})"
        )


def find(folder: Path, table: schema.Table) -> tuple[Source, ...]:
    """The sources of one table below ``folder``, in the order of their file names.

    Raises:
        PreprocessingError: no file, an empty one, or one that lacks a column.
    """
    if not folder.exists():
        raise PreprocessingError(f"{table}: there is no folder {folder}")
    files = [folder] if folder.is_file() else sorted(f for f in folder.rglob("*") if f.is_file())
    files = [file for file in files if not file.name.startswith((".", "_"))]
    groups: dict[tuple[tuple[str, ...], bool, bool, str], list[Path]] = {}
    for file in files:
        groups.setdefault(_look_into(file, table), []).append(file)
    return tuple(
        Source(files=tuple(members), header=header, is_parquet=parquet, is_gzip=gz, newline=newline)
        for (header, parquet, gz, newline), members in groups.items()
    )


def _look_into(file: Path, table: schema.Table) -> tuple[tuple[str, ...], bool, bool, str]:
    with file.open("rb") as stream:
        magic = stream.read(4)
    if not magic:
        raise PreprocessingError(f"{table}: {file.name} is empty; expected a header and rows")
    if magic == _PARQUET_MAGIC:
        header = _parquet_header(file, table)
        kind = (header, True, False, "\\n")
    else:
        is_gzip = magic[:2] == _GZIP_MAGIC
        first, newline = _first_line(file, table, is_gzip=is_gzip)
        header = _names(first, file, table)
        kind = (header, False, is_gzip, newline)
    _check_header(file, table, header)
    return kind


def _first_line(file: Path, table: schema.Table, *, is_gzip: bool) -> tuple[str, str]:
    try:
        with gzip.open(file) if is_gzip else file.open("rb") as stream:
            line = stream.readline()
    except (OSError, EOFError, zlib.error) as error:
        raise PreprocessingError(f"{table}: {file.name} is not a readable gzip file: {error}") from error
    try:
        return line.decode("utf-8-sig").rstrip("\r\n"), "\\r\\n" if line.endswith(b"\r\n") else "\\n"
    except UnicodeDecodeError as error:
        raise PreprocessingError(f"{table}: {file.name} is not UTF-8 text: {error}") from error


def _names(line: str, file: Path, table: schema.Table) -> tuple[str, ...]:
    try:
        return tuple(name.strip() for name in next(csv.reader(io.StringIO(line)), []))
    except csv.Error as error:
        raise PreprocessingError(f"{table}: the header of {file.name} is not CSV: {error}") from error


def _parquet_header(file: Path, table: schema.Table) -> tuple[str, ...]:
    # Not needed, and not loaded, for CSV.
    import duckdb

    try:
        rows = duckdb.execute(f"DESCRIBE SELECT * FROM read_parquet({_quoted(str(file))})").fetchall()
    except duckdb.Error as error:
        raise PreprocessingError(f"{table}: {file.name} is not a readable Parquet file: {first_line(error)}") from error
    return tuple(str(row[0]) for row in rows)


def _check_header(file: Path, table: schema.Table, header: Iterable[str]) -> None:
    names = list(header)
    wanted = [column.name for column in schema.columns(table)]
    if missing := [name for name in wanted if name not in names]:
        raise PreprocessingError(
            f"{table}: {file.name} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}; "
            f"it has {', '.join(names) or 'none'}"
        )
    known = {*wanted, *_OPTIONAL[table]}
    if repeated := sorted({name for name in names if names.count(name) > 1 and name in known}):
        raise PreprocessingError(f"{table}: {file.name} has the column {', '.join(repeated)} twice")


def first_line(error: Exception) -> str:
    """DuckDB explains at length; the first line names the cause."""
    text = str(error).strip().splitlines()
    if any("state machine" in line for line in text):
        return "lines end in different ways within the file; save it with one kind of line end"
    return text[0] if text else type(error).__name__


def _read_as(name: str) -> str:
    return "DOUBLE" if name in _NUMERIC else "VARCHAR"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
