"""What preprocessing writes for others than our own steps: raw records to serve, and CSV for built-in algorithms."""

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Literal

import duckdb

from training_code.bias.analysis_config import analysis_config
from training_code.claims import schema
from training_code.claims.facets import Facet
from training_code.preprocess import sql

KINDS: tuple[Literal["pre", "post"], ...] = ("pre", "post")
RECORDS = "records"
_ALGORITHM_SPLITS = ("train", "validation")


class AlgorithmInput(StrEnum):
    """Features as they are, or centred and in their units for algorithms that measure distances; with the label in front, or without."""

    PLAIN = "plain"
    SCALED = "scaled"
    SCALED_UNLABELLED = "scaled-unlabelled"


def folders(has_records: bool, algorithm_input: str | None) -> list[str]:
    """The folders that are written below the output."""
    return [RECORDS] * has_records + [f"algorithm_{split}" for split in _ALGORITHM_SPLITS if algorithm_input]


def write_records(connection: duckdb.DuckDBPyConnection, output: Path, host: str) -> None:
    """The raw records of the test split: CSV without a header, claim and customer in the schema's order, without the label."""
    claims = [column.name for column in schema.columns(schema.Table.CLAIMS) if column.name != schema.LABEL]
    customers = [column.name for column in schema.columns(schema.Table.CUSTOMERS) if column.name != schema.KEY]
    query = f"SELECT {', '.join([*claims, *customers])} FROM prepared WHERE split = 'test'"
    _copy(connection, query, output / RECORDS / f"part-{host}.csv")


def write_algorithm_input(connection: duckdb.DuckDBPyConnection, output: Path, host: str, kind: AlgorithmInput) -> None:
    """Train and validation as CSV without a header, the label first (or nowhere), the features in the schema's order."""
    is_scaled = kind is not AlgorithmInput.PLAIN
    columns = [_scaled(feature) if is_scaled else feature.name for feature in schema.FEATURES]
    if kind is not AlgorithmInput.SCALED_UNLABELLED:
        columns.insert(0, schema.LABEL)
    for split in _ALGORITHM_SPLITS:
        query = f"SELECT {', '.join(columns)} FROM ({sql.encoded()}\nWHERE split = '{split}')"
        _copy(connection, query, output / f"algorithm_{split}" / f"part-{host}.csv")


def write_analysis_configs(output: Path, facets: Sequence[str], group: str) -> None:
    """What Clarify's container is to do before and after training, in files of the name that it looks for.

    Raises:
        FacetError: it cannot look at one of the facets.
    """
    chosen = [Facet.parse(text) for text in facets]
    for kind in KINDS:
        file = output / f"clarify_{kind}" / "analysis_config.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(analysis_config(kind, chosen, group), indent=1) + "\n")


def _copy(connection: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(f"COPY ({query}) TO '{target}' (FORMAT csv, HEADER false)")


def _scaled(feature: schema.Feature) -> str:
    return f"({feature.name} - {feature.origin!r}::FLOAT) / {feature.unit!r}::FLOAT"
