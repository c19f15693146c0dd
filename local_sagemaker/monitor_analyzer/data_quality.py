"""Statistics of each column, and the constraints that they suggest, in Model Monitor's layouts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_BUCKETS = 10
_SKETCH = {"c": 0.64, "k": 2048.0}
_MAX_HISTOGRAM = 120
# A text column has a domain if few of its values are seen only once; deequ's bound.
_MAX_UNIQUE_SHARE = 0.1
_MONITORING = {
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
}


def analyze(table: pa.Table) -> tuple[dict[str, Any], dict[str, Any]]:
    """Statistics and constraints of a table of numbers and text."""
    features = [_feature(name, table[name]) for name in table.column_names]
    statistics = {"version": 0, "dataset": {"item_count": table.num_rows}, "features": [feature for feature, _ in features]}
    constraints = {"version": 0, "features": [constraint for _, constraint in features], "monitoring_config": _MONITORING}
    return statistics, constraints


def _feature(name: str, column: pa.ChunkedArray) -> tuple[dict[str, Any], dict[str, Any]]:
    if pa.types.is_floating(column.type):
        # Not a number is no number: it counts as missing.
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    missing = column.null_count
    present = len(column) - missing
    common = {"num_present": present, "num_missing": missing}
    constraint: dict[str, Any] = {"name": name, "completeness": present / len(column) if len(column) else 0.0}
    if not present:
        kind, part = "Unknown", "string_statistics"
        found: dict[str, Any] = {"common": common, "distinct_count": 0.0}
    elif pa.types.is_string(column.type):
        kind, part = "String", "string_statistics"
        found, domain = _text(column, common)
        if domain:
            constraint["string_constraints"] = {"domains": domain}
    else:
        kind, part = ("Integral" if pa.types.is_integer(column.type) else "Fractional"), "numerical_statistics"
        found = _numbers(column, common)
        constraint["num_constraints"] = {"is_non_negative": found["min"] >= 0}
    constraint["inferred_type"] = kind
    return {"name": name, "inferred_type": kind, part: found}, constraint


def _text(column: pa.ChunkedArray, common: dict[str, int]) -> tuple[dict[str, Any], list[str]]:
    counts = sorted((entry["values"], entry["counts"]) for entry in column.drop_null().value_counts().to_pylist())
    found: dict[str, Any] = {"common": common, "distinct_count": float(len(counts))}
    if len(counts) > _MAX_HISTOGRAM:
        return found, []
    found["distribution"] = {"categorical": {"buckets": [{"value": value, "count": count} for value, count in counts]}}
    unique = sum(count == 1 for _, count in counts)
    return found, [value for value, _ in counts] if unique <= _MAX_UNIQUE_SHARE * len(counts) else []


def _numbers(column: pa.ChunkedArray, common: dict[str, int]) -> dict[str, Any]:
    values = np.sort(column.drop_null().to_numpy().astype(np.float64))
    finite = values[np.isfinite(values)]
    low, high = (float(finite[0]), float(finite[-1])) if len(finite) else (0.0, 0.0)
    counts, edges = np.histogram(finite, bins=_BUCKETS, range=(low, high if high > low else low + 1.0))
    buckets = [
        {"lower_bound": float(start), "upper_bound": float(end), "count": float(count)}
        for start, end, count in zip(edges, edges[1:], counts, strict=False)
    ]
    sketch = {"parameters": _SKETCH, "data": _sketch(finite)}
    return {
        "common": common,
        "mean": float(np.mean(finite)) if len(finite) else 0.0,
        "sum": float(np.sum(finite)),
        "std_dev": float(np.std(finite)) if len(finite) else 0.0,
        "min": low,
        "max": high,
        "distribution": {"kll": {"buckets": buckets, "sketch": sketch}},
    }


def _sketch(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[list[float]]:
    """Sorted values by levels; one of level n stands for 2ⁿ. The top has evenly spaced quantiles, the rest is made up below."""
    top = max(0, math.ceil(math.log2(len(values) / _SKETCH["k"]))) if len(values) else 0
    count, rest = divmod(len(values), 2**top)
    levels = [[float(values[len(values) // 2])] if rest >> level & 1 else [] for level in range(top)]
    places = ((np.arange(count) + 0.5) * len(values) / max(count, 1)).astype(np.int64)
    return [*levels, values[places].tolist()]
