"""Judged customers on disk, found by their policy from any process.

Customers are read once, encoded, and written as they come; claims then take
their customer's part of the features from there. In memory stay the policies'
numbers while they are sorted, and what the operating system caches.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from training_code.serve.encoding import Judged
from training_code.serve.layout import CUSTOMER
from training_code.serve.problems import SEPARATOR

_KEYS, _ROWS, _FEATURES, _CONTENT, _CONTRADICTORY, _BAD, _ENDS, _TEXTS = (
    "keys.i8", "rows.i8", "features.f4", "content.u8", "contradictory.i8", "bad.i8", "ends.i8", "problems.txt",
)  # fmt: skip
_WIDTH = len(CUSTOMER.features)

Keys = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Judged customers and a hash of what each says, ``(n,)``."""

    records: Judged
    content: npt.NDArray[np.uint64]


class Writer:
    """Takes customers in the order of the input; ``close`` makes them findable."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._files = {name: (folder / name).open("wb") for name in (_KEYS, _FEATURES, _CONTENT, _BAD, _ENDS, _TEXTS)}
        self._size = self._text_size = 0

    def add(self, part: Part) -> None:
        records = part.records
        # A customer without a policy belongs to no claim.
        known = np.flatnonzero(records.has_key)
        self._append(_KEYS, records.keys[known])
        self._append(_FEATURES, records.features[known])
        self._append(_CONTENT, part.content[known])
        for row, text in sorted(records.problems.items()):
            if records.has_key[row]:
                written = self._files[_TEXTS].write(text.encode())
                self._text_size += written
                self._append(_BAD, np.array([self._size + np.searchsorted(known, row)]))
                self._append(_ENDS, np.array([self._text_size]))
        self._size += len(known)

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        keys = np.fromfile(self._folder / _KEYS, np.int64)
        content = np.fromfile(self._folder / _CONTENT, np.uint64)
        if (np.diff(keys) > 0).all():
            contradictory = keys[:0]
        else:
            order = np.argsort(keys, kind="stable")
            keys, content = keys[order], content[order]
            keys.tofile(self._folder / _KEYS)
            order.tofile(self._folder / _ROWS)
            differs = (keys[1:] == keys[:-1]) & (content[1:] != content[:-1])
            contradictory = np.unique(keys[1:][differs])
        contradictory.tofile(self._folder / _CONTRADICTORY)

    def _append(self, name: str, values: npt.NDArray[Any]) -> None:
        self._files[name].write(np.ascontiguousarray(values).tobytes())

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for file in self._files.values():
            file.close()


class Customers:
    """The customers that a ``Writer`` left in ``folder``, shared by all processes that open them."""

    def __init__(self, folder: Path) -> None:
        self._keys = _mapped(folder / _KEYS, np.int64)
        self._rows = _mapped(folder / _ROWS, np.int64) if (folder / _ROWS).exists() else None
        self._features = _mapped(folder / _FEATURES, np.float32).reshape(-1, _WIDTH)
        self._contradictory = np.fromfile(folder / _CONTRADICTORY, np.int64)
        self._bad, self._ends = _mapped(folder / _BAD, np.int64), _mapped(folder / _ENDS, np.int64)
        self._texts = _mapped(folder / _TEXTS, np.uint8)

    def join(self, claims: Judged) -> Judged:
        """The claims with their customers' features behind their own, and what is wrong with either."""
        place = np.searchsorted(self._keys, claims.keys)
        place[place == len(self._keys)] = 0
        is_found = claims.has_key & (self._keys[place] == claims.keys) if len(self._keys) else np.zeros(len(claims), np.bool_)
        rows = place if self._rows is None else self._rows[place]
        width = claims.features.shape[1]
        features = np.zeros((len(claims), width + _WIDTH), np.float32)
        features[:, :width] = claims.features
        if is_found.all():
            features[:, width:] = self._features[rows]
        else:
            features[is_found, width:] = self._features[rows[is_found]]
        problems = dict(claims.problems)
        for claim, problem in self._problems(claims, is_found, rows):
            problems[claim] = f"{problems[claim]}{SEPARATOR}{problem}" if claim in problems else problem
        return Judged(claims.keys, claims.has_key, features, problems, claims.kept)

    def _problems(self, claims: Judged, is_found: npt.NDArray[np.bool_], rows: Keys) -> Iterable[tuple[int, str]]:
        """What is wrong with the customers of claims, in the words of preprocessing's quarantine."""
        for claim in np.flatnonzero(claims.has_key & ~is_found).tolist():
            yield claim, f"policy {claims.keys[claim]} has no customer"
        if len(self._contradictory):
            for claim in np.flatnonzero(is_found & np.isin(claims.keys, self._contradictory)).tolist():
                yield claim, f"policy {claims.keys[claim]} has contradictory customers"
        if len(self._bad):
            place = np.searchsorted(self._bad, rows)
            place[place == len(self._bad)] = 0
            for claim in np.flatnonzero(is_found & (self._bad[place] == rows)).tolist():
                yield claim, f"customer of policy {claims.keys[claim]}: {self._text(int(place[claim]))}"

    def _text(self, place: int) -> str:
        start = int(self._ends[place - 1]) if place else 0
        return self._texts[start : int(self._ends[place])].tobytes().decode()


def _mapped(file: Path, kind: type[np.generic]) -> npt.NDArray[Any]:
    # An empty file cannot be mapped.
    return np.memmap(file, kind, "r") if file.stat().st_size else np.empty(0, kind)
