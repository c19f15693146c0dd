"""Text to numbers, exactly as preprocessing's database reads them.

Spaces around, one underscore between digits, ``+-`` before: what the database
takes for a number is one here too, and nothing else is.
"""

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_DIGITS = r"[0-9]+(?:_[0-9]+)*"
_NUMBER = re.compile(rf"\+?-?(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?|[+-]?(?i:inf(?:inity)?)")
_SPACE = " \t\n\v\f\r"

Numbers = npt.NDArray[np.float64]


def parse(text: str) -> float:
    """The number that ``text`` is; NaN if it is none."""
    found = text.strip(_SPACE)
    if not _NUMBER.fullmatch(found):
        return float("nan")
    return float(found.replace("+-", "-").replace("_", ""))


def from_array(values: pa.Array) -> Numbers:
    """A column of any type as numbers ``(n,)``; NaN where there is none."""
    kind = values.type
    if pa.types.is_float64(kind):
        return _numpy(values)
    if pa.types.is_boolean(kind):
        return _numpy(values.cast(pa.uint8()).cast(pa.float64()))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        # Beyond 2^53 an integer is rounded, which the database does too.
        return _numpy(values.cast(pa.float64(), safe=False))
    if pa.types.is_decimal(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        return _from_text(values.cast(pa.string()))
    return np.full(len(values), np.nan)


def _from_text(texts: pa.Array) -> Numbers:
    try:
        return _numpy(pc.cast(pc.if_else(pc.equal(texts, ""), None, texts), pa.float64()))
    except pa.ArrowInvalid:
        # Something is no number, or one of the rarer spellings: each spelling is looked at once.
        distinct = pc.dictionary_encode(texts)
        found = np.array([parse(text) for text in distinct.dictionary.to_pylist()] + [np.nan])
        places: npt.NDArray[np.int32] = _numpy(distinct.indices.fill_null(len(found) - 1))
        read: Numbers = found[places]
        return read


def _numpy(values: pa.Array) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = values.to_numpy(zero_copy_only=False)
    return found
