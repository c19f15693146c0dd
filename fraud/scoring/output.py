"""Writes answers to one file that appears under its name when it is whole."""

import os
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from fraud.errors import InputError
from training_code.serve import answers
from training_code.serve.answers import Reasons

REASONS = "reasons"
"""The column of text that says why, where the format has columns."""


class Format(StrEnum):
    CSV = "csv"
    JSON_LINES = "jsonl"
    PARQUET = "parquet"


_SUFFIXES = {".csv": Format.CSV, ".jsonl": Format.JSON_LINES, ".ndjson": Format.JSON_LINES, ".parquet": Format.PARQUET}


def format_of(out: Path, given: str | None) -> Format:
    """The format asked for, or the one that the name says.

    Raises:
        InputError: neither says one that there is.
    """
    if given is not None and given not in list(Format):
        raise InputError(f"--format {given} is not one of {', '.join(Format)}")
    found = Format(given) if given else _SUFFIXES.get(out.suffix.lower())
    if found is None:
        raise InputError(f"--out {out}: the name says no format; end it in {', '.join(_SUFFIXES)} or give --format")
    return found


def encode(found: pa.Table, why: Reasons | None, kind: Format) -> bytes:
    """Answers as a part of the output; of Parquet as an Arrow stream. Reasons are text where it has only columns."""
    if kind is Format.JSON_LINES:
        return "".join(f"{line}\n" for line in answers.as_json(found, reasons=why)).encode()
    if why is not None:
        texts = ["; ".join(map(str, why[place])) if place in why else None for place in range(len(found))]
        found = found.append_column(REASONS, pa.array(texts, pa.string()))
    match kind:
        case Format.CSV:
            return answers.as_csv(found)
        case Format.PARQUET:
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, found.schema) as writer:
                writer.write_table(found)
            return bytes(sink.getvalue())


class Output:
    """Appends encoded answers to a file beside ``path``, which ``close`` renames."""

    def __init__(self, path: Path, kind: Format, columns: pa.Schema) -> None:
        """Raises InputError: nothing can be written there."""
        self._path, self._kind = path, kind
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        self._stack = ExitStack()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._stack.enter_context(self._partial.open("wb"))
        except OSError as error:
            raise InputError(f"--out: cannot write to {path}: {error.strerror}") from error
        self._parquet = self._stack.enter_context(pq.ParquetWriter(self._file, columns)) if kind is Format.PARQUET else None
        if kind is Format.CSV:
            self._file.write((",".join(columns.names) + "\n").encode())

    def add(self, content: bytes) -> None:
        if self._parquet is None:
            self._file.write(content)
            return
        with pa.ipc.open_stream(content) as reader:
            self._parquet.write_table(reader.read_all())

    def close(self) -> None:
        self._stack.close()
        self._partial.replace(self._path)

    def __enter__(self) -> "Output":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()
        self._partial.unlink(missing_ok=True)
