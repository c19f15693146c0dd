"""Encoded Parquet parts as arrays."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from training_code.claims import schema


class DataError(Exception):
    """A split that cannot be used; the message says which and why."""


@dataclass(frozen=True)
class Split:
    """``features`` float32 ``(n, len(FEATURE_NAMES))``; ``label`` 0/1 and ``policy`` int64, ``(n,)``."""

    features: npt.NDArray[np.float32]
    label: npt.NDArray[np.float32]
    policy: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: npt.NDArray[np.bool_]) -> "Split":
        return Split(self.features[rows], self.label[rows], self.policy[rows])

    def join(self, other: "Split") -> "Split":
        return Split(
            np.concatenate([self.features, other.features]),
            np.concatenate([self.label, other.label]),
            np.concatenate([self.policy, other.policy]),
        )


def parts(folder: Path) -> list[Path]:
    """The Parquet files of a split in the order of their names."""
    return sorted(folder.rglob("*.parquet"))


def read(folder: Path) -> Split:
    """All parts below ``folder``, in order.

    Raises:
        DataError: no parts, no rows, or a part with other columns than the schema's.
    """
    files = parts(folder)
    if not files:
        raise DataError(f"no Parquet files in {folder}")
    rows = [pq.ParquetFile(file).metadata.num_rows for file in files]
    if not sum(rows):
        raise DataError(f"no rows in {folder}")
    split = Split(
        np.empty((sum(rows), len(schema.FEATURE_NAMES)), np.float32),
        np.empty(sum(rows), np.float32),
        np.empty(sum(rows), np.int64),
    )
    start = 0
    for file, size in zip(files, rows, strict=True):
        _fill(split, slice(start, start + size), file)
        start += size
    return split


def _fill(split: Split, rows: slice, file: Path) -> None:
    wanted = [schema.KEY, schema.LABEL, *schema.FEATURE_NAMES]
    missing = set(wanted) - set(pq.ParquetFile(file).schema_arrow.names)
    if missing:
        raise DataError(f"{file.name} lacks {', '.join(sorted(missing))}")
    table = pq.read_table(file, columns=wanted)
    split.policy[rows] = table[schema.KEY].to_numpy()
    split.label[rows] = table[schema.LABEL].to_numpy()
    for place, name in enumerate(schema.FEATURE_NAMES):
        split.features[rows, place] = table[name].to_numpy()


def digest(*folders: Path) -> str:
    """A fingerprint of the content of all parts, whatever their names."""
    return digest_of(*([part_digest(file) for file in parts(folder)] for folder in folders))


def part_digest(file: Path) -> bytes:
    """The SHA-256 of one part."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def digest_of(*folders: Iterable[bytes]) -> str:
    """``digest`` of folders whose parts have these digests, in the order of the parts' names."""
    return hashlib.sha256(b"".join(b"".join(folder) + b"|" for folder in folders)).hexdigest()
