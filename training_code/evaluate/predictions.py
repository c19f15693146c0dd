"""``predictions.parquet``: what the model says about each claim of the test split, for the steps that look at it further."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from training_code.claims import schema
from training_code.encoded import Split

NAME = "predictions.parquet"
_ROWS = 131_072


def write(folder: Path, test: Split, score: npt.NDArray[np.float32], *, threshold: float, with_features: bool) -> None:
    """One row a claim, in the order of the test split; ``predicted`` is 1 where the claim is referred.

    The features come along for containers that want one table with everything.
    """
    fields = [
        pa.field(schema.KEY, pa.int64()), pa.field(schema.LABEL, pa.uint8()),
        pa.field("score", pa.float32()), pa.field("predicted", pa.uint8()),
    ]  # fmt: skip
    if with_features:
        # As in the splits: what stands for a level is an integer, and no number to Clarify.
        fields += [pa.field(each.name, pa.uint8() if each.column.is_categorical else pa.float32()) for each in schema.FEATURES]
    folder.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(folder / NAME, pa.schema(fields)) as writer:
        for start in range(0, len(test), _ROWS):
            rows = slice(start, start + _ROWS)
            columns = [
                test.policy[rows],
                test.label[rows].astype(np.uint8),
                score[rows],
                (score[rows] >= threshold).astype(np.uint8),
            ]
            if with_features:
                encoded = zip(schema.FEATURES, test.features[rows].T, strict=True)
                columns += [values.astype(np.uint8) if each.column.is_categorical else values for each, values in encoded]
            writer.write_table(pa.table([pa.array(column) for column in columns], pa.schema(fields)))
