"""Splits of the real claims and decisions about them, for the tests of the steps about bias."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from training_code import encoded

DEFAULT = ("customer_gender=Female", "customer_age=:25", "customer_age=25:40", "customer_age=40:60", "customer_age=60:")


@dataclass(frozen=True)
class Decided:
    """A folder of splits, and one with predictions of its test split."""

    splits: Path
    predictions: Path


def facets(*texts: str) -> list[str]:
    return [argument for text in texts or DEFAULT for argument in ("--facet", text)]


def predict(splits: Path, folder: Path, score: Any, *, capacity: float = 0.1, with_features: bool = False) -> Path:
    """Flag the highest scores of the test split, as Evaluate does."""
    test = encoded.read(splits / "test")
    scores = np.asarray(score(test.features), np.float32)
    threshold = np.sort(scores)[-int(capacity * len(scores))]
    columns = {
        "policy_id": test.policy, "fraud": test.label.astype(np.uint8), "score": scores,
        "predicted": (scores >= threshold).astype(np.uint8),
    }  # fmt: skip
    table = pa.table(columns)
    if with_features:
        for name in (parts := pa.concat_tables([pq.read_table(part) for part in encoded.parts(splits / "test")])).column_names[2:]:
            table = table.append_column(name, parts[name])
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "predictions.parquet")
    return folder
