"""Encoded claims a batch at a time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from training_code import encoded
from training_code.claims import schema

_COLUMNS = [schema.KEY, schema.LABEL, *schema.FEATURE_NAMES]


def count(folder: Path) -> int:
    """The claims in all parts below ``folder``.

    Raises:
        encoded.DataError: no parts, no rows, or a part without one of the schema's columns.
    """
    files = encoded.parts(folder)
    if not files:
        raise encoded.DataError(f"no Parquet files in {folder}")
    rows = 0
    for file in files:
        with pq.ParquetFile(file) as part:
            missing = set(_COLUMNS) - set(part.schema_arrow.names)
            if missing:
                raise encoded.DataError(f"{file.name} lacks {', '.join(sorted(missing))}")
            rows += part.metadata.num_rows
    if not rows:
        raise encoded.DataError(f"no rows in {folder}")
    return rows


def read(folder: Path, *, rows: int) -> Iterator[encoded.Split]:
    """All claims in the order of the parts, at most ``rows`` at a time.

    Raises:
        encoded.DataError: a value is missing.
    """
    for file in encoded.parts(folder):
        with pq.ParquetFile(file) as part:
            for batch in part.iter_batches(batch_size=rows, columns=_COLUMNS):
                columns = dict(zip(batch.schema.names, batch.columns, strict=True))
                features = np.empty((batch.num_rows, len(schema.FEATURE_NAMES)), np.float32)
                for place, name in enumerate(schema.FEATURE_NAMES):
                    features[:, place] = columns[name].to_numpy(zero_copy_only=False)
                if any(column.null_count for column in columns.values()) or not np.isfinite(features).all():
                    raise encoded.DataError(f"{file.name} has claims with missing values: it is not what Preprocess writes")
                yield encoded.Split(
                    features,
                    columns[schema.LABEL].to_numpy(zero_copy_only=False).astype(np.float32),
                    columns[schema.KEY].to_numpy(zero_copy_only=False).astype(np.int64),
                )


def mean(folder: Path) -> npt.NDArray[np.float64]:
    """The mean of every feature, ``(f,)``."""
    total = np.zeros(len(schema.FEATURE_NAMES))
    for batch in read(folder, rows=65_536):
        total += batch.features.sum(axis=0, dtype=np.float64)
    found: npt.NDArray[np.float64] = total / count(folder)
    return found
