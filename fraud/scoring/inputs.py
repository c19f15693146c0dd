"""Finds the files of a table and cuts them into chunks that workers read on their own."""

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from fraud.errors import InputError
from training_code.claims import schema
from training_code.serve import csv_records
from training_code.serve.layout import CLAIM, CUSTOMER, Layout

CHUNK_BYTES = 4 * 2**20
_CHUNK_ROWS = 32_768
_PEEK_BYTES = 64 * 1024
_PARQUET, _GZIP = b"PAR1", b"\x1f\x8b"
_UNREADABLE = (OSError, EOFError, zlib.error, pa.ArrowException)


class Kind(StrEnum):
    CSV = "CSV"
    JSON_LINES = "JSON Lines"
    PARQUET = "Parquet"


@dataclass(frozen=True)
class Source:
    """A file; ``names`` are its columns (of JSON Lines those of the first record), ``start`` is where its records begin."""

    file: Path
    kind: Kind
    names: tuple[str, ...]
    is_gzip: bool = False
    start: int = 0


@dataclass(frozen=True)
class Chunk:
    """Whole records: a range of a plain file's bytes, or their content (of Parquet, as an Arrow stream)."""

    source: Source
    start: int = 0
    end: int = 0
    content: bytes | None = None

    def read(self) -> bytes:
        if self.content is not None:
            return self.content
        with self.source.file.open("rb") as stream:
            stream.seek(self.start)
            return stream.read(self.end - self.start)


def find(path: Path, table: schema.Table) -> list[Source]:
    """The files at ``path``, one or a folder's in the order of their names.

    Raises:
        InputError: there is none, or one that cannot be read or lacks a column.
    """
    option = f"--{table}"
    if not path.exists():
        raise InputError(f"{option}: there is no file or folder {path}")
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    sources = [_look_into(file, option) for file in files if not file.name.startswith((".", "_")) or file == path]
    if not sources:
        raise InputError(f"{option}: there are no files in {path}; expected CSV, JSON Lines or Parquet")
    for source in sources:
        _check(source, CLAIM if table is schema.Table.CLAIMS else CUSTOMER, option)
    return sources


def size(sources: Sequence[Source]) -> int:
    """Bytes on disk."""
    return sum(source.file.stat().st_size for source in sources)


def chunks(sources: Sequence[Source], keep: Sequence[str]) -> Iterator[Chunk]:
    """All records in order; of Parquet only the schema's columns and those of ``keep``.

    Raises:
        InputError: a file is damaged further on than its beginning.
    """
    for source in sources:
        try:
            if source.kind is Kind.PARQUET:
                yield from _of_parquet(source, keep)
            elif source.is_gzip:
                yield from _of_gzip(source)
            else:
                yield from _of_file(source)
        except _UNREADABLE as error:
            raise InputError(f"{source.file} cannot be read to its end: {_first(error)}") from error


def _look_into(file: Path, option: str) -> Source:
    try:
        with file.open("rb") as stream:
            magic = stream.read(4)
        if not magic:
            raise InputError(f"{option}: {file.name} is empty; expected records")
        if magic == _PARQUET:
            return Source(file, Kind.PARQUET, tuple(pq.ParquetFile(file).schema_arrow.names))
        is_gzip = magic[:2] == _GZIP
        with gzip.open(file) if is_gzip else file.open("rb") as stream:
            return _text(file, stream, option, is_gzip=is_gzip)
    except _UNREADABLE as error:
        raise InputError(f"{option}: {file.name} cannot be read: {_first(error)}") from error


def _text(file: Path, stream: IO[bytes] | gzip.GzipFile, option: str, *, is_gzip: bool) -> Source:
    line = b""
    start = 0
    while not line.strip():
        start = stream.tell()
        line = stream.readline()
        if not line:
            raise InputError(f"{option}: {file.name} is blank; expected records")
    text = line.removeprefix(csv_records.BOM)
    if text.lstrip().startswith(b"["):
        raise InputError(f"{option}: {file.name} is a JSON list; write each record on a line of its own (JSON Lines)")
    if text.lstrip().startswith(b"{"):
        return Source(file, Kind.JSON_LINES, _keys(text), is_gzip, start)
    return Source(file, Kind.CSV, csv_records.first_line(text), is_gzip, start + len(line))


def _keys(line: bytes) -> tuple[str, ...]:
    try:
        found = json.loads(line)
    except ValueError:
        return ()
    return tuple(found) if isinstance(found, dict) else ()


def _check(source: Source, layout: Layout, option: str) -> None:
    if source.kind is Kind.JSON_LINES:
        # What one record lacks another may have.
        return
    name, names = source.file.name, source.names
    if missing := [wanted for wanted in layout.names if wanted not in names]:
        has = ", ".join(names[:40]) or "none that can be read"
        raise InputError(f"{option}: {name} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}; it has {has}")
    known = {*layout.names, schema.CLAIM_ID}
    if repeated := sorted({column for column in names if column in known and names.count(column) > 1}):
        raise InputError(f"{option}: {name} has the column {', '.join(repeated)} twice")


def _of_parquet(source: Source, keep: Sequence[str]) -> Iterator[Chunk]:
    wanted = [name for name in source.names if name in {*CLAIM.names, *CUSTOMER.names, *keep}]
    with pq.ParquetFile(source.file) as file:
        for batch in file.iter_batches(_CHUNK_ROWS, columns=wanted, use_threads=False):
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            yield Chunk(source, content=sink.getvalue().to_pybytes())


def _of_gzip(source: Source) -> Iterator[Chunk]:
    with gzip.open(source.file) as stream:
        stream.seek(source.start)
        rest = b""
        while block := stream.read(CHUNK_BYTES):
            whole, newline, rest = (rest + block).rpartition(b"\n")
            if newline:
                yield Chunk(source, content=whole)
        if rest:
            yield Chunk(source, content=rest)


def _of_file(source: Source) -> Iterator[Chunk]:
    end = source.file.stat().st_size
    start = source.start
    with source.file.open("rb") as stream:
        while start < end:
            stop = _line_end(stream, min(start + CHUNK_BYTES, end), end)
            yield Chunk(source, start, stop)
            start = stop


def _line_end(stream: IO[bytes], place: int, end: int) -> int:
    """Where the line that ``place`` falls into ends: a record is a line."""
    stream.seek(place)
    while place < end:
        block = stream.read(_PEEK_BYTES)
        found = block.find(b"\n")
        if found >= 0:
            return place + found + 1
        place += len(block)
    return end


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
