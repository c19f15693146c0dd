"""Says what is wrong with a record, in the words of preprocessing's quarantine."""

import unicodedata
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from training_code.claims.schema import Column, Rule, Table
from training_code.serve.records import Raw

SEPARATOR = "; "
_LONGEST = 80
_UNSHOWN = ("Cc", "Cs", "Zl", "Zp")
"""Control signs, halves of signs, and what ends a line or a paragraph."""


class Level:
    """Codes that compare with a level as text would."""

    def __init__(self, codes: npt.NDArray[np.int8], known: Mapping[str, int]) -> None:
        self._codes = codes
        self._known = known

    def __eq__(self, level: object) -> npt.NDArray[np.bool_]:  # type: ignore[override]
        return np.equal(self._codes, self._known[str(level)])

    def __ne__(self, level: object) -> npt.NDArray[np.bool_]:  # type: ignore[override]
        return np.not_equal(self._codes, self._known[str(level)])

    __hash__ = None  # type: ignore[assignment]


def describe(raw: Raw, bad: Iterable[int]) -> dict[int, str]:
    """What is wrong with each of the records numbered in ``bad``."""
    return {int(record): raw.malformed.get(int(record)) or SEPARATOR.join(_problems(raw, int(record))) for record in bad}


def _problems(raw: Raw, record: int) -> list[str]:
    layout = raw.layout
    claim = [column for column in layout.columns if column.table is Table.CLAIMS]
    customer = [column for column in layout.columns if column.table is Table.CUSTOMERS]
    found = [_column(raw, column, record) for column in claim]
    found += [_rule(raw, rule, record) for rule in layout.rules]
    found += [_column(raw, column, record) for column in customer]
    return [problem for problem in found if problem]


def _column(raw: Raw, column: Column, record: int) -> str | None:
    name, layout = column.name, raw.layout
    if column.is_categorical:
        if raw.codes[layout.code_rows[name], record] >= 0:
            return None
        said = raw.shown(name, record)
        return f"{name} '{_clean(said)}' is not one of {', '.join(column.levels)}" if said else f"{name} is missing"
    value = float(raw.numbers[layout.number_rows[name], record])
    if np.isnan(value):
        said = raw.shown(name, record)
        return f"{name} '{_clean(said)}' is not a number" if said else f"{name} is missing or not a number"
    if column.is_integer and value != np.floor(value):
        return f"{name} {_number(value)} is not an integer"
    if not column.minimum <= value <= column.maximum:
        return f"{name} {_number(value)} is not between {_number(column.minimum)} and {_number(column.maximum)}"
    return None


def _rule(raw: Raw, rule: Rule, record: int) -> str | None:
    layout = raw.layout
    operands: list[object] = []
    for name in rule.columns:
        if name in layout.number_rows:
            value = float(raw.numbers[layout.number_rows[name], record])
            if np.isnan(value):
                return None
            operands.append(value)
        else:
            row = layout.code_rows[name]
            if raw.codes[row, record] < 0:
                return None
            operands.append(Level(raw.codes[row, record : record + 1], layout.codes[row]))
    return None if bool(np.all(rule.holds(*operands))) else rule.message


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _clean(text: str) -> str:
    """On one line, and no longer than a message needs."""
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return "".join(f"\\x{ord(sign):02x}" if unicodedata.category(sign) in _UNSHOWN else sign for sign in short)
