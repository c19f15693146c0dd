"""Packages to score with, and raw records as a client would send them."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.support import claims as tables
from tests.support.claims import Row, Tables
from training_code.claims import schema
from training_code.serve.layout import RECORD

THRESHOLD = 0.5
_USUAL = {"auto_year": 2013, "policy_annual_premium": 2900, "policy_deductable": 770, "customer_age": 44}


def linear_package(folder: Path, *, threshold: float = THRESHOLD, seed: int = 1) -> Path:
    """A package's content with a logistic regression of arbitrary weights; about half of the claims reach 0.5."""
    folder.mkdir(parents=True)
    size = len(schema.FEATURES)
    units = [feature.unit for feature in schema.FEATURES]
    weights = np.random.default_rng(seed).normal(0, 0.5, size).tolist()
    means = [_USUAL.get(name, 0) for name in schema.FEATURE_NAMES]
    model = {"format": 1, "features": list(schema.FEATURE_NAMES), "coefficients": weights, "intercept": 0.1,
             "mean": means, "scale": units, "background": means}  # fmt: skip
    (folder / "linear.json").write_text(json.dumps(model))
    return _with_threshold(folder, threshold)


def boosted_package(folder: Path, features: Any, label: Any) -> Path:
    """The same with trees that were trained on ``features`` and ``label``."""
    import xgboost as xgb

    folder.mkdir(parents=True)
    booster = xgb.train({"objective": "binary:logistic", "max_depth": 3, "nthread": 1}, xgb.DMatrix(features, label), 20)
    booster.save_model(folder / "model.ubj")
    (folder / "features.json").write_text(json.dumps(schema.FEATURE_NAMES))
    return _with_threshold(folder, float(np.quantile(booster.inplace_predict(features), 0.9)))


def _with_threshold(folder: Path, threshold: float) -> Path:
    (folder / "review.json").write_text(json.dumps({"capacity": 0.1, "threshold": threshold}))
    return folder


def records(given: Tables, number: int) -> list[Row]:
    """Claims with their customers, without the label."""
    customers = {row[schema.KEY]: row for row in tables.read(given.customers)}
    joined = [customers[claim[schema.KEY]] | claim for claim in tables.read(given.claims)[:number]]
    return [{name: row[name] for name in RECORD.names} for row in joined]


def csv(rows: list[Row], *, header: bool = False) -> str:
    """Lines in the order of the first row's columns."""
    lines = [",".join(row.values()) for row in rows]
    return "\n".join([",".join(rows[0])] * header + lines) + "\n"


def objects(rows: list[Row]) -> list[dict[str, Any]]:
    """Numbers as numbers."""
    return [{name: value if name in RECORD.code_rows else json.loads(value) for name, value in row.items()} for row in rows]
