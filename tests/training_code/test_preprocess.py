"""Preprocessing as a process: every claim comes out encoded or in quarantine, whatever the file looks like."""

import csv
import gzip
import itertools
import json
import statistics
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fraud import synthetic_claims
from pipeline_definition import code_archives
from tests.support import claims as tables
from tests.support import steps
from tests.support.claims import Row, Tables
from training_code.claims import schema


def _some(synthetic: Tables, number: int) -> tuple[list[Row], list[Row]]:
    return tables.read(synthetic.claims)[:number], tables.read(synthetic.customers)[:number]


def _run(folder: Path, claims: list[Row], customers: list[Row], *arguments: object) -> Path:
    done = steps.preprocess(
        tables.write(folder / "claims.csv", claims), tables.write(folder / "customers.csv", customers), folder / "out",
        "--max-quarantined", "1", *arguments,
    )  # fmt: skip
    assert done.code == 0, done.output
    return folder / "out"


def _quarantine(output: Path) -> list[Row]:
    (file,) = (output / "quality").glob("quarantine-*.csv")
    return tables.read(file)


def _expected(claim: Row, customer: Row) -> dict[str, float]:
    """The encoding, written again by hand: one-hot, ordinal in order, number."""
    raw = customer | claim
    features: dict[str, float] = {}
    for feature in schema.FEATURES:
        value = raw[feature.column.name]
        if feature.level is not None:
            features[feature.name] = float(value == feature.level)
        elif feature.column.is_categorical:
            features[feature.name] = float(feature.column.levels.index(value))
        else:
            features[feature.name] = float(value)
    return features


def test_the_sql_encodes_as_the_schema_says(synthetic: Tables, tmp_path: Path) -> None:
    claims, customers = _some(synthetic, 400)
    output = _run(tmp_path, claims, customers)
    found = {row[schema.KEY]: row for row in steps.encoded(output)}
    assert len(found) == 400
    for claim, customer in zip(claims, customers, strict=True):
        row = found[int(claim[schema.KEY])]
        assert row[schema.LABEL] == int(claim[schema.LABEL])
        expected = _expected(claim, customer)
        assert {name: row[name] for name in schema.FEATURE_NAMES} == pytest.approx(expected, rel=1e-6)


def test_real_claims_all_come_out(real: Tables, tmp_path: Path) -> None:
    assert steps.preprocess(real.claims, real.customers, tmp_path).code == 0
    counts = steps.quality(tmp_path)["claims"]
    assert (counts["in"], counts["out"], counts["quarantined"]) == (5000, 5000, 0)
    assert len(steps.encoded(tmp_path)) == 5000
    assert sum(row[schema.LABEL] for row in steps.encoded(tmp_path)) == 164


def test_the_same_input_gives_the_same_bytes(synthetic: Tables, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert steps.preprocess(synthetic.claims, synthetic.customers, tmp_path / name).code == 0
    files = sorted(file.relative_to(tmp_path / "a") for file in (tmp_path / "a").rglob("*") if file.is_file())
    assert len([file for file in files if file.suffix == ".parquet"]) == 6
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


BAD: list[tuple[str, str, str]] = [
    ("incident_type", "Alien", "incident_type 'Alien' is not one of Collision, Break-in, Theft"),
    ("incident_type", "", "incident_type is missing"),
    ("num_injuries", "many", "num_injuries is not a number"),
    ("num_injuries", "", "num_injuries is missing or not a number"),
    ("num_injuries", "1.5", "num_injuries 1.5 is not an integer"),
    ("num_injuries", "-1", "num_injuries -1 is not between 0 and 1000"),
    ("incident_month", "13", "incident_month 13 is not between 1 and 12"),
    ("incident_hour", "1e300", "incident_hour 1e+300 is not between 0 and 23"),
    ("fraud", "2", "fraud 2 is not between 0 and 1"),
    ("vehicle_claim", "nan", "vehicle_claim"),
    ("total_claim_amount", "1", "total_claim_amount is not injury_claim + vehicle_claim"),
    ("policy_id", "999999", "policy 999999 has no customer"),
]


@pytest.mark.parametrize(("column", "value", "reason"), BAD)
def test_a_bad_claim_is_quarantined_with_its_reason(
    synthetic: Tables, tmp_path: Path, column: str, value: str, reason: str
) -> None:
    claims, customers = _some(synthetic, 50)
    claims[17][column] = value
    output = _run(tmp_path, claims, customers)
    (row,) = _quarantine(output)
    assert reason in row["reasons"]
    assert row["file"] == "claims.csv"
    if value and value != "1e300":
        assert value in row["raw_record"]
    counts = steps.quality(output)["claims"]
    assert (counts["in"], counts["out"], counts["quarantined"]) == (50, 49, 1)
    # The split is no function of other rows: 49 claims are where they would have been.
    assert len(steps.encoded(output)) == 49


def test_reasons_are_counted_by_kind(synthetic: Tables, tmp_path: Path) -> None:
    claims, customers = _some(synthetic, 50)
    for row, (column, value) in enumerate(
        [("num_injuries", "-1"), ("num_injuries", "-2"), ("num_injuries", "1.5"), ("incident_type", "Alien"), ("incident_type", "O'x")]
    ):
        claims[row][column] = value
    claims[10]["policy_id"], claims[11]["policy_id"] = "70001", "70002"
    customers[20]["customer_age"] = "200"
    assert steps.quality(_run(tmp_path, claims, customers))["quarantine_reasons"] == {
        "incident_type … is not one of Collision, Break-in, Theft": 2,
        "num_injuries … is not between 0 and 1000": 2,
        "policy … has no customer": 2,
        "customer of policy …: customer_age … is not between 15 and 120": 1,
        "num_injuries … is not an integer": 1,
    }


def test_collision_type_contradicts_incident_type(synthetic: Tables, tmp_path: Path) -> None:
    claims, customers = _some(synthetic, 50)
    claim = next(claim for claim in claims if claim["incident_type"] == "Collision")
    claim["collision_type"] = "N/A"
    (row,) = _quarantine(_run(tmp_path, claims, customers))
    assert "collision_type must be N/A exactly when" in row["reasons"]


@pytest.mark.parametrize(("difference", "quarantined"), [(0.49, 0), (0.51, 1)])
def test_amounts_may_differ_by_what_rounding_makes(synthetic: Tables, tmp_path: Path, difference: float, quarantined: int) -> None:
    claims, customers = _some(synthetic, 20)
    total = float(claims[4]["injury_claim"]) + float(claims[4]["vehicle_claim"])
    claims[4]["total_claim_amount"] = f"{total + difference:.4f}"
    assert len(_quarantine(_run(tmp_path, claims, customers))) == quarantined


def test_the_record_counts_within_its_file(synthetic: Tables, tmp_path: Path) -> None:
    claims, customers = _some(synthetic, 40)
    claims[27]["incident_type"] = "Alien"
    tables.write(tmp_path / "claims" / "a.csv", claims[:20])
    tables.write(tmp_path / "claims" / "b.csv", claims[20:])
    done = steps.preprocess(tmp_path / "claims", tables.write(tmp_path / "customers.csv", customers), tmp_path / "out")
    assert done.code == 0, done.output
    (row,) = _quarantine(tmp_path / "out")
    assert (row["file"], row["record"]) == ("b.csv", "8")


def test_rows_stay_in_the_order_of_the_input_and_parts_have_the_size_asked_for(tmp_path: Path) -> None:
    """Enough rows for DuckDB to work on them in parallel."""
    synthetic_claims.write(rows=300_000, seed=4, folder=tmp_path)
    done = steps.preprocess(tmp_path / "claims.csv", tmp_path / "customers.csv", tmp_path / "out", "--rows-per-part", "30000")
    assert done.code == 0, done.output
    for split in steps.SPLITS:
        parts = sorted((tmp_path / "out" / split).glob("*.parquet"))
        keys = np.concatenate([pq.read_table(part, columns=[schema.KEY])[schema.KEY].to_numpy() for part in parts])
        assert (np.diff(keys) > 0).all(), split
        assert len(parts) == -(-len(keys) // 30_000)


def test_the_split_of_a_policy_never_changes(tmp_path: Path, synthetic: Tables) -> None:
    """Written down once: another hash would move claims between train and test of models that exist."""
    claims, customers = _some(synthetic, 6)
    keys = ["1", "2", "3", "77", "4294967297", "9007199254740000"]
    claims = [claim | {"policy_id": key} for claim, key in zip(claims, keys, strict=True)]
    customers = [customer | {"policy_id": key} for customer, key in zip(customers, keys, strict=True)]
    found: dict[int, list[str]] = {}
    for salt in ("1", "2", "3", "4"):
        for row in steps.encoded(_run(tmp_path / salt, claims, customers, "--salt", salt)):
            found.setdefault(row[schema.KEY], []).append(row["split"])
    assert {key: " ".join(splits) for key, splits in found.items()} == {
        1: "train train test train",
        2: "train train train test",
        3: "train train train train",
        77: "train train validation train",
        4294967297: "train train train test",
        9007199254740000: "test train validation train",
    }


def test_repeated_claims_keep_the_first(synthetic: Tables, tmp_path: Path) -> None:
    claims, customers = _some(synthetic, 50)
    output = _run(tmp_path, [*claims, claims[3], claims[3]], customers)
    assert [row["reasons"] for row in _quarantine(output)] == ["repeats an earlier claim to the letter"] * 2
    assert len(steps.encoded(output)) == 50


def test_two_claims_of_a_policy_are_two_claims_on_one_side(synthetic: Tables, tmp_path: Path) -> None:
    claims, customers = _some(synthetic, 50)
    second = [claim | {"incident_day": str(1 + int(claim["incident_day"]) % 28)} for claim in claims]
    output = _run(tmp_path, claims + second, customers)
    assert _quarantine(output) == []
    sides: dict[int, set[str]] = {}
    for row in steps.encoded(output):
        sides.setdefault(row[schema.KEY], set()).add(row["split"])
    assert len(sides) == 50
    assert all(len(found) == 1 for found in sides.values())


def test_claim_id_tells_claims_apart_and_finds_repeats(synthetic: Tables, tmp_path: Path) -> None:
    claims, customers = _some(synthetic, 20)
    marked = [claim | {"claim_id": f"C{number}"} for number, claim in enumerate(claims)]
    same_but_for_id = marked[0] | {"claim_id": "C100"}
    other_with_same_id = marked[1] | {"incident_hour": str((int(marked[1]["incident_hour"]) + 1) % 24)}
    output = _run(tmp_path, [*marked, same_but_for_id, other_with_same_id], customers)
    assert [row["reasons"] for row in _quarantine(output)] == ["repeats the claim_id C1 of an earlier claim"]
    assert len(steps.encoded(output)) == 21


def test_bad_customers_take_their_claims_with_them(synthetic: Tables, tmp_path: Path) -> None:
    claims, customers = _some(synthetic, 50)
    contradiction = customers[7] | {"customer_age": str(15 + (int(customers[7]["customer_age"]) + 1) % 80)}
    customers[9]["policy_state"] = "XX"
    output = _run(tmp_path, claims, [*customers, contradiction, customers[11]])
    reasons = {row["reasons"] for row in _quarantine(output)}
    assert reasons == {
        "policy 8 has contradictory customers",
        "customer of policy 10: policy_state 'XX' is not one of CA, WA, AZ, OR, NV, ID",
    }
    # A customer that is only repeated is no contradiction.
    assert len(steps.encoded(output)) == 48


def test_malformed_lines_are_counted_too(synthetic: Tables, tmp_path: Path) -> None:
    claims, customers = _some(synthetic, 30)
    file = tables.write(tmp_path / "claims.csv", claims)
    file.write_text(file.read_text() + "1,2,3\n" + ",".join(["x"] * 25) + "\n")
    customer_file = tables.write(tmp_path / "customers.csv", customers)
    assert steps.preprocess(file, customer_file, tmp_path / "out", "--max-quarantined", "1").code == 0
    counts = steps.quality(tmp_path / "out")["claims"]
    assert (counts["in"], counts["out"], counts["quarantined"]) == (32, 30, 2)
    assert all(row["reasons"].startswith("malformed line: ") for row in _quarantine(tmp_path / "out"))


@pytest.mark.parametrize("rows", [(5,), (5, 9)], ids=["never closed", "closed later"])
def test_a_stray_quote_does_not_make_claims_vanish(synthetic: Tables, tmp_path: Path, rows: tuple[int, ...]) -> None:
    lines = synthetic.claims.read_text().split("\n")[:41]
    for row in rows:
        lines[row] = lines[row].replace(",", ',"', 1)
    (tmp_path / "claims.csv").write_text("\n".join(lines) + "\n")
    done = steps.preprocess(tmp_path / "claims.csv", synthetic.customers, tmp_path / "out", "--max-quarantined", "1")
    assert (done.code, "a quote is opened that swallows the end of its line" in done.output) == (1, True), done.output


def test_mixed_line_ends_are_one_clear_line(synthetic: Tables, tmp_path: Path) -> None:
    content = synthetic.claims.read_bytes().split(b"\n")
    (tmp_path / "claims.csv").write_bytes(b"\r\n".join(content[:20]) + b"\r\n" + b"\n".join(content[20:]))
    done = steps.preprocess(tmp_path / "claims.csv", synthetic.customers, tmp_path / "out")
    if done.code == 0:
        # A reader that copes is as good.
        assert steps.quality(tmp_path / "out")["claims"]["out"] == 2000
    else:
        assert [line for line in done.output.splitlines() if line] == [
            "error: claims: cannot read claims.csv: lines end in different ways within the file; save it with one kind of line end"
        ]


@pytest.mark.parametrize("header", ["filename", "Fraud", "", "source_file"])
def test_columns_that_nobody_asked_for_may_have_any_name(synthetic: Tables, tmp_path: Path, header: str) -> None:
    lines = synthetic.claims.read_text().splitlines()[:40]
    (tmp_path / "claims.csv").write_text("\n".join([f"{header},{header},{lines[0]}", *(f"x,y,{line}" for line in lines[1:])]) + "\n")
    done = steps.preprocess(tmp_path / "claims.csv", synthetic.customers, tmp_path / "out")
    assert done.code == 0, done.output
    assert steps.quality(tmp_path / "out")["claims"]["out"] == 39


def test_malformed_customers_are_counted(synthetic: Tables, tmp_path: Path) -> None:
    claims, customers = _some(synthetic, 10)
    file = tables.write(tmp_path / "customers.csv", customers)
    file.write_text(file.read_text() + "1,2\n")
    assert steps.preprocess(tables.write(tmp_path / "claims.csv", claims), file, tmp_path / "out").code == 0
    assert steps.quality(tmp_path / "out")["customers"] == {"in": 11, "malformed": 1}


@pytest.mark.parametrize(
    ("option", "value", "message"), [("--memory-limit", "much", "--memory-limit"), ("--rows-per-part", "0", "at least one row")]
)
def test_options_that_make_no_sense_are_clear_errors(synthetic: Tables, tmp_path: Path, option: str, value: str, message: str) -> None:
    done = steps.preprocess(synthetic.claims, synthetic.customers, tmp_path / "out", option, value)
    assert (done.code, message in done.output, "Traceback" in done.output) == (1, True, False)


def test_the_wheel_is_installed_where_duckdb_is_missing(synthetic: Tables, tmp_path: Path) -> None:
    """As in the container: an interpreter without DuckDB, a wheel beside the job, and no network."""
    wheelhouse = tmp_path / "wheelhouse"
    wheelhouse.mkdir()
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps", "duckdb==2.0.0"]
    subprocess.run([*command, "--wheel-dir", str(wheelhouse)], check=True)
    venv.create(tmp_path / "venv", with_pip=True)
    archive = tmp_path / "preprocess.pyz"
    archive.write_bytes(code_archives.executable("Preprocess").content)
    done = subprocess.run(
        [tmp_path / "venv/bin/python", archive, "--claims", synthetic.claims, "--customers", synthetic.customers,
         "--wheelhouse", wheelhouse, "--output", tmp_path / "out"],
        env={"PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1", "TMPDIR": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert steps.preprocess(synthetic.claims, synthetic.customers, tmp_path / "here").code == 0
    assert steps.encoded(tmp_path / "out") == steps.encoded(tmp_path / "here")


def test_records_are_the_raw_test_claims_as_an_endpoint_takes_them(synthetic: Tables, tmp_path: Path) -> None:
    """Claim and customer in the schema's order, without a header and without the label."""
    claims, customers = _some(synthetic, 200)
    output = _run(tmp_path, claims, customers, "--records")
    names = [column.name for column in schema.columns(schema.Table.CLAIMS) if column.name != schema.LABEL]
    names += [column.name for column in schema.columns(schema.Table.CUSTOMERS) if column.name != schema.KEY]
    by_policy = {claim[schema.KEY]: customer | claim for claim, customer in zip(claims, customers, strict=True)}
    (file,) = (output / "records").glob("*.csv")
    with file.open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert [int(row[0]) for row in rows] == [row[schema.KEY] for row in steps.encoded(output, "test")]
    numeric = {column.name for column in schema.COLUMNS if not column.is_categorical}
    for row in rows:
        raw = by_policy[row[0]]
        for name, value in zip(names, row, strict=True):
            assert float(value) == float(raw[name]) if name in numeric else value == raw[name], name


@pytest.mark.parametrize("kind", ["plain", "scaled", "scaled-unlabelled"])
def test_built_in_algorithms_get_csv_without_a_header(synthetic: Tables, tmp_path: Path, kind: str) -> None:
    claims, customers = _some(synthetic, 200)
    output = _run(tmp_path, claims, customers, "--algorithm-input", kind)
    for split in ("train", "validation"):
        (file,) = (output / f"algorithm_{split}").glob("*.csv")
        found = np.loadtxt(file, delimiter=",", ndmin=2)
        encoded = steps.encoded(output, split)
        expected = np.array([[row[name] for name in schema.FEATURE_NAMES] for row in encoded], float)
        if kind != "plain":
            expected = (expected - [feature.origin for feature in schema.FEATURES]) / [feature.unit for feature in schema.FEATURES]
        if kind != "scaled-unlabelled":
            expected = np.column_stack([[row[schema.LABEL] for row in encoded], expected])
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_too_many_bad_claims_fail_the_step(synthetic: Tables, tmp_path: Path) -> None:
    claims, customers = _some(synthetic, 40)
    for claim in claims[:10]:
        claim["incident_type"] = "Alien"
    done = steps.preprocess(
        tables.write(tmp_path / "claims.csv", claims), tables.write(tmp_path / "customers.csv", customers), tmp_path / "out"
    )
    assert done.code == 1
    assert "10 of 40 claims (25.0%) are bad, more than the 5.0% allowed" in done.output
    assert "Traceback" not in done.output


def _gzip(source: Path, folder: Path) -> None:
    (folder / "a.csv.gz").write_bytes(gzip.compress(source.read_bytes()))


def _byte_order_mark(source: Path, folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"\xef\xbb\xbf" + source.read_bytes())


def _carriage_returns(source: Path, folder: Path) -> None:
    (folder / "a.csv").write_bytes(source.read_bytes().replace(b"\n", b"\r\n"))


def _quotes(source: Path, folder: Path) -> None:
    with (folder / "a.csv").open("w", newline="") as stream:
        csv.writer(stream, quoting=csv.QUOTE_ALL).writerows(csv.reader(source.open(newline="")))


def _other_order(source: Path, folder: Path) -> None:
    rows = tables.read(source)
    tables.write(folder / "a.csv", [dict(reversed(row.items())) | {"unknown": "1"} for row in rows])


def _three_files(source: Path, folder: Path) -> None:
    rows = tables.read(source)
    for number in range(3):
        part = rows[number * len(rows) // 3 : (number + 1) * len(rows) // 3]
        tables.write(folder / f"{number}.csv", part)


def _table(source: Path) -> pa.Table:
    # As the schema has it: "N/A" and "None" are values.
    options = pacsv.ConvertOptions(strings_can_be_null=False, null_values=[])
    return pacsv.read_csv(source, convert_options=options)


def _parquet(source: Path, folder: Path) -> None:
    pq.write_table(_table(source), folder / "a.parquet")


def _mixed(source: Path, folder: Path) -> None:
    table = _table(source)
    half = table.num_rows // 2
    pacsv.write_csv(table.slice(0, half), folder / "a.csv")
    pq.write_table(table.slice(half), folder / "b.parquet")


@pytest.mark.parametrize(
    "form", [_gzip, _byte_order_mark, _carriage_returns, _quotes, _other_order, _three_files, _parquet, _mixed]
)
def test_every_form_of_the_same_claims_gives_the_same_rows(
    synthetic: Tables, tmp_path: Path, form: Callable[[Path, Path], None]
) -> None:
    assert steps.preprocess(synthetic.claims, synthetic.customers, tmp_path / "plain").code == 0
    for name, source in (("claims", synthetic.claims), ("customers", synthetic.customers)):
        (tmp_path / name).mkdir()
        form(source, tmp_path / name)
    done = steps.preprocess(tmp_path / "claims", tmp_path / "customers", tmp_path / "out")
    assert done.code == 0, done.output
    assert steps.encoded(tmp_path / "out") == steps.encoded(tmp_path / "plain")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "claims.csv is empty"),
        (b"policy_id,fraud\n1,0\n", "claims.csv lacks the columns driver_relationship, incident_type"),
        (b"PAR1 but not really", "claims.csv is not a readable Parquet file"),
        (b"\x1f\x8b not gzip", "claims.csv is not a readable gzip file"),
        (b"\xff\xfe\x00", "claims.csv is not UTF-8"),
    ],
)
def test_unusable_input_is_one_clear_line(synthetic: Tables, tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "claims.csv").write_bytes(content)
    done = steps.preprocess(tmp_path / "claims.csv", synthetic.customers, tmp_path / "out")
    assert done.code == 1
    assert message in done.output
    assert "Traceback" not in done.output


def test_header_only_and_empty_folder_are_clear_errors(synthetic: Tables, tmp_path: Path) -> None:
    header = synthetic.claims.read_text().split("\n", 1)[0]
    (tmp_path / "claims.csv").write_text(header + "\n")
    done = steps.preprocess(tmp_path / "claims.csv", synthetic.customers, tmp_path / "out")
    assert (done.code, "no rows in claims.csv, only a header" in done.output) == (1, True)
    (tmp_path / "empty").mkdir()
    done = steps.preprocess(tmp_path / "empty", synthetic.customers, tmp_path / "out")
    assert (done.code, "no files in" in done.output) == (1, True)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shards=st.integers(2, 6), salt=st.text("abc123", min_size=1, max_size=8))
def test_shards_together_give_what_one_instance_gives(
    synthetic: Tables, tmp_path_factory: pytest.TempPathFactory, shards: int, salt: str
) -> None:
    """Encoding and split are functions of a claim and its customer alone."""
    folder = tmp_path_factory.mktemp("shards")
    claims, customers = _some(synthetic, 300)
    whole = steps.encoded(_run(folder / "whole", claims, customers, "--salt", salt))
    parts = []
    for number in range(shards):
        parts += steps.encoded(_run(folder / str(number), claims[number::shards], customers, "--salt", salt))
    by_key = sorted(whole, key=lambda row: row[schema.KEY])
    assert sorted(parts, key=lambda row: row[schema.KEY]) == by_key


def test_another_salt_is_another_split_and_shares_are_kept(tmp_path: Path, synthetic: Tables) -> None:
    sides = {}
    for salt in ("1", "2"):
        assert steps.preprocess(synthetic.claims, synthetic.customers, tmp_path / salt, "--salt", salt).code == 0
        counts = steps.quality(tmp_path / salt)["claims"]["splits"]
        assert counts["test"] == pytest.approx(300, abs=60)
        assert counts["validation"] == pytest.approx(300, abs=60)
        sides[salt] = {row[schema.KEY] for row in steps.encoded(tmp_path / salt, "test")}
    # Two independent draws of 15 % have about 15 % of each other in common.
    assert len(sides["1"] & sides["2"]) < 90


def test_the_quality_report_counts_what_is_there(synthetic: Tables, tmp_path: Path) -> None:
    assert steps.preprocess(synthetic.claims, synthetic.customers, tmp_path).code == 0
    document = steps.quality(tmp_path)
    claims = tables.read(synthetic.claims)
    for name in ("incident_type", "authorities_contacted"):
        for level, found in document["columns"][name]["levels"].items():
            rows = [claim for claim in claims if claim[name] == level]
            assert found == {"claims": len(rows), "fraud": sum(int(row["fraud"]) for row in rows)}
    for name in ("incident_day", "incident_hour", "incident_month", "customer_age"):
        found = document["columns"][name]
        rows = tables.read(synthetic.customers if name == "customer_age" else synthetic.claims)
        values = [int(row[name]) for row in rows]
        widths = {round(right - left, 6) for left, right in itertools.pairwise(found["edges"])}
        assert len(widths) == 1 and widths.pop() % 1 == 0, name
        expected = [sum(left < v < right for v in values) for left, right in itertools.pairwise(found["edges"])]
        assert found["counts"] == expected and sum(expected) == len(values), name
    hours = document["columns"]["incident_hour"]
    assert sum(hours["counts"]) == len(claims)
    values = [int(claim["incident_hour"]) for claim in claims]
    assert hours["mean"] == pytest.approx(statistics.mean(values), rel=1e-5)
    assert hours["standard_deviation"] == pytest.approx(statistics.pstdev(values), rel=1e-4)
    page = next((tmp_path / "quality").glob("*.html")).read_text()
    assert page.count("<svg") >= 20
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    json.dumps(document, allow_nan=False)
