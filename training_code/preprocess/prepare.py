"""Runs the SQL of ``sql`` over one host's shard: from raw files to encoded Parquet parts."""

import contextlib
import csv
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from training_code.claims import schema
from training_code.preprocess import sources, splits, sql
from training_code.preprocess.errors import PreprocessingError

_REASONS_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to split, how many parts to write, how much to tolerate and to use.

    ``salt`` names the split: another salt is another split. The shares of
    validation and test are of policies. ``max_quarantined`` is the share of
    bad claims above which the step fails.
    """

    salt: str
    validation: float
    test: float
    rows_per_part: int
    max_quarantined: float
    memory_limit: str
    host: str


@dataclass(frozen=True)
class Counts:
    """Claims in = claims per split + claims quarantined."""

    claims_in: int
    quarantined: int
    splits: dict[str, int]
    customers_in: int
    malformed_customers: int

    @property
    def claims_out(self) -> int:
        return sum(self.splits.values())


@contextlib.contextmanager
def database(memory_limit: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB that spills to a scratch folder instead of outgrowing ``memory_limit``."""
    with tempfile.TemporaryDirectory(prefix="preprocess-") as scratch:
        connection = duckdb.connect()
        try:
            try:
                connection.execute("SET memory_limit = ?", [memory_limit])
            except duckdb.Error as error:
                raise PreprocessingError(f"--memory-limit: {sources.first_line(error)}") from error
            connection.execute("SET temp_directory = ?", [scratch])
            yield connection
        finally:
            connection.close()


def load(connection: duckdb.DuckDBPyConnection, *, claims: Path, customers: Path, options: Options) -> Counts:
    """Read, judge and join; leaves the views ``prepared`` and ``quarantine`` behind.

    Raises:
        PreprocessingError: no input, unreadable input, or too much of it is bad.
    """
    for statement in [*sql.level_types(), splits.mix_macro()]:
        connection.execute(statement)
    for table, folder in ((schema.Table.CLAIMS, claims), (schema.Table.CUSTOMERS, customers)):
        found = sources.find(folder, table)
        if not found:
            raise PreprocessingError(f"{table}: no files in {folder}; expected CSV or Parquet")
        _read(connection, table, found)
    connection.execute(sql.repeated_customers())
    connection.execute(sql.unique_customers())
    for statement in sql.repeated_claims():
        connection.execute(statement)
    connection.execute(sql.good_claims(options.salt))
    connection.execute(sql.prepared(options.validation, options.test))
    connection.execute(sql.quarantine(_rejects(schema.Table.CLAIMS)))
    counts = _count(connection)
    _check(connection, counts, options.max_quarantined)
    return counts


def write_splits(connection: duckdb.DuckDBPyConnection, output: Path, counts: Counts, options: Options) -> None:
    """One folder a split, each with parts ``part-HOST-NNNNN.parquet`` in the order of the input."""
    for split in splits.SPLITS:
        folder = output / split
        folder.mkdir(parents=True, exist_ok=True)
        rows = counts.splits.get(split, 0)
        if not rows:
            continue
        # At least two parts, so that every reader is a reader of several files.
        parts = max(2, -(-rows // options.rows_per_part))
        edges = _edges(connection, parts)
        for number, (first, last) in enumerate(itertools.pairwise(edges)):
            target = folder / f"part-{options.host}-{number:05d}.parquet"
            connection.execute(
                f"COPY ({sql.encoded()}\nWHERE split = '{split}' AND position >= {first} AND position < {last})\n"
                f"TO '{target}' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 122880)"
            )


def write_quarantine(connection: duckdb.DuckDBPyConnection, output: Path, host: str) -> None:
    """``quarantine-HOST.csv``: file, record, reasons and the raw record of every bad claim."""
    output.mkdir(parents=True, exist_ok=True)
    result = connection.execute("SELECT file, record, problems, raw_record FROM quarantine ORDER BY ALL")
    with (output / f"quarantine-{host}.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["file", "record", "reasons", "raw_record"])
        while rows := result.fetchmany(10_000):
            writer.writerows(rows)


def reasons(connection: duckdb.DuckDBPyConnection, limit: int) -> list[tuple[str, int]]:
    """The most frequent kinds of problem with their counts; values are folded into the column."""
    return connection.execute(
        r"""WITH said AS (SELECT unnest(string_split(problems, '; ')) AS problem FROM quarantine),
        without_values AS (SELECT regexp_replace(problem, '(\w+) (''.*''|\S+) (is not (?:one|an|between))', '\1 … \3') AS text FROM said),
        without_names AS (SELECT regexp_replace(text, '(policy|claim_id) \w+\b', '\1 …') AS kind FROM without_values)
        SELECT kind, count(*) AS claims FROM without_names GROUP BY kind ORDER BY claims DESC, kind LIMIT ?""",
        [limit],
    ).fetchall()


def _read(connection: duckdb.DuckDBPyConnection, table: schema.Table, found: Sequence[sources.Source]) -> None:
    rejects = _rejects(table)
    try:
        connection.execute(sql.read_table(table, tuple(found), rejects))
    except duckdb.Error as error:
        names = ", ".join(file.name for source in found for file in source.files)
        raise PreprocessingError(f"{table}: cannot read {names}: {sources.first_line(error)}") from error
    if all(source.is_parquet for source in found):
        # What the CSV reader would have made.
        connection.execute(
            f"CREATE TEMP TABLE {rejects} (scan_id UBIGINT, file_id UBIGINT, line UBIGINT,"
            " column_name VARCHAR, error_type VARCHAR, csv_line VARCHAR)"
        )
        connection.execute(f"CREATE TEMP TABLE {rejects}_scan (scan_id UBIGINT, file_id UBIGINT, file_path VARCHAR)")
    if swallowed := connection.execute(sql.swallowed_lines(table, rejects)).fetchone():
        file, line = swallowed
        place = f"{file}, line {line}" if line is not None else file
        raise PreprocessingError(f"{table}: in {place} a quote is opened that swallows the end of its line; close it or remove it")
    rows, malformed = _one(connection, f"SELECT (SELECT count(*) FROM {table}), (SELECT count(*) FROM {rejects})")
    if not rows and not malformed:
        names = ", ".join(file.name for source in found for file in source.files)
        raise PreprocessingError(f"{table}: no rows in {names}, only a header")


def _count(connection: duckdb.DuckDBPyConnection) -> Counts:
    rows = connection.execute("SELECT split, count(*) FROM prepared GROUP BY split").fetchall()
    (quarantined,) = _one(connection, "SELECT count(*) FROM quarantine")
    (customers,) = _one(connection, "SELECT count(*) FROM customers")
    (malformed,) = _one(connection, f"SELECT count(DISTINCT (scan_id, file_id, line)) FROM {_rejects(schema.Table.CUSTOMERS)}")
    rejects = _rejects(schema.Table.CLAIMS)
    (read,) = _one(
        connection,
        f"SELECT (SELECT count(*) FROM claims) + (SELECT count(*) FROM (SELECT DISTINCT scan_id, file_id, line FROM {rejects}))",
    )
    found = dict(rows)
    return Counts(read, quarantined, {name: found.get(name, 0) for name in splits.SPLITS}, customers + malformed, malformed)


def _check(connection: duckdb.DuckDBPyConnection, counts: Counts, max_quarantined: float) -> None:
    if counts.claims_in != counts.claims_out + counts.quarantined:
        raise PreprocessingError(
            f"accounting: {counts.claims_in} claims came in, but {counts.claims_out} went out "
            f"and {counts.quarantined} were quarantined"
        )
    share = counts.quarantined / counts.claims_in
    if share > max_quarantined:
        top = "; ".join(f"{kind} ({number})" for kind, number in reasons(connection, _REASONS_SHOWN))
        raise PreprocessingError(
            f"{counts.quarantined} of {counts.claims_in} claims ({share:.1%}) are bad, "
            f"more than the {max_quarantined:.1%} allowed: {top}"
        )


def _edges(connection: duckdb.DuckDBPyConnection, parts: int) -> list[int]:
    (end,) = _one(connection, "SELECT max(position) + 1 FROM good_claims")
    return [round(end * part / parts) for part in range(parts + 1)]


def _rejects(table: schema.Table) -> str:
    return f"malformed_{table}"


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row
