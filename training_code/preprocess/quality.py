"""The data-quality report of one host: JSON for machines, a page with plots for people."""

import json
from pathlib import Path

import duckdb

from training_code.claims import schema
from training_code.preprocess import prepare
from training_code.reporting import charts, page

_BINS = 20
_REASONS = 20

Statistics = dict[str, dict[str, object]]


def write(connection: duckdb.DuckDBPyConnection, output: Path, counts: prepare.Counts, host: str) -> None:
    """``data_quality-HOST.json`` and ``.html`` below ``output``."""
    output.mkdir(parents=True, exist_ok=True)
    document: dict[str, object] = {
        "version": 1,
        "claims": {
            "in": counts.claims_in,
            "out": counts.claims_out,
            "quarantined": counts.quarantined,
            "splits": counts.splits,
        },
        "customers": {"in": counts.customers_in, "malformed": counts.malformed_customers},
        "label": _label(connection),
        "quarantine_reasons": dict(prepare.reasons(connection, _REASONS)),
    }
    columns = {} if counts.claims_out == 0 else _levels(connection) | _numbers(connection)
    order = [column.name for column in schema.COLUMNS if column.name in columns]
    document["columns"] = {name: columns[name] for name in order}
    (output / f"data_quality-{host}.json").write_text(json.dumps(document, indent=2) + "\n")
    (output / f"data_quality-{host}.html").write_text(_page(document, counts), encoding="utf-8")


def _label(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, int]]:
    rows = connection.execute(
        f"SELECT split, count(*), sum({schema.LABEL}) FROM prepared GROUP BY split ORDER BY split"
    ).fetchall()
    return {split: {"claims": claims, "fraud": int(fraud)} for split, claims, fraud in rows}


def _levels(connection: duckdb.DuckDBPyConnection) -> Statistics:
    """Claims and fraud per level, also of the levels that do not occur."""
    found: Statistics = {}
    for column in schema.COLUMNS:
        if not column.is_categorical:
            continue
        rows = connection.execute(
            f"SELECT {column.name}::VARCHAR, count(*), sum({schema.LABEL}) FROM prepared GROUP BY {column.name}"
        ).fetchall()
        seen = {level: (claims, int(fraud)) for level, claims, fraud in rows}
        found[column.name] = {
            "kind": "level",
            "levels": {
                level: dict(zip(("claims", "fraud"), seen.get(level, (0, 0)), strict=True)) for level in column.levels
            },
        }
    return found


def _numbers(connection: duckdb.DuckDBPyConnection) -> Statistics:
    names = [
        column.name
        for column in schema.COLUMNS
        if not column.is_categorical and column.name not in (schema.KEY, schema.LABEL)
    ]
    # The mean of squares, because it takes a quarter of the time of a standard deviation; six digits bear it.
    parts = [f"min({n}), max({n}), avg({n}), avg({n}::DOUBLE * {n}::DOUBLE)" for n in names]
    row = connection.execute(f"SELECT {', '.join(parts)} FROM prepared").fetchone()
    assert row is not None
    found: Statistics = {}
    for place, name in enumerate(names):
        low, high, mean, mean_of_squares = row[4 * place : 4 * place + 4]
        deviation = max(mean_of_squares - mean**2, 0.0) ** 0.5
        found[name] = {
            "kind": "number",
            "minimum": low,
            "maximum": high,
            # Rounded, because the last digits depend on how threads share the rows.
            "mean": float(f"{mean:.6g}"),
            "standard_deviation": float(f"{deviation:.6g}"),
        }
    _add_histograms(connection, found)
    return found


def _add_histograms(connection: duckdb.DuckDBPyConnection, numbers: Statistics) -> None:
    """Bins of equal width; integers with few values get a bin each."""
    for name, statistics in numbers.items():
        low, high = float(str(statistics["minimum"])), float(str(statistics["maximum"]))
        whole = isinstance(statistics["maximum"], int)
        if whole:
            # Every bin holds as many integers as the next: others would show combs that are not in the data.
            values = int(high - low) + 1
            size = 1 if values <= 2 * _BINS else -(-values // _BINS)
            edges = [low - 0.5 + size * step for step in range(-(-values // size) + 1)]
        else:
            edges = [low + (high - low) * step / _BINS for step in range(_BINS + 1)]
        width = (edges[-1] - edges[0]) / (len(edges) - 1) or 1.0
        place = f"least(floor(({name} - {edges[0]!r}::DOUBLE) / {width!r}::DOUBLE), {len(edges) - 2})::USMALLINT"
        # A query a column: grouping by one small number is several times as fast as collecting all in one pass.
        counted = dict(connection.execute(f"SELECT {place}, count(*) FROM prepared GROUP BY 1").fetchall())
        statistics["edges"] = [round(edge, 6) for edge in edges]
        statistics["counts"] = [counted.get(bin_number, 0) for bin_number in range(len(edges) - 1)]


def _page(document: dict[str, object], counts: prepare.Counts) -> str:
    label = document["label"]
    assert isinstance(label, dict)
    fraud = sum(split["fraud"] for split in label.values())
    sections = [
        page.cards(
            [
                (f"{counts.claims_in:,}", "claims in"),
                (f"{counts.claims_out:,}", "claims out"),
                (f"{counts.quarantined:,}", "quarantined"),
                (f"{counts.customers_in:,}", "customers in"),
                (f"{fraud / max(counts.claims_out, 1):.2%}", "fraud"),
            ]
        ),
        page.section(
            "Splits",
            page.table(
                ["split", "claims", "fraud", "share of fraud"],
                [(name, s["claims"], s["fraud"], f"{s['fraud'] / s['claims']:.2%}") for name, s in label.items()],
            ),
            note="All claims of a policy are on the same side, decided by a salted hash of the policy alone.",
        ),
    ]
    reasons = document["quarantine_reasons"]
    assert isinstance(reasons, dict)
    if reasons:
        sections.append(page.section("Quarantine", page.table(["reason", "claims"], reasons.items())))
    columns = document["columns"]
    assert isinstance(columns, dict)
    categorical = [(n, c["levels"]) for n, c in columns.items() if c["kind"] == "level"]
    sections += [
        page.section(
            "Fraud by level",
            page.charts(
                charts.bars(
                    name,
                    list(levels),
                    [round(100 * lv["fraud"] / lv["claims"], 2) if lv["claims"] else 0 for lv in levels.values()],
                    y_label="% fraud",
                )
                for name, levels in categorical
            ),
            note="The share of fraudulent claims within each level.",
        ),
        page.section(
            "Levels",
            page.table(
                ["column", "level", "claims", "fraud"],
                [(n, level, c["claims"], c["fraud"]) for n, levels in categorical for level, c in levels.items()],
            ),
        ),
        page.section(
            "Numbers",
            page.charts(
                charts.histogram(name, c["edges"], c["counts"], x_label="", y_label="claims")
                for name, c in columns.items()
                if c["kind"] == "number"
            ),
            page.table(
                ["column", "minimum", "mean", "standard deviation", "maximum"],
                [
                    (n, c["minimum"], c["mean"], c["standard_deviation"], c["maximum"])
                    for n, c in columns.items()
                    if c["kind"] == "number"
                ],
            ),
        ),
    ]
    return page.page("Data quality", "What came into preprocessing, what left it, and what it looks like.", sections)
