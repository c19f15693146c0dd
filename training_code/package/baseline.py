"""What the raw columns of the training split look like, in the layouts of Model Monitor.

Encoding is a function that can be undone: the sum of a one-hot feature is how
often its level occurs, the counts of an ordinal code those of its level, and a
number is itself. So the encoded parts are read, and no raw record is rebuilt.

Layouts: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-statistics.html
and …/model-monitor-byoc-constraints.html.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from training_code import encoded
from training_code.claims import schema
from training_code.claims.schema import Column, Encoding
from training_code.column_statistics import Numbers

_ROWS = 131_072
Json = dict[str, Any]

COLUMNS = tuple(column for column in schema.COLUMNS if column.encoding is not Encoding.NONE)
"""The raw columns that become features, in the order of the schema."""

_NUMBERS = tuple(column for column in COLUMNS if column.encoding is Encoding.NUMBER)
_ORDINALS = tuple(column for column in COLUMNS if column.encoding is Encoding.ORDINAL)
_ONE_HOT = tuple(feature for feature in schema.FEATURES if feature.level is not None)


def statistics(train: Path) -> Json:
    """``statistics.json`` of the parts below ``train``.

    Raises:
        DataError: no parts, no rows, or a part that lacks a feature.
    """
    files = encoded.parts(train)
    if not files:
        raise encoded.DataError(f"no Parquet files in {train}")
    numbers = Numbers(len(_NUMBERS))
    rows = 0
    one_hot = np.zeros(len(_ONE_HOT), np.int64)
    ordinal = [np.zeros(len(column.levels), np.int64) for column in _ORDINALS]
    for batch in _batches(files, schema.FEATURE_NAMES):
        rows += batch.num_rows
        numbers.add(_matrix(batch))
        one_hot += [int(batch[feature.name].to_numpy().sum()) for feature in _ONE_HOT]
        for place, column in enumerate(_ORDINALS):
            ordinal[place] += np.bincount(batch[column.name].to_numpy().astype(np.intp), minlength=len(column.levels))
    if not rows:
        raise encoded.DataError(f"no rows in {train}")
    for batch in _batches(files, tuple(column.name for column in _NUMBERS)):
        numbers.count(_matrix(batch))
    levels = {
        column.name: dict(zip(column.levels, counts.tolist(), strict=True)) for column, counts in zip(_ORDINALS, ordinal, strict=True)
    }
    for feature, count in zip(_ONE_HOT, one_hot.tolist(), strict=True):
        levels.setdefault(feature.column.name, {})[str(feature.level)] = count
    places = {column.name: place for place, column in enumerate(_NUMBERS)}
    return {
        "version": 0.0,
        "dataset": {"item_count": rows},
        "features": [
            _strings(column, levels[column.name], rows)
            if column.is_categorical
            else numbers.feature(places[column.name], column.name, is_integer=column.is_integer)
            for column in COLUMNS
        ],
    }


def means(found: Json) -> list[float]:
    """The mean of each encoded feature, in the order of the features."""
    features, rows = {feature["name"]: feature for feature in found["features"]}, found["dataset"]["item_count"]
    result = []
    for feature in schema.FEATURES:
        entry = features[feature.column.name]
        if feature.column.encoding is Encoding.NUMBER:
            result.append(float(entry["numerical_statistics"]["mean"]))
            continue
        counts = {bucket["value"]: bucket["count"] for bucket in entry["string_statistics"]["distribution"]["categorical"]["buckets"]}
        code = {level: code for code, level in enumerate(feature.column.levels)} if feature.level is None else {feature.level: 1}
        result.append(sum(code.get(level, 0) * count for level, count in counts.items()) / rows)
    return result


def fraud(train: Path) -> int:
    """How many claims of the training split are fraudulent."""
    return sum(int(batch[schema.LABEL].to_numpy().sum()) for batch in _batches(encoded.parts(train), (schema.LABEL,)))


def constraints(found: Json) -> Json:
    """``constraints.json``: what Model Monitor suggests to someone with these statistics.

    Domains are the levels that occurred in training: of any other the model knows nothing, whatever the schema allows.
    """
    return {
        "version": 0.0,
        "features": [_constraint(feature) for feature in found["features"]],
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled",
            "datatype_check_threshold": 1.0,
            "domain_content_threshold": 1.0,
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": 0.1,
                "comparison_method": "Robust",
                "categorical_comparison_threshold": 0.1,
                "categorical_drift_method": "LInfinity",
            },
        },
    }


def _constraint(feature: Json) -> Json:
    entry: Json = {"name": feature["name"], "inferred_type": feature["inferred_type"]}
    found = feature.get("numerical_statistics") or feature["string_statistics"]
    common = found["common"]
    entry["completeness"] = common["num_present"] / (common["num_present"] + common["num_missing"])
    if "min" in found:
        return entry | {"num_constraints": {"is_non_negative": found["min"] >= 0}}
    return entry | {"string_constraints": {"domains": [bucket["value"] for bucket in found["distribution"]["categorical"]["buckets"]]}}


def _strings(column: Column, counts: dict[str, int], rows: int) -> Json:
    present = sum(counts.values())
    seen = {level: count for level, count in counts.items() if count}
    return {
        "name": column.name,
        "inferred_type": "String",
        "string_statistics": {
            "common": {"num_present": present, "num_missing": rows - present},
            "distinct_count": float(len(seen)),
            "distribution": {"categorical": {"buckets": [{"value": level, "count": count} for level, count in seen.items()]}},
        },
    }


def _batches(files: list[Path], columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    for path in files:
        with pq.ParquetFile(path) as file:
            if missing := set(columns) - set(file.schema_arrow.names):
                raise encoded.DataError(f"{path.name} lacks {', '.join(sorted(missing))}")
            yield from file.iter_batches(_ROWS, columns=list(columns))


def _matrix(batch: pa.RecordBatch) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.column_stack([batch[column.name].to_numpy().astype(np.float64) for column in _NUMBERS])
