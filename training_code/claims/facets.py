"""Facets: groups of claims whose treatment is compared with that of all others.

A facet is written as text, in settings, arguments and reports alike:

    customer_gender=Female      a level of a categorical column
    customer_age=:25            below 25
    customer_age=25:40          from 25, and below 40
    customer_age=60:            60 and over

Like the schema, of which it is a part, this module imports nothing else.
"""

import re
from dataclasses import dataclass

from training_code.claims import schema

_FORMS = "write COLUMN=LEVEL, or a band of a number: COLUMN=LOW:HIGH, COLUMN=:HIGH, COLUMN=LOW:"
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


class FacetError(ValueError):
    """A facet that the schema does not have; the message says what it has."""


@dataclass(frozen=True)
class Facet:
    """The claims of one ``level`` of ``column``, or of the band ``[minimum, maximum)`` of a number."""

    column: schema.Column
    level: str | None = None
    minimum: float | None = None
    maximum: float | None = None

    @classmethod
    def parse(cls, text: str) -> "Facet":
        """Raises FacetError: no such column, level or band, or a column that is no feature."""
        name, sign, value = text.partition("=")
        column = next((column for column in schema.COLUMNS if column.name == name), None)
        if not sign or column is None or column.encoding is schema.Encoding.NONE:
            raise FacetError(f"facet {text!r}: there is no feature column {name!r}; {_FORMS}")
        if column.is_categorical:
            if value not in column.levels:
                raise FacetError(f"facet {text!r}: {name} has the levels {', '.join(column.levels)}")
            return cls(column, level=value)
        low, colon, high = value.partition(":")
        if not colon or not (low or high) or not all(_NUMBER.fullmatch(end) for end in (low, high) if end):
            raise FacetError(f"facet {text!r}: {name} is a number; {_FORMS}")
        minimum, maximum = (float(end) if end else None for end in (low, high))
        if minimum is not None and maximum is not None and minimum >= maximum:
            raise FacetError(f"facet {text!r}: the band is empty")
        return cls(column, minimum=minimum, maximum=maximum)

    def __str__(self) -> str:
        """The text that ``parse`` reads."""
        if self.level is not None:
            return f"{self.column.name}={self.level}"
        return f"{self.column.name}={_end(self.minimum)}:{_end(self.maximum)}"

    @property
    def value(self) -> str:
        """What stands behind the column's name: the level, or the band."""
        return str(self).partition("=")[2]

    @property
    def slug(self) -> str:
        """A name for keys of documents: ``customer_age_25_to_40``."""
        if self.level is not None:
            return schema.feature_name(self.column, self.level)
        if self.minimum is None:
            band = f"below_{_end(self.maximum)}"
        elif self.maximum is None:
            band = f"from_{_end(self.minimum)}"
        else:
            band = f"{_end(self.minimum)}_to_{_end(self.maximum)}"
        return f"{self.column.name}_{band}".replace(".", "_").replace("-", "minus_")


def _end(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
