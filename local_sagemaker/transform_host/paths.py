"""The part of JSONPath that DataProcessing knows.

    $   .name   ['name']   ['a', 'b']   [0]   [-1]   [0, 2, 5]   [1:]   [0, 5:]   [*]   .*

One name or index selects a value; several names an object with just these,
several indices, a slice or ``*`` a list.
"""

from __future__ import annotations

import re
from typing import Any

_STEP = re.compile(r"\.(?P<name>[A-Za-z_][\w-]*|\*)|\.?\[(?P<inner>(?:'[^']*'|\"[^\"]*\"|[^\]'\"])*)\]")
_ENTRY = re.compile(
    r"\s*(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<start>-?\d*):(?P<end>-?\d*)|(?P<index>-?\d+)|(?P<all>\*))\s*(?:,|$)"
)

_Selector = str | int | slice


class PathError(ValueError):
    """An expression that is none, or that leads to nothing."""


class Path:
    """A parsed expression."""

    def __init__(self, text: str) -> None:
        """Raises PathError: the text is none of the forms above."""
        self._text = text
        rest = text.strip()
        if not rest.startswith("$"):
            raise PathError(f"{text!r} is no JSONPath: it must start with $")
        rest = rest[1:]
        self._steps: list[list[_Selector]] = []
        while rest:
            match = _STEP.match(rest)
            if not match:
                raise PathError(f"{text!r} cannot be read at {rest!r}; there are .name, ['name'], [0], [0,2], [1:] and [*]")
            name, inner = match.group("name", "inner")
            self._steps.append(([slice(None)] if name == "*" else [name]) if name else self._entries(inner))
            rest = rest[match.end() :]

    @property
    def is_everything(self) -> bool:
        return not self._steps

    def select(self, value: Any) -> Any:
        """What the expression selects.

        Raises:
            PathError: nothing is there.
        """
        return self._select(value, self._steps)

    def _entries(self, inner: str) -> list[_Selector]:
        entries: list[_Selector] = []
        at = 0
        while at < len(inner) or not entries:
            match = _ENTRY.match(inner, at)
            if not match or match.end() == at:
                raise PathError(f"{self._text!r} cannot be read at {'[' + inner + ']'!r}")
            at = match.end()
            if (index := match.group("index")) is not None:
                entries.append(int(index))
            elif match.group("start") is not None:
                start, end = (int(number) if number else None for number in match.group("start", "end"))
                entries.append(slice(start, end))
            elif match.group("all"):
                entries.append(slice(None))
            else:
                single, double = match.group("single", "double")
                entries.append(single if single is not None else double)
        if len({isinstance(entry, str) for entry in entries}) > 1:
            raise PathError(f"{self._text!r} has names and indices in one pair of brackets")
        return entries

    def _select(self, value: Any, steps: list[list[_Selector]]) -> Any:
        if not steps:
            return value
        entries, rest = steps[0], steps[1:]
        if len(entries) == 1 and not isinstance(entries[0], slice):
            return self._select(self._child(value, entries[0]), rest)
        if isinstance(entries[0], str):
            return {name: self._select(self._child(value, name), rest) for name in entries}
        found = self._children(value, entries[0])
        for entry in entries[1:]:
            found = found + self._children(value, entry)
        return [self._select(child, rest) for child in found] if rest else found

    def _children(self, value: Any, entry: _Selector) -> list[Any]:
        if not isinstance(entry, slice):
            return [self._child(value, entry)]
        values = list(value.values()) if isinstance(value, dict) and entry == slice(None) else value
        if not isinstance(values, list) or not values[entry]:
            raise PathError(f"there is nothing at {self._text}")
        return values[entry]

    def _child(self, value: Any, entry: _Selector) -> Any:
        is_fit = isinstance(value, dict) if isinstance(entry, str) else isinstance(value, list)
        try:
            if is_fit:
                return value[entry]
        except (KeyError, IndexError):
            pass
        raise PathError(f"there is nothing at {self._text}")
