"""Looks over the lines of a CSV text before they are parsed together.

A record is a line: a service that splits its input at line ends sees no
quotes. Nearly every text is fine as it is, which takes a few scans to see; the
lines that are not are judged one by one, so that a quote that is opened and
never closed costs its own line and no other.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_NEWLINE, _RETURN, _QUOTE, _COMMA = b'\n\r",'
_QUOTED = re.compile(r' ?"((?:[^"]|"")*)" *(?=,|\Z)')
_PLAIN = re.compile(r"[^,]*")

NOT_UTF8 = "not UTF-8 text"
LINE_END = "a line end within the line"
UNCLOSED = "a quote that is not closed, or text beside a quoted value"


@dataclass(frozen=True)
class Lines:
    """``text`` without blank and unreadable lines; ``size`` lines were not blank.

    ``malformed`` says which of them (counted from 0) are unreadable, and why.
    """

    text: bytes
    size: int
    malformed: Mapping[int, str]


def screen(text: bytes) -> Lines:
    """Separate the lines that a CSV parser can take from those that would mislead it."""
    text = _without_end(text)
    while text.endswith(b"\n"):
        text = _without_end(text)
    if not text:
        return Lines(b"", 0, {})
    data = np.frombuffer(text, np.uint8)
    newlines = np.flatnonzero(data == _NEWLINE)
    starts = np.concatenate([[0], newlines + 1])
    # Blank but for its line end, or with something that needs a closer look.
    blank = (data[starts] == _NEWLINE) | ((data[starts] == _RETURN) & (data[np.minimum(starts + 1, len(data) - 1)] == _NEWLINE))
    suspect = _suspect(text, data, newlines, starts)
    if not len(suspect) and not blank.any():
        return Lines(text, len(starts), {})
    return _line_by_line(text, starts, blank, set(suspect.tolist()))


def _suspect(
    text: bytes, data: npt.NDArray[np.uint8], newlines: npt.NDArray[np.intp], starts: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    found: list[npt.NDArray[np.intp]] = []
    if b"\r" in text:
        returns = np.flatnonzero(data == _RETURN)
        lone = returns[data[np.minimum(returns + 1, len(data) - 1)] != _NEWLINE]
        found.append(np.searchsorted(newlines, lone))
    if b'"' in text:
        found.append(_oddly_quoted(data, newlines, starts))
    if not text.isascii() and not _is_utf8(text):
        ends = np.append(newlines, len(data))
        pairs = zip(starts.tolist(), ends.tolist(), strict=True)
        found.append(np.array([place for place, (start, end) in enumerate(pairs) if not _is_utf8(text[start:end])], np.intp))
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.intp)


def _oddly_quoted(
    data: npt.NDArray[np.uint8], newlines: npt.NDArray[np.intp], starts: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """The lines whose quotes do not, in turn, open a value at its start and close it at its end."""
    quotes = np.flatnonzero(data == _QUOTE)
    before = np.where(quotes > 0, data[quotes - 1], _COMMA)
    after = np.where(quotes + 1 < len(data), data[np.minimum(quotes + 1, len(data) - 1)], _COMMA)
    opens = (before == _COMMA) | (before == _NEWLINE)
    closes = (after == _COMMA) | (after == _NEWLINE) | (after == _RETURN)
    line = np.searchsorted(newlines, quotes)
    first = np.searchsorted(quotes, starts)
    is_opening = (np.arange(len(quotes)) - first[line]) % 2 == 0
    count = np.diff(np.append(first, len(quotes)))
    odd = line[np.where(is_opening, ~opens, ~closes)]
    found: npt.NDArray[np.intp] = np.unique(np.concatenate([odd, np.flatnonzero(count % 2)]))
    return found


def _line_by_line(text: bytes, starts: npt.NDArray[np.intp], blank: npt.NDArray[np.bool_], suspect: set[int]) -> Lines:
    kept: list[bytes] = []
    malformed: dict[int, str] = {}
    ends = np.append(starts[1:] - 1, len(text)).tolist()
    number = 0
    for place, (start, end, is_blank) in enumerate(zip(starts.tolist(), ends, blank.tolist(), strict=True)):
        if is_blank:
            continue
        line = text[start:end] if end == len(text) else text[start:end].removesuffix(b"\r")
        if place in suspect:
            try:
                line = _rewritten(line)
            except ValueError as error:
                malformed[number] = str(error)
                number += 1
                continue
        kept.append(line)
        number += 1
    return Lines(b"\n".join(kept), number, malformed)


def _rewritten(line: bytes) -> bytes:
    """The line with its values quoted plainly; a ValueError says why it has none."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise ValueError(NOT_UTF8) from None
    if "\r" in text:
        raise ValueError(LINE_END)
    return ",".join('"' + value.replace('"', '""') + '"' for value in values(text)).encode()


def values(line: str) -> list[str]:
    """The values of a line without its end, as the database takes it apart.

    A space before the quotes of a value and spaces behind are no part of it; a
    quote within a value that does not begin with one is a sign like any other.

    Raises:
        ValueError: a quote is not closed, or something stands beside a quoted value.
    """
    if '"' not in line:
        return line.split(",")
    found: list[str] = []
    place = 0
    while place <= len(line):
        match = _QUOTED.match(line, place)
        if match:
            found.append(match[1].replace('""', '"'))
        else:
            match = _PLAIN.match(line, place)
            assert match
            if match[0].lstrip(" ").startswith('"'):
                raise ValueError(UNCLOSED)
            found.append(match[0])
        place = match.end() + 1
    return found


def _without_end(text: bytes) -> bytes:
    return text.removesuffix(b"\n").removesuffix(b"\r")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
