"""The generator: the schema's columns, the data's marginals and dependencies, a signal that is real but noisy."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from fraud import synthetic_claims
from tests.support import claims as tables
from tests.support.claims import Tables
from tests.support.cli import fraud
from training_code import metrics
from training_code.claims import schema


@pytest.fixture(scope="module")
def many() -> tuple[synthetic_claims.Columns, synthetic_claims.Columns]:
    """100,000 rows: enough to see a frequency to half a percent."""
    return next(iter(synthetic_claims.chunks(rows=100_000, seed=5)))


def test_the_same_seed_gives_the_same_bytes_and_another_others(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert fraud("data", "--rows", 500, "--seed", seed, "--out", tmp_path / name).code == 0
    for table in ("claims.csv", "customers.csv"):
        assert (tmp_path / "a" / table).read_bytes() == (tmp_path / "b" / table).read_bytes()
        assert (tmp_path / "a" / table).read_bytes() != (tmp_path / "c" / table).read_bytes()


def test_parquet_and_csv_hold_the_same(tmp_path: Path) -> None:
    assert fraud("data", "--rows", 300, "--out", tmp_path).code == 0
    assert fraud("data", "--rows", 300, "--out", tmp_path, "--format", "parquet").code == 0
    for table in schema.Table:
        rows = pq.read_table(tmp_path / f"{table}.parquet").to_pylist()
        text = tables.read(tmp_path / f"{table}.csv")
        for row, line in zip(rows, text, strict=True):
            for name, value in row.items():
                assert float(line[name]) == value if isinstance(value, float) else line[name] == str(value)


def test_levels_are_as_frequent_as_in_the_real_data(
    many: tuple[synthetic_claims.Columns, synthetic_claims.Columns], real: Tables
) -> None:
    columns = many[0] | many[1]
    rows = {schema.Table.CLAIMS: tables.read(real.claims), schema.Table.CUSTOMERS: tables.read(real.customers)}
    for column in schema.COLUMNS:
        for level in column.levels:
            expected = np.mean([row[column.name] == level for row in rows[column.table]])
            assert np.mean(columns[column.name] == level) == pytest.approx(expected, abs=0.03), (column.name, level)
    assert columns["fraud"].mean() == pytest.approx(0.0328, abs=0.005)


def test_dependencies_hold(many: tuple[synthetic_claims.Columns, synthetic_claims.Columns]) -> None:
    claims, customers = many
    not_collision = claims["incident_type"] != "Collision"
    assert ((claims["collision_type"] == "N/A") == not_collision).all()
    assert ((claims["driver_relationship"] == "N/A") == not_collision).all()
    assert (claims["authorities_contacted"][claims["police_report_available"] == "Yes"] == "Police").all()
    assert np.allclose(claims["total_claim_amount"], claims["injury_claim"] + claims["vehicle_claim"], atol=0.006)
    for column in schema.COLUMNS:
        if not column.is_categorical:
            values = (claims if column.table is schema.Table.CLAIMS else customers)[column.name]
            assert column.minimum <= values.min() and values.max() <= column.maximum, column.name


def test_no_model_can_be_better_than_the_noise_allows(many: tuple[synthetic_claims.Columns, synthetic_claims.Columns]) -> None:
    """The true probabilities are the best score there is: it is good, and far from perfect."""
    ranking = metrics.Ranking.of(many[0]["fraud"], synthetic_claims.fraud_probability(*many))
    assert 0.80 < metrics.auc(ranking) < 0.85


def test_memory_does_not_grow_with_rows(tmp_path: Path) -> None:
    """Chunks are written as they come: the second chunk starts where the first has ended."""
    starts = [claims[schema.KEY][0] for claims, _ in synthetic_claims.chunks(rows=600_000, seed=1)]
    assert starts == [1, 250_001, 500_001]
    synthetic_claims.write(rows=1000, seed=1, folder=tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["claims.csv", "customers.csv"]


@pytest.mark.parametrize(
    ("arguments", "message"), [(["--format", "xml"], "--format xml is not one of csv, parquet"), (["--rows", "0"], "--rows")]
)
def test_bad_options_exit_with_two(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = fraud("data", "--out", tmp_path / "x", *arguments)
    assert (done.code, message in done.error) == (2, True)
    assert not (tmp_path / "x").exists()


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = fraud("data", "--out", tmp_path / "file")
    assert (done.code, "cannot write to" in done.error, "Traceback" in done.error) == (2, True, False)
