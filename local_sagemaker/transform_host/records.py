"""Records of an object, in the batches that make one request each. Nothing reads a whole object."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import IO, NamedTuple

_BLOCK = 1 << 20


class Batch(NamedTuple):
    """Records without the newlines at their ends; ``lines`` are the first and the last, from 1, or 0 where it is the object."""

    contents: list[bytes]
    lines: tuple[int, int]

    @property
    def place(self) -> str:
        """Where it lies in its object, to follow the object's name."""
        first, last = self.lines
        if not first:
            return ""
        return f", line {first}" if first == last else f", lines {first}–{last}"


class RecordTooLargeError(ValueError):
    """A record that no request can hold."""

    def __init__(self, line: int, limit: int) -> None:
        self.place = Batch([], (line, line)).place
        super().__init__(f"{'the record is' if line else 'it is'} larger than {limit:,} bytes (MaxPayloadInMB)")


def whole(stream: IO[bytes] | gzip.GzipFile, limit: int) -> Iterator[Batch]:
    """The object as one record; none if it is empty.

    Raises:
        RecordTooLargeError: it has more than ``limit`` bytes.
    """
    content = stream.read(limit + 1)
    if len(content) > limit:
        raise RecordTooLargeError(0, limit)
    if content:
        yield Batch([content], (0, 0))


def by_line(stream: IO[bytes] | gzip.GzipFile, *, is_multi: bool, limit: int) -> Iterator[Batch]:
    """Lines, as many as fit a request with newlines between them, or one by one; those that are blank are no records.

    Raises:
        RecordTooLargeError: a line has more than ``limit`` bytes.
    """
    contents: list[bytes] = []
    size = first = last = 0
    for number, line in enumerate(_lines(stream, limit), start=1):
        if not line or line.isspace():
            continue
        if len(line) > limit:
            raise RecordTooLargeError(number, limit)
        if contents and (not is_multi or size + len(line) > limit):
            yield Batch(contents, (first, last))
            contents, size = [], 0
        if not contents:
            first = number
        contents.append(line)
        # With the newline that would follow.
        size += len(line) + 1
        last = number
    if contents:
        yield Batch(contents, (first, last))


def _lines(stream: IO[bytes] | gzip.GzipFile, limit: int) -> Iterator[bytes]:
    """Lines without their ends; of one that is too long no more than what shows it, and nothing after it."""
    rest = b""
    while block := stream.read(_BLOCK):
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        for line in lines:
            yield line.rstrip(b"\r")
        if len(rest) > limit + 1:
            break
    yield rest.rstrip(b"\r")
