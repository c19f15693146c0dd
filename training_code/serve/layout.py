"""Columns that are read together, and the features they become."""

from collections.abc import Sequence

import numpy as np

from training_code.claims import schema
from training_code.claims.schema import Column, Encoding, Feature, Table


class Layout:
    """An order of columns with all that judging and encoding them needs, as arrays.

    ``numeric`` and ``categorical`` are the rows of the arrays that a reader fills.
    Unless ``features`` are given, they are those of the schema that come from the columns.
    """

    def __init__(self, columns: Sequence[Column], features: Sequence[Feature] | None = None) -> None:
        self.columns = tuple(columns)
        self.names = tuple(column.name for column in columns)
        self.numeric = tuple(column for column in columns if not column.is_categorical)
        self.categorical = tuple(column for column in columns if column.is_categorical)
        self.codes = tuple({level: code for code, level in enumerate(column.levels)} for column in self.categorical)
        self.minimum = np.array([[column.minimum] for column in self.numeric], float)
        self.maximum = np.array([[column.maximum] for column in self.numeric], float)
        self.is_integer = np.array([column.is_integer for column in self.numeric], bool)
        self.number_rows = {column.name: row for row, column in enumerate(self.numeric)}
        self.code_rows = {column.name: row for row, column in enumerate(self.categorical)}
        self.rules = tuple(rule for rule in schema.RULES if set(rule.columns) <= set(self.names))
        self.features = tuple(f for f in schema.FEATURES if f.column in columns) if features is None else tuple(features)
        self._plan()

    def _plan(self) -> None:
        """For every kind of feature its places in a row of features, and the row each is taken from."""
        places: dict[Encoding, list[int]] = {encoding: [] for encoding in Encoding}
        rows: dict[Encoding, list[int]] = {encoding: [] for encoding in Encoding}
        levels: list[list[int]] = []
        for place, feature in enumerate(self.features):
            encoding, name = feature.column.encoding, feature.column.name
            places[encoding].append(place)
            rows[encoding].append((self.number_rows if encoding is Encoding.NUMBER else self.code_rows)[name])
            if feature.level is not None:
                levels.append([feature.column.levels.index(feature.level)])
        self.places = {encoding: np.array(found, np.intp) for encoding, found in places.items()}
        self.rows = {encoding: np.array(found, np.intp) for encoding, found in rows.items()}
        self.levels = np.array(levels, np.int8).reshape(-1, 1)


_CLAIM = tuple(column for column in schema.columns(Table.CLAIMS) if column.name != schema.LABEL)
_CUSTOMER = schema.columns(Table.CUSTOMERS)

_LARGEST = float(np.finfo(np.float32).max)
_ENCODED = tuple(
    Feature(name, Column(name=name, table=Table.CLAIMS, encoding=Encoding.NUMBER, minimum=-_LARGEST, maximum=_LARGEST,
                         is_integer=False, description="A feature"))
    for name in schema.FEATURE_NAMES
)  # fmt: skip

CLAIM = Layout(_CLAIM)
"""A claim that is not decided yet: all columns but the label."""
CUSTOMER = Layout(_CUSTOMER)
RECORD = Layout((*_CLAIM, *(column for column in _CUSTOMER if column.name != schema.KEY)))
"""A claim with its customer: what a raw record without a header is."""
ENCODED = Layout([feature.column for feature in _ENCODED], _ENCODED)
"""A claim as the model sees it: any numbers, in the order of the features; whoever explains a model sends such."""
