"""Synthetic claims and customers with the schema, marginals and quirks of the real ones.

The tables are drawn chunk by chunk, each chunk from its own random stream, so
memory does not grow with the number of rows and the same seed gives the same
bytes. Frequencies and dependencies follow a public auto-claims data set of
5,000 rows; no row of it is reproduced.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from training_code.claims import schema

CHUNK_ROWS = 250_000

Array = npt.NDArray[Any]
Columns = dict[str, Array]


class Format(StrEnum):
    CSV = "csv"
    PARQUET = "parquet"


def write(
    *, rows: int, seed: int, folder: Path, file_format: Format = Format.CSV,
    on_progress: Callable[[int], None] = lambda done: None,
) -> dict[schema.Table, Path]:  # fmt: skip
    """Write ``claims`` and ``customers``, ``rows`` lines each, below ``folder``.

    A file appears under its name only when it is whole. Returns the two paths.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {table: folder / f"{table}.{file_format}" for table in schema.Table}
    partial = {table: path.with_name(f"{path.name}.{os.getpid()}.partial") for table, path in paths.items()}
    writers = {table: _Writer(path, file_format) for table, path in partial.items()}
    try:
        done = 0
        for claims, customers in chunks(rows=rows, seed=seed):
            writers[schema.Table.CLAIMS].write(_arrow(schema.Table.CLAIMS, claims))
            writers[schema.Table.CUSTOMERS].write(_arrow(schema.Table.CUSTOMERS, customers))
            done += len(claims[schema.KEY])
            on_progress(done)
        for writer in writers.values():
            writer.close()
        for table, path in paths.items():
            partial[table].replace(path)
    finally:
        for writer in writers.values():
            writer.close()
        for path in partial.values():
            path.unlink(missing_ok=True)
    return paths


def chunks(*, rows: int, seed: int) -> Iterator[tuple[Columns, Columns]]:
    """Claims and customers as columns of equal length, at most CHUNK_ROWS at a time."""
    starts = range(0, rows, CHUNK_ROWS)
    streams = np.random.SeedSequence(seed).spawn(len(starts))
    for start, stream in zip(starts, streams, strict=True):
        key = np.arange(start + 1, min(start + CHUNK_ROWS, rows) + 1)
        rng = np.random.Generator(np.random.PCG64(stream))
        customers = _customers(rng, key)
        claims = _claims(rng, key)
        claims[schema.LABEL] = (rng.random(len(key)) < fraud_probability(claims, customers)).astype(np.int8)
        yield claims, customers


def fraud_probability(claims: Columns, customers: Columns) -> npt.NDArray[np.float64]:
    """The chance that each claim is fraudulent: additive on the log-odds, 3.3 % on average.

    The directions are those seen in the real data: new and young customers,
    several insurers or claims, few vehicles, witnesses and injuries, men.
    """
    gender = customers["customer_gender"]
    log_odds = (
        -2.21
        + np.select([gender == "Male", gender == "Female"], [0.60, -0.65], -1.2)
        + 0.55 * np.minimum(customers["num_insurers_past_5_years"] - 1, 3)
        + 0.70 * np.minimum(customers["num_claims_past_year"], 3)
        - 0.75 * np.minimum(customers["months_as_customer"], 150) / 60
        - 0.40 * np.minimum(claims["num_vehicles_involved"] - 1, 4)
        - 0.70 * np.minimum(claims["num_injuries"], 3)
        - 1.20 * (claims["num_witnesses"] >= 2)
        - 0.25 * (claims["police_report_available"] == "Yes")
        - 0.30 * (claims["incident_severity"] == "Totaled")
        + 0.35 * (customers["customer_age"] < 32)
    )
    probability: npt.NDArray[np.float64] = 1 / (1 + np.exp(-log_odds))
    return probability


def _customers(rng: np.random.Generator, key: Array) -> Columns:
    size = len(key)
    age = np.clip(rng.normal(44, 16, size), 18, 70).astype(int)
    # Nobody has been a customer for longer than since their eighteenth birthday.
    months = np.clip(rng.gamma(1.9, 52, size), 1, 12 * (age - 17)).astype(int)
    state = _draw(rng, size, CA=3134, WA=607, AZ=539, OR=363, NV=222, ID=135)
    zip_ranges = {"CA": (90001, 96150), "WA": (98001, 99362), "AZ": (85003, 86538),
                  "OR": (97004, 97914), "NV": (89002, 89883), "ID": (83201, 83869)}  # fmt: skip
    low, high = (np.select([state == s for s in zip_ranges], [r[end] for r in zip_ranges.values()]) for end in (0, 1))
    rebate = np.where(rng.random(size) < 0.716, 0, np.minimum(np.ceil(rng.gamma(2, 2.5, size)), 16))
    extra = np.where(rng.random(size) < 0.99, 0, np.minimum(rng.geometric(0.5, size), 7))
    return {
        schema.KEY: key,
        "customer_age": age,
        "months_as_customer": np.minimum(months, 495),
        "num_claims_past_year": _number(rng, size, {0: 9330, 1: 536, 2: 86, 3: 34, 4: 6, 5: 4, 6: 4}),
        "num_insurers_past_5_years": _number(rng, size, {1: 7720, 2: 1124, 3: 618, 4: 372, 5: 166}),
        "policy_state": state,
        "policy_deductable": (750 + 50 * extra).astype(int),
        "policy_annual_premium": (3000 - 50 * rebate).astype(int),
        "policy_liability": _draw(rng, size, **{"25/50": 1697, "15/30": 1631, "30/60": 1137, "100/200": 535}),
        "customer_zip": rng.integers(low, high, endpoint=True),
        "customer_gender": _draw(rng, size, Male=2281, Female=2208, Unkown=420, Other=91),
        "customer_education": _draw(rng, size, **{"Bachelor": 2211, "High School": 1264, "Advanced Degree": 952,
                                                  "Associate": 475, "Below High School": 98}),
        "auto_year": 2020 - np.minimum(rng.gamma(1.7, 2.6, size).astype(int), 19),
    }  # fmt: skip


def _claims(rng: np.random.Generator, key: Array) -> Columns:
    size = len(key)
    incident = _draw(rng, size, **{"Collision": 4272, "Break-in": 484, "Theft": 244})
    is_collision = incident == "Collision"
    severity = np.select(
        [is_collision, incident == "Theft"],
        [_draw(rng, size, Minor=389, Major=329, Totaled=282), "Major"],
        _draw(rng, size, Minor=90, Major=10),
    )
    authorities = np.select(
        [severity == "Minor", severity == "Major"],
        [_draw(rng, size, **{"None": 576, "Police": 424}), _draw(rng, size, Police=962, Ambulance=38)],
        _draw(rng, size, Police=820, Fire=112, Ambulance=68),
    )
    authorities = np.where(incident == "Theft", "Police", authorities)
    injuries = np.select(
        [severity == "Minor", severity == "Major"],
        [_number(rng, size, {0: 953, 1: 45, 2: 2}), _number(rng, size, {0: 655, 1: 212, 2: 70, 3: 45, 4: 18})],
        _number(rng, size, {0: 240, 1: 400, 2: 130, 3: 130, 4: 100}),
    )
    injury_claim = np.clip(np.round(rng.lognormal(9.59, 1.02, size), -2), 300, 576_300)
    damage = np.select([severity == "Minor", severity == "Major"], [10_400, 15_600], 31_500)
    vehicle_claim = np.round(np.clip(damage * rng.normal(1, 0.34, size), 1000, 51_051.63), 2)
    has_report = (authorities == "Police") & (rng.random(size) < 0.6)
    return {
        schema.KEY: key,
        "driver_relationship": np.where(is_collision, _draw(rng, size, Self=800, Spouse=100, Child=53, Other=47), "N/A"),
        "incident_type": incident,
        "collision_type": np.where(is_collision, _draw(rng, size, Front=2109, Rear=1105, Side=1058), "N/A"),
        "incident_severity": severity,
        "authorities_contacted": authorities,
        "num_vehicles_involved": np.where(is_collision, _number(rng, size, {1: 114, 2: 541, 3: 284, 4: 56, 5: 5, 6: 1}), 1),
        "num_injuries": injuries,
        "num_witnesses": np.where(is_collision, _number(rng, size, {0: 440, 1: 260, 2: 190, 3: 77, 4: 25, 5: 8}),
                                  _number(rng, size, {0: 95, 1: 5})),
        "police_report_available": np.where(has_report, "Yes", "No"),
        "injury_claim": injury_claim.astype(int),
        "vehicle_claim": vehicle_claim,
        "total_claim_amount": np.round(injury_claim + vehicle_claim, 2),
        "incident_month": rng.integers(1, 12, size, endpoint=True),
        "incident_day": rng.integers(1, 31, size, endpoint=True),
        "incident_dow": _number(rng, size, {0: 169, 1: 174, 2: 151, 3: 152, 4: 160, 5: 94, 6: 100}),
        "incident_hour": np.clip(rng.normal(12, 5.4, size), 0, 23).astype(int),
    }  # fmt: skip


def _draw(rng: np.random.Generator, size: int, **weights: int) -> Array:
    return np.array(list(weights))[_pick(rng, size, list(weights.values()))]


def _number(rng: np.random.Generator, size: int, weights: dict[int, int]) -> Array:
    return np.array(list(weights))[_pick(rng, size, list(weights.values()))]


def _pick(rng: np.random.Generator, size: int, weights: Sequence[int]) -> npt.NDArray[np.intp]:
    edges = np.cumsum(weights) / np.sum(weights)
    return np.searchsorted(edges[:-1], rng.random(size), side="right")


def _arrow(table: schema.Table, values: Columns) -> pa.Table:
    return pa.table({column.name: _arrow_column(column, values[column.name]) for column in schema.columns(table)})


def _arrow_column(column: schema.Column, values: Array) -> pa.Array:
    if not column.is_categorical:
        return pa.array(values)
    levels = np.array(column.levels)
    order = np.argsort(levels)
    codes = order[np.searchsorted(levels, values, sorter=order)].astype(np.int8)
    return pa.DictionaryArray.from_arrays(codes, list(column.levels)).cast(pa.string())


class _Writer:
    """Appends Arrow tables to one CSV or Parquet file; the first table fixes the columns."""

    def __init__(self, path: Path, file_format: Format) -> None:
        self._path = path
        self._format = file_format
        self._writer: pacsv.CSVWriter | pq.ParquetWriter | None = None

    def write(self, table: pa.Table) -> None:
        if self._writer is None:
            if self._format is Format.CSV:
                options = pacsv.WriteOptions(quoting_style="none", quoting_header="none")
                self._writer = pacsv.CSVWriter(self._path, table.schema, write_options=options)
            else:
                self._writer = pq.ParquetWriter(self._path, table.schema)
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
