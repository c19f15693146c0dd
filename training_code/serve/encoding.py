"""Judges raw records and encodes the good ones, as preprocessing does.

What preprocessing says in SQL for millions of rows stands here in arrays; both
follow from the schema, and a test compares them bit for bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from training_code.claims import schema
from training_code.claims.schema import Encoding
from training_code.serve import problems
from training_code.serve.layout import Layout
from training_code.serve.problems import Level
from training_code.serve.records import Raw


@dataclass(frozen=True)
class Judged:
    """``n`` records with their verdicts.

    ``keys`` int64 ``(n,)``, where ``has_key`` a policy; ``features`` float32
    ``(n, len(layout.features))``, of no meaning where ``problems`` has the record.
    """

    keys: npt.NDArray[np.int64]
    has_key: npt.NDArray[np.bool_]
    features: npt.NDArray[np.float32]
    problems: Mapping[int, str]
    kept: Mapping[str, pa.Array]

    def __len__(self) -> int:
        return len(self.keys)


def judge(raw: Raw) -> Judged:
    """Verdicts, keys and features of raw records."""
    layout = raw.layout
    with np.errstate(invalid="ignore", over="ignore"):
        fits = (raw.numbers >= layout.minimum) & (raw.numbers <= layout.maximum)
        fits[layout.is_integer] &= raw.numbers[layout.is_integer] == np.floor(raw.numbers[layout.is_integer])
        is_good = fits.all(axis=0) & (raw.codes >= 0).all(axis=0)
        for rule in layout.rules:
            is_good &= rule.holds(*(_operand(raw, name) for name in rule.columns))
        keys, has_key = _keys(raw, fits)
        features = _encode(raw)
    found = {} if is_good.all() else problems.describe(raw, np.flatnonzero(~is_good))
    return Judged(keys, has_key, features, found, raw.kept)


def _keys(raw: Raw, fits: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    row = raw.layout.number_rows.get(schema.KEY)
    if row is None:
        return np.zeros(raw.size, np.int64), np.zeros(raw.size, np.bool_)
    return np.where(fits[row], raw.numbers[row], 0).astype(np.int64), fits[row]


def _operand(raw: Raw, name: str) -> object:
    layout = raw.layout
    if name in layout.number_rows:
        return raw.numbers[layout.number_rows[name]]
    row = layout.code_rows[name]
    return Level(raw.codes[row], layout.codes[row])


def _encode(raw: Raw) -> npt.NDArray[np.float32]:
    layout: Layout = raw.layout
    features = np.empty((raw.size, len(layout.features)), np.float32)
    rows = layout.rows[Encoding.NUMBER]
    # Adding zero makes 0 of -0 where an integer type, which has no -0, stands in between.
    numbers = np.where(layout.is_integer[rows, None], raw.numbers[rows] + 0.0, raw.numbers[rows])
    features[:, layout.places[Encoding.NUMBER]] = numbers.T
    features[:, layout.places[Encoding.ORDINAL]] = raw.codes[layout.rows[Encoding.ORDINAL]].T
    features[:, layout.places[Encoding.ONE_HOT]] = (raw.codes[layout.rows[Encoding.ONE_HOT]] == layout.levels).T
    return features
