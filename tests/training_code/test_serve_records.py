"""What the endpoint makes of a raw record equals, bit for bit, what preprocessing makes of the same row."""

import io
import itertools
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support import claims as tables
from tests.support import serving
from tests.support.claims import Row, Tables
from training_code.claims import schema
from training_code.claims.schema import Table
from training_code.preprocess import prepare, sql
from training_code.serve import csv_records, encoding, parquet_records, requests
from training_code.serve.encoding import Judged
from training_code.serve.layout import CLAIM, CUSTOMER, RECORD

_OPTIONS = prepare.Options(salt="1", validation=0.2, test=0.2, rows_per_part=1_000_000, max_quarantined=1, memory_limit="1GB", host="h")
# An example is a run of preprocessing: to make a failing one smaller would take minutes.
_SLOW = settings(
    max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.reuse, Phase.generate)
)

# Spellings of numbers and levels, right and wrong, that two readers might understand differently. Left out is a number in
# quotes with a space behind them: the database takes a level that is written so, and not a number.
_ODD = (
    "", " ", "  3", "3 ", "3\t", "3.0", "3.", ".5", "1e3", "1E0", "+3", "-0", "-0.0", "+-1", "+-0", "--1", "1_0", "1__0", "_1", "0x1", "1e",
    "inf", "-Infinity", "nan", "1e400", "1e-400", "4.9e-324", "9007199254740993", "9007199254740992", "-1", "1.5", "007", "16777217",
    "0.1", "1000.0000000000001", "576300", "2147483648", "true", "null", "N/A", "None", "Police", " Police", "police", "Pölice", "１",
    "3\u00a0", "Other", "'", "\\", '"3"', ' "3"', '""', '"Self"', ' "Self" ', '"a,b"', '"say ""so"""', 'a"b', "0.30000000000000004",
)  # fmt: skip


@dataclass(frozen=True)
class Prepared:
    """Preprocessing's features and quarantined problems, by policy."""

    features: dict[int, npt.NDArray[np.float32]]
    problems: dict[int, str]


def _prepare(claims: Path, customers: Path) -> Prepared:
    with prepare.database("1GB") as connection:
        prepare.load(connection, claims=claims, customers=customers, options=_OPTIONS)
        columns = connection.execute(sql.encoded()).fetchnumpy()
        quarantined = connection.execute("SELECT problems, raw_record FROM quarantine").fetchall()
    # Each column is a float32, or a small integer that is one without loss.
    features = np.column_stack([np.asarray(columns[name]).astype(np.float32) for name in schema.FEATURE_NAMES])
    problems = {}
    for problem, raw in quarantined:
        found = re.search(r'"policy_id":"?(\d+)', raw)
        problems[int(found[1] if found else raw.partition(",")[0])] = re.sub(r"customer of policy \d+: ", "", problem)
    return Prepared(dict(zip(columns[schema.KEY].tolist(), features, strict=True)), problems)


def _agree(prepared: Prepared, policies: list[int], judged: Judged) -> None:
    assert len(judged) == len(policies)
    for place, policy in enumerate(policies):
        assert (place in judged.problems) == (policy not in prepared.features), (policy, judged.problems.get(place))
        if policy in prepared.features:
            assert judged.keys[place] == policy
            assert judged.features[place].tobytes() == prepared.features[policy].tobytes(), policy
        elif not any(word in prepared.problems[policy] for word in ("malformed", "has no customer", " nan ", "\t")):
            assert judged.problems[place] == prepared.problems[policy]


def _raw_lines(rows: list[Row]) -> str:
    return "".join(",".join(row.values()) + "\n" for row in rows)


def _write_as_they_are(file: Path, rows: list[Row]) -> Path:
    file.write_text(",".join(rows[0]) + "\n" + _raw_lines(rows), encoding="utf-8")
    return file


_COLUMNS = [name for name in RECORD.names if name != schema.KEY]
_CHANGES = st.lists(
    st.tuples(
        st.integers(0, 79),
        st.sampled_from(_COLUMNS),
        st.one_of(
            st.sampled_from(_ODD),
            st.floats(allow_nan=False, width=64).map(repr),
            st.integers(-2, 2_100).map(str),
            st.text(st.characters(categories=("L", "N", "P", "S"), exclude_characters='",'), max_size=6),
        ),
    ),
    min_size=20,
    max_size=120,
)


@given(changes=_CHANGES)
@_SLOW
def test_any_line_is_judged_and_encoded_as_preprocessing_does(synthetic: Tables, changes: list[tuple[int, str, str]]) -> None:
    claims, customers = (tables.read(file)[:80] for file in (synthetic.claims, synthetic.customers))
    for row, column, text in changes:
        (claims if column in claims[row] else customers)[row][column] = text
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "claims.csv"), Path(folder, "customers.csv")
        prepared = _prepare(_write_as_they_are(files[0], claims), _write_as_they_are(files[1], customers))
    policies = [int(claim[schema.KEY]) for claim in claims]
    rows = [{name: (customer | claim)[name] for name in RECORD.names} for claim, customer in zip(claims, customers, strict=True)]
    _agree(prepared, policies, encoding.judge(csv_records.read(_raw_lines(rows).encode(), RECORD.names, RECORD)))
    # A few lines are read another way than many.
    for place in {row for row, _, _ in changes[:20]}:
        alone = encoding.judge(csv_records.read(_raw_lines([rows[place]]).encode(), RECORD.names, RECORD))
        _agree(prepared, policies[place : place + 1], alone)


def test_every_odd_spelling_in_every_column_is_judged_as_preprocessing_does(synthetic: Tables, tmp_path: Path) -> None:
    claims, customers = tables.read(synthetic.claims), tables.read(synthetic.customers)
    for row, (column, text) in enumerate(itertools.product(_COLUMNS, _ODD)):
        (claims if column in claims[row] else customers)[row][column] = text
    prepared = _prepare(_write_as_they_are(tmp_path / "claims.csv", claims), _write_as_they_are(tmp_path / "customers.csv", customers))
    rows = [{name: (customer | claim)[name] for name in RECORD.names} for claim, customer in zip(claims, customers, strict=True)]
    judged = encoding.judge(csv_records.read(_raw_lines(rows).encode(), RECORD.names, RECORD))
    _agree(prepared, [int(claim[schema.KEY]) for claim in claims], judged)
    assert len(_COLUMNS) * len(_ODD) < len(claims)
    assert 400 < len(prepared.problems) < 1_500


def test_lines_of_other_lengths_are_judged_as_preprocessing_does(synthetic: Tables, tmp_path: Path) -> None:
    claims = tables.read(synthetic.claims)[:24]
    lines = [",".join(claim.values()) for claim in claims]
    changed = {3: f"{lines[3]},", 7: f"{lines[7]},,", 8: f'{lines[8]},""', 9: f"{lines[9]},,x", 11: lines[11].rpartition(",")[0]}
    changed |= {13: ",".join(f'"{value}"' for value in lines[13].split(",")) + ",", 15: lines[15].replace(",", " ,", 1)}
    for place, line in changed.items():
        lines[place] = line
    text = "".join(f"{line}\n" for line in lines)
    (tmp_path / "claims.csv").write_text(",".join(claims[0]) + "\n" + text)
    prepared = _prepare(tmp_path / "claims.csv", synthetic.customers)
    good = {place for place, claim in enumerate(claims) if int(claim[schema.KEY]) in prepared.features}
    assert set(range(24)) - good == {9, 11}
    header = tuple(claims[0])
    assert {*range(24)} - set(encoding.judge(csv_records.read(text.encode(), header, CLAIM)).problems) == good
    for place, line in enumerate(lines):
        assert (0 not in encoding.judge(csv_records.read(line.encode(), header, CLAIM)).problems) == (place in good), place


_VALUES: dict[str, st.SearchStrategy[pa.Array]] = {
    "double": st.lists(st.one_of(st.none(), st.floats(width=64), st.integers(-1, 30).map(float)), min_size=30, max_size=30).map(
        lambda found: pa.array(found, pa.float64())
    ),
    "float": st.lists(st.one_of(st.none(), st.floats(width=32)), min_size=30, max_size=30).map(lambda found: pa.array(found, pa.float32())),
    "integer": st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(-1, 30)), min_size=30, max_size=30).map(
        lambda found: pa.array(found, pa.int64())
    ),
    "boolean": st.lists(st.one_of(st.none(), st.booleans()), min_size=30, max_size=30).map(pa.array),
    "decimal": st.lists(st.decimals(-10, 10_000, places=2), min_size=30, max_size=30).map(
        lambda found: pa.array(found, pa.decimal128(18, 2))
    ),
    "text": st.lists(st.one_of(st.none(), st.sampled_from(_ODD)), min_size=30, max_size=30).map(lambda found: pa.array(found, pa.string())),
}


@given(chosen=st.lists(st.tuples(st.sampled_from(_COLUMNS), st.sampled_from(sorted(_VALUES)).flatmap(_VALUES.__getitem__)), max_size=3))
@_SLOW
def test_parquet_of_any_types_is_judged_and_encoded_as_preprocessing_does(synthetic: Tables, chosen: list[tuple[str, pa.Array]]) -> None:
    columns: dict[str, Any] = {}
    for table, file in ((Table.CLAIMS, synthetic.claims), (Table.CUSTOMERS, synthetic.customers)):
        rows = tables.read(file)[:30]
        for column in schema.columns(table):
            texts = [row[column.name] for row in rows]
            columns[column.name] = pa.array(texts if column.is_categorical else [float(text) for text in texts])
    columns |= dict(chosen)
    with tempfile.TemporaryDirectory() as folder:
        files = {table: Path(folder, f"{table}.parquet") for table in Table}
        for table, file in files.items():
            pq.write_table(pa.table({column.name: columns[column.name] for column in schema.columns(table)}), file)
        prepared = _prepare(files[Table.CLAIMS], files[Table.CUSTOMERS])
    body = io.BytesIO()
    pq.write_table(pa.table({name: columns[name] for name in reversed(RECORD.names)}), body)
    policies = [int(policy) for policy in columns[schema.KEY].to_pylist()]
    judged = encoding.judge(parquet_records.read(body.getvalue(), RECORD))
    assert len(judged) == 30
    for place, policy in enumerate(policies):
        assert (place in judged.problems) == (policy not in prepared.features), (judged.problems.get(place), prepared.problems.get(policy))
        if policy in prepared.features:
            assert judged.features[place].tobytes() == prepared.features[policy].tobytes()


@pytest.fixture(scope="module")
def prepared_real(real: Tables) -> Prepared:
    return _prepare(real.claims, real.customers)


@pytest.mark.parametrize("way", ["plain", "turned", "quoted"])
def test_real_claims_come_out_the_same(real: Tables, prepared_real: Prepared, way: str) -> None:
    rows = serving.records(real, 5_000)
    if way == "turned":
        rows = [dict(reversed(row.items())) | {"notes": "not asked for"} for row in rows]
    text = serving.csv(rows, header=way != "plain")
    if way == "turned":
        # As a spreadsheet saves it: with a byte-order mark and both signs at the end of a line.
        text = "\ufeff" + text.replace("\n", "\r\n")
    if way == "quoted":
        text = "\n".join(",".join(f'"{value}"' for value in line.split(",")) for line in text.splitlines())
    judged = requests.read(text.encode(), "text/csv").records
    assert not judged.problems
    _agree(prepared_real, [int(row[schema.KEY]) for row in rows], judged)


def test_json_of_real_claims_comes_out_the_same(real: Tables, prepared_real: Prepared) -> None:
    import json

    rows = serving.records(real, 5_000)
    body = "\n".join(json.dumps(record) for record in serving.objects(rows))
    judged = requests.read(body.encode(), "application/jsonlines").records
    _agree(prepared_real, [int(row[schema.KEY]) for row in rows], judged)


_PIECES = st.sampled_from(['"', '""', ",", "\r", " ", "\x00", "é", "\u2028", "\\", "'", "-", ".", "a", "1", '",', ',"', "\x1c"])


@given(data=st.data(), end=st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_line_costs_itself_only(synthetic: Tables, data: st.DataObject, end: str) -> None:
    """Whatever stands in a line, the lines around it are read as if each came alone."""
    lines = [line.encode() for line in serving.csv(serving.records(synthetic, 12)).splitlines()]
    for _ in range(data.draw(st.integers(1, 12))):
        row, piece = data.draw(st.integers(0, 11)), data.draw(st.one_of(_PIECES.map(str.encode), st.just(b"\xff")))
        place = data.draw(st.integers(0, len(lines[row])))
        lines[row] = lines[row][:place] + piece + lines[row][place:]
    lines = [line + end.encode() for line in lines]
    body = b"".join(lines)
    together = encoding.judge(csv_records.read(body, RECORD.names, RECORD))
    assert len(together) == 12
    for place, line in enumerate(lines):
        alone = encoding.judge(csv_records.read(line, RECORD.names, RECORD))
        assert alone.problems.get(0) == together.problems.get(place)
        assert alone.keys[0] == together.keys[place]
        if place not in together.problems:
            assert alone.features[0].tobytes() == together.features[place].tobytes()


def test_claim_and_customer_make_up_the_features_of_a_record() -> None:
    """Batch scoring puts a customer's features behind a claim's."""
    assert (*CLAIM.features, *CUSTOMER.features) == RECORD.features == schema.FEATURES


def test_the_rules_are_one_text_in_two_forms() -> None:
    assert {rule.name: rule.sql for rule in schema.RULES} == {
        "total": "(abs(((total_claim_amount - injury_claim) - vehicle_claim)) <= 0.5)",
        "collision": "((collision_type = 'N/A') = (incident_type <> 'Collision'))",
    }
