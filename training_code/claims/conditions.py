"""Conditions on the columns of a claim, written once for SQL and for arrays.

A condition is a Python function of its columns. Given arrays it answers row by
row; given names it writes itself down as SQL, so that a database and a server
without one judge a claim by the same text.
"""

from collections.abc import Callable
from typing import Any

Condition = Callable[..., Any]
"""Takes columns and gives a truth value a row; may use ``-``, ``abs``, ``<=``, ``==`` and ``!=``."""


class _Sql:
    """A piece of SQL that grows by Python's operators."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __sub__(self, other: object) -> "_Sql":
        return self._with("-", other)

    def __le__(self, other: object) -> "_Sql":
        return self._with("<=", other)

    def __eq__(self, other: object) -> "_Sql":  # type: ignore[override]
        return self._with("=", other)

    def __ne__(self, other: object) -> "_Sql":  # type: ignore[override]
        return self._with("<>", other)

    def __abs__(self) -> "_Sql":
        return _Sql(f"abs({self.text})")

    __hash__ = None  # type: ignore[assignment]

    def _with(self, operator: str, other: object) -> "_Sql":
        return _Sql(f"({self.text} {operator} {_written(other)})")


def as_sql(condition: Condition, columns: tuple[str, ...]) -> str:
    """The condition over columns of these names, in parentheses."""
    return str(condition(*map(_Sql, columns)).text)


def _written(value: object) -> str:
    match value:
        case _Sql():
            return value.text
        case str():
            return "'" + value.replace("'", "''") + "'"
        case _:
            return repr(value)
