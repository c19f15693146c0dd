"""``fraud score``: every claim gets a row, in order, whatever the files look like."""

import csv
import gzip
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from fraud import synthetic_claims
from fraud.scoring import batch, inputs, output, packages
from local_sagemaker import Home
from local_sagemaker.history import History
from local_sagemaker.registry import Registry
from tests.support import claims as tables
from tests.support import serving
from tests.support.claims import Row, Tables
from tests.support.cli import PROJECT, Done, command, fraud
from training_code import encoded, model_archive
from training_code.claims import schema
from training_code.preprocess import prepare
from training_code.serve import handlers

_KEY = schema.KEY


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return serving.linear_package(tmp_path_factory.mktemp("scored") / "package")


@pytest.fixture(scope="module")
def expected(synthetic: Tables, package: Path) -> list[tuple[str, np.float32, str]]:
    """Policy, score and decision of the endpoint's code for the joined records."""
    model = handlers.model_fn(str(package))
    request = handlers.input_fn(serving.csv(serving.records(synthetic, 2_000)), "text/csv")
    lines = str(handlers.output_fn(handlers.predict_fn(request, model), "text/csv")[0], "utf-8").splitlines()  # type: ignore[arg-type]
    return [(policy, np.float32(score), referred) for policy, score, referred, _ in csv.reader(lines)]


def _score(claims: Path, customers: Path, out: Path, package: Path | str, *arguments: object) -> Done:
    return fraud("score", "--claims", claims, "--customers", customers, "--out", out, "--model", package, *arguments)


def _run(claims: Path, customers: Path, out: Path, package: Path, **options: Any) -> list[Row]:
    """The same in this process; the rows of a CSV output."""
    given: dict[str, Any] = {"workers": 1, "has_reasons": False} | options
    job = batch.Job(
        claims=claims, customers=customers, out=out, format=output.format_of(out, None), model=packages.Chosen("test", package), **given
    )
    batch.run(job, lambda done: None)
    return tables.read(out) if out.suffix == ".csv" else []


def _found(rows: list[Row]) -> list[tuple[str, np.float32, str]]:
    assert {row["problem"] for row in rows} == {""}
    return [(row[_KEY], np.float32(row["score"]), row["referred"]) for row in rows]


def test_scores_are_those_of_the_endpoint(
    synthetic: Tables, package: Path, expected: list[tuple[str, np.float32, str]], tmp_path: Path
) -> None:
    done = _score(synthetic.claims, synthetic.customers, tmp_path / "out.csv", package)
    assert done.code == 0, done.error
    referred = sum(decision == "1" for _, _, decision in expected)
    assert 0 < referred < 2_000
    assert done.out.startswith(f"2,000 claims: {referred:,} referred, 0 with problems\n")
    assert _found(tables.read(tmp_path / "out.csv")) == expected
    assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]


def _without_label(rows: list[Row]) -> list[Row]:
    return [dict(reversed([(name, value) for name, value in row.items() if name != schema.LABEL])) for row in rows]


def _as_csv(folder: Path, rows: list[Row]) -> Path:
    return tables.write(folder / "claims.csv", _without_label(rows))


def _as_gzip(folder: Path, rows: list[Row]) -> Path:
    file = folder / "claims.csv.gz"
    file.write_bytes(gzip.compress(b"\xef\xbb\xbf" + _as_csv(folder, rows).read_bytes().replace(b"\n", b"\r\n")))
    return file


def _as_json_lines(folder: Path, rows: list[Row]) -> Path:
    file = folder / "claims.jsonl"
    file.write_text("\n" + "\n\n".join(map(json.dumps, rows)))
    return file


def _as_parquet(folder: Path, rows: list[Row]) -> Path:
    convert = pacsv.ConvertOptions(strings_can_be_null=False, null_values=[])
    pq.write_table(pacsv.read_csv(_as_csv(folder, rows), convert_options=convert), folder / "claims.parquet", row_group_size=300)
    return folder / "claims.parquet"


def _as_folder(folder: Path, rows: list[Row]) -> Path:
    """Files of different kinds and headers, in the order of their names; hidden files are none."""
    (folder / "all/b").mkdir(parents=True)
    tables.write(folder / "all/a.csv", rows[:700])
    _as_json_lines(folder, rows[700:1500]).rename(folder / "all/b/c.txt")
    _as_gzip(folder, rows[1500:]).rename(folder / "all/d")
    (folder / "all/.hidden").write_text("x")
    return folder / "all"


@pytest.mark.parametrize("write", [_as_csv, _as_gzip, _as_json_lines, _as_parquet, _as_folder])
def test_files_of_every_kind_are_read(
    synthetic: Tables, package: Path, expected: list[tuple[str, np.float32, str]], tmp_path: Path, write: Callable[[Path, list[Row]], Path]
) -> None:
    claims = write(tmp_path, tables.read(synthetic.claims))
    assert _found(_run(claims, synthetic.customers, tmp_path / "out.csv", package)) == expected


def test_customers_may_be_of_any_kind_and_in_any_order(
    synthetic: Tables, package: Path, expected: list[tuple[str, np.float32, str]], tmp_path: Path
) -> None:
    rows = tables.read(synthetic.customers)
    random.Random(1).shuffle(rows)
    file = tmp_path / "customers.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    assert _found(_run(synthetic.claims, file, tmp_path / "out.csv", package)) == expected


def test_the_output_may_be_json_lines_or_parquet(
    synthetic: Tables, package: Path, expected: list[tuple[str, np.float32, str]], tmp_path: Path
) -> None:
    _run(synthetic.claims, synthetic.customers, tmp_path / "out.parquet", package, has_reasons=True)
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names == [_KEY, "score", "referred", "problem", "reasons"]
    found = zip(table[_KEY].to_pylist(), table["score"].to_numpy(), table["referred"].to_pylist(), strict=True)
    assert [(str(policy), score, str(int(referred))) for policy, score, referred in found] == expected
    assert all(": +" in text for text in table["reasons"].to_pylist())
    _run(synthetic.claims, synthetic.customers, tmp_path / "out.jsonl", package, has_reasons=True)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(str(line[_KEY]), np.float32(line["score"]), str(int(line["referred"]))) for line in lines] == expected
    first = lines[0]["reasons"][0]
    assert table["reasons"][0].as_py().startswith(f"{first['column']} = {first['value']}: {first['contribution']:+.2f}")


def test_bad_records_are_reported_in_place_in_the_words_of_the_quarantine(synthetic: Tables, package: Path, tmp_path: Path) -> None:
    claims, customers = tables.read(synthetic.claims)[:300], tables.read(synthetic.customers)[:300]
    claims[3]["incident_type"], claims[4]["num_injuries"], claims[5][_KEY] = "Alien", "-1", "70001"
    claims[6]["incident_type"] = "Alien"
    customers[6]["customer_age"], customers[7]["auto_year"] = "200", "1800"
    customers[7]["policy_state"] = "Ohio"
    customers[8][_KEY] = "70002"
    customers.append(customers[9] | {"policy_state": "NV" if customers[9]["policy_state"] != "NV" else "CA"})
    customers.append(customers[10] | {"customer_age": f"{customers[10]['customer_age']}.0"})
    customers.append(customers[7])
    customers.append(customers[11] | {"customer_zip": "90000"})
    random.Random(2).shuffle(customers)
    files = tables.write(tmp_path / "claims.csv", claims), tables.write(tmp_path / "customers.csv", customers)
    rows = _run(*files, tmp_path / "out.csv", package)
    assert [row[_KEY] for row in rows] == [claim[_KEY] for claim in claims]
    options = prepare.Options(salt="1", validation=0.1, test=0.1, rows_per_part=1000, max_quarantined=1, memory_limit="1GB", host="h")
    with prepare.database("1GB") as connection:
        prepare.load(connection, claims=files[0], customers=files[1], options=options)
        quarantined = connection.execute("SELECT record, problems FROM quarantine").fetchall()
    assert {place + 1: row["problem"] for place, row in enumerate(rows) if row["problem"]} == dict(quarantined)
    assert len(quarantined) == 8
    assert all((row["score"] == "") == (row["referred"] == "") == bool(row["problem"]) for row in rows)


def test_malformed_lines_are_reported_in_place(synthetic: Tables, package: Path, tmp_path: Path) -> None:
    lines = synthetic.claims.read_text().splitlines()[:40]
    customers = synthetic.customers.read_text().splitlines()
    lines[5], lines[9], lines[20] = lines[5] + ",1,2", '"' + lines[9], "\ufffd"
    customers[30] = "x"
    (tmp_path / "claims.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "customers.csv").write_text("\n".join(customers))
    done = _score(tmp_path / "claims.csv", tmp_path / "customers.csv", tmp_path / "out.csv", package, "--json")
    rows = tables.read(tmp_path / "out.csv")
    assert [place for place, row in enumerate(rows, 1) if row["problem"]] == [5, 9, 20, 30]
    assert [rows[place - 1]["problem"].partition(":")[0] for place in (5, 9, 20)] == ["malformed line"] * 3
    assert rows[29]["problem"] == "policy 30 has no customer"
    document = done.json
    referred = sum(row["referred"] == "1" for row in rows)
    assert (document["claims"], document["problems"], document["referred"], document["threshold"]) == (39, 4, referred, 0.5)


def test_json_with_halves_of_signs_is_scored(synthetic: Tables, package: Path, tmp_path: Path) -> None:
    claim = tables.read(synthetic.claims)[0] | {schema.CLAIM_ID: "\ud800x"}
    (tmp_path / "claims.jsonl").write_text(json.dumps(claim))
    (row,) = _run(tmp_path / "claims.jsonl", synthetic.customers, tmp_path / "out.csv", package)
    assert (row[schema.CLAIM_ID], row["problem"]) == ("\\ud800x", "")


def test_without_claims_the_output_has_no_rows(synthetic: Tables, package: Path, tmp_path: Path) -> None:
    header = synthetic.claims.read_text().splitlines()[0]
    (tmp_path / "claims.csv").write_text(header + "\n")
    done = _score(tmp_path / "claims.csv", synthetic.customers, tmp_path / "out.parquet", package)
    assert done.out.startswith("0 claims: 0 referred, 0 with problems")
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0


def test_a_file_that_is_damaged_further_on_is_bad_input(synthetic: Tables, package: Path, tmp_path: Path) -> None:
    (tmp_path / "claims.csv.gz").write_bytes(gzip.compress(synthetic.claims.read_bytes())[:-2000])
    done = _score(tmp_path / "claims.csv.gz", synthetic.customers, tmp_path / "out.csv", package)
    assert (done.code, "claims.csv.gz cannot be read to its end" in done.error) == (2, True)
    assert not (tmp_path / "out.csv").exists()


def test_a_claim_with_a_problem_is_never_referred(synthetic: Tables, tmp_path: Path) -> None:
    package = serving.linear_package(tmp_path / "package", threshold=0.0)
    claims = [row | {"num_injuries": "x"} if place < 3 else row for place, row in enumerate(tables.read(synthetic.claims)[:10])]
    done = _score(tables.write(tmp_path / "claims.csv", claims), synthetic.customers, tmp_path / "out.csv", package, "--json")
    assert (done.json["claims"], done.json["referred"], done.json["problems"]) == (10, 7, 3)


def test_claim_ids_are_kept_and_repeated_claims_are_scored(synthetic: Tables, package: Path, tmp_path: Path) -> None:
    claims = [row | {schema.CLAIM_ID: f"C-{place}, of ours"} for place, row in enumerate(tables.read(synthetic.claims)[:5])]
    claims.append(claims[0])
    file = tables.write(tmp_path / "claims.csv", claims)
    rows = _run(file, synthetic.customers, tmp_path / "out.csv", package)
    assert [row[schema.CLAIM_ID] for row in rows] == [claim[schema.CLAIM_ID] for claim in claims]
    assert rows[0] == rows[5]
    assert list(rows[0]) == [_KEY, schema.CLAIM_ID, "score", "referred", "problem"]


def test_workers_give_the_bytes_of_one_process(tmp_path: Path) -> None:
    """Enough claims for several chunks, with trees, as the default model has them."""
    synthetic_claims.write(rows=150_000, seed=8, folder=tmp_path)
    few = serving.records(Tables(tmp_path / "claims.csv", tmp_path / "customers.csv"), 3_000)
    features = handlers.input_fn(serving.csv(few), "text/csv").records.features
    label = [float(row[schema.LABEL]) for row in tables.read(tmp_path / "claims.csv")[:3_000]]
    package = serving.boosted_package(tmp_path / "package", features, label)
    for workers in (1, 2):
        done = _score(tmp_path / "claims.csv", tmp_path / "customers.csv", tmp_path / f"{workers}.csv", package, "--workers", workers)
        assert done.code == 0, done.error
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()
    table = pacsv.read_csv(tmp_path / "1.csv")
    assert (table[_KEY].to_numpy() == np.arange(1, 150_001)).all()
    assert 0.05 < np.mean(table["referred"].to_numpy()) < 0.15


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("has_last", [True, False])
def test_chunks_are_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newline: bytes, has_last: bool) -> None:
    header = ",".join(column.name for column in schema.columns(schema.Table.CUSTOMERS)).encode()
    lines = [bytes([97 + size % 26]) * size for size in random.Random(3).choices(range(200), k=400)]
    content = newline.join(lines) + newline * has_last
    (tmp_path / "plain.csv").write_bytes(b"\xef\xbb\xbf" + header + newline + content)
    (tmp_path / "zipped.csv").write_bytes(gzip.compress(header + newline + content))
    for size in (1, 50, 333, 10**6):
        monkeypatch.setattr(inputs, "CHUNK_BYTES", size)
        for name in ("plain.csv", "zipped.csv"):
            chunks = [chunk.read() for chunk in inputs.chunks(inputs.find(tmp_path / name, schema.Table.CUSTOMERS), ())]
            found = [line.removesuffix(b"\r") for chunk in chunks for line in chunk.split(b"\n")]
            assert [line for line in found if line] == [line for line in lines if line], (size, name)


def _register(home: Path, package: Path, status: str) -> None:
    place = Home(home)
    version = len(Registry(History(place)).packages()) + 1
    uri = f"s3://models/{version}/model.tar.gz"
    model_archive.pack(package, place.path(uri))
    request = {"ModelPackageGroupName": "fraud-detection", "ModelApprovalStatus": status,
               "InferenceSpecification": {"Containers": [{"ModelDataUrl": uri}]}}  # fmt: skip
    Registry(History(place)).register(request, "e")


def test_without_a_model_the_latest_approved_one_scores(synthetic: Tables, tmp_path: Path) -> None:
    home = tmp_path / "home"
    arguments = ("score", "--claims", synthetic.claims, "--customers", synthetic.customers, "--out", tmp_path / "out.csv", "--home", home)
    done = fraud(*arguments)
    assert (done.code, "there are no model packages in" in done.error, home.exists()) == (2, True, False)
    for number, status in enumerate(("PendingManualApproval", "Approved", "Approved", "Rejected"), 1):
        _register(home, serving.linear_package(tmp_path / f"package{number}", threshold=number / 10), status)
        done = fraud(*arguments, "--json")
        assert done.code == 0, done.error
        assert done.json["model"] == f"fraud-detection/{min(number, 3)}"
        assert done.json["threshold"] == min(number, 3) / 10
    done = fraud(*arguments, "--model", "1")
    assert "scored with fraud-detection/1, threshold 0.1" in done.out
    Registry(History(Home(home))).set_status("arn:aws:sagemaker:eu-west-1:000000000000:model-package/fraud-detection/3", "Rejected")
    Registry(History(Home(home))).set_status("arn:aws:sagemaker:eu-west-1:000000000000:model-package/fraud-detection/2", "Rejected")
    done = fraud(*arguments)
    assert "no model package is approved; this is the latest, which is Rejected" in done.error
    assert "scored with fraud-detection/4" in done.out
    done = fraud(*arguments, "--model", "fraud-detection/9")
    assert (done.code, "there is no model package fraud-detection/9" in done.error) == (2, True)


def _break(folder: Path, what: str) -> dict[str, object]:
    """What to give instead, for each way to give something wrong."""
    match what:
        case "no claims":
            return {"--claims": folder / "nothing.csv"}
        case "empty":
            (folder / "empty.csv").write_bytes(b"")
            return {"--customers": folder / "empty.csv"}
        case "blank":
            (folder / "blank.csv").write_bytes(b"\n \n")
            return {"--customers": folder / "blank.csv"}
        case "no files":
            (folder / "none").mkdir()
            return {"--claims": folder / "none"}
        case "column":
            (folder / "few.csv").write_text("policy_id,incident_type\n1,Theft\n")
            return {"--claims": folder / "few.csv"}
        case "twice":
            names = [column.name for column in schema.columns(schema.Table.CUSTOMERS)]
            (folder / "twice.csv").write_text(",".join([*names, "auto_year"]) + "\n")
            return {"--customers": folder / "twice.csv"}
        case "list":
            (folder / "list.json").write_text("[]")
            return {"--claims": folder / "list.json"}
        case "gzip":
            (folder / "cut.gz").write_bytes(gzip.compress(b"x" * 10_000)[:20])
            return {"--claims": folder / "cut.gz"}
        case "parquet":
            (folder / "a.parquet").write_bytes(b"PAR1xxxxxxxx")
            return {"--claims": folder / "a.parquet"}
        case "suffix":
            return {"--out": folder / "out.xlsx"}
        case "format":
            return {"--format": "xml"}
        case "model":
            (folder / "model").mkdir()
            (folder / "model/linear.json").write_text("{}")
            return {"--model": folder / "model"}
        case "damaged":
            serving.linear_package(folder / "damaged")
            (folder / "damaged/linear.json").write_text("{}")
            return {"--model": folder / "damaged"}
        case "archive":
            (folder / "model.tar.gz").write_bytes(b"no archive")
            return {"--model": folder / "model.tar.gz"}
    raise AssertionError(what)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no claims", "--claims: there is no file or folder"),
        ("empty", "--customers: empty.csv is empty"),
        ("blank", "--customers: blank.csv is blank"),
        ("no files", "--claims: there are no files in"),
        ("column", "--claims: few.csv lacks the columns driver_relationship"),
        ("twice", "--customers: twice.csv has the column auto_year twice"),
        ("list", "write each record on a line of its own"),
        ("gzip", "--claims: cut.gz cannot be read"),
        ("parquet", "--claims: a.parquet cannot be read"),
        ("suffix", "the name says no format"),
        ("format", "--format xml is not one of csv, jsonl, parquet"),
        ("model", "has no review.json"),
        ("damaged", 'linear.json is not of "format": 1'),
        ("archive", "cannot be unpacked"),
    ],
)
def test_bad_input_ends_with_2_and_leaves_nothing(synthetic: Tables, package: Path, tmp_path: Path, what: str, message: str) -> None:
    given: dict[str, object] = {"--claims": synthetic.claims, "--customers": synthetic.customers, "--out": tmp_path / "o/out.csv"}
    given |= {"--model": package} | _break(tmp_path, what)
    done = fraud("score", *(part for pair in given.items() for part in pair))
    assert (done.code, done.out) == (2, "")
    assert done.error.startswith("error: ")
    assert message in done.error
    assert not [file for file in (tmp_path / "o").glob("*") if file.is_file()]


def test_the_output_replaces_no_input(synthetic: Tables, package: Path, tmp_path: Path) -> None:
    claims = tables.write(tmp_path / "claims.csv", tables.read(synthetic.claims)[:5])
    before = claims.read_bytes()
    done = _score(claims, synthetic.customers, claims, package)
    assert (done.code, "is one of the input files" in done.error, claims.read_bytes()) == (2, True, before)


def test_reasons_of_a_model_that_has_none_are_bad_input(synthetic: Tables, tmp_path: Path) -> None:
    from training_code.scoring import ndarray

    (tmp_path / "package").mkdir()
    (tmp_path / "package/model_algo-1").write_bytes(ndarray.write([np.zeros((2, len(schema.FEATURES)), np.float32)]))
    (tmp_path / "package/review.json").write_text('{"threshold": 0.9}')
    done = _score(synthetic.claims, synthetic.customers, tmp_path / "out.csv", tmp_path / "package", "--reasons")
    assert (done.code, "a kmeans model" in done.error) == (2, True)
    assert _score(synthetic.claims, synthetic.customers, tmp_path / "out.csv", tmp_path / "package").code == 0


@pytest.fixture
def started(package: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A process that scores enough claims to be stopped, and its workers."""
    synthetic_claims.write(rows=400_000, seed=9, folder=tmp_path)
    arguments = ("--claims", tmp_path / "claims.csv", "--customers", tmp_path / "customers.csv", "--out", tmp_path / "out.csv")
    whole = command("score", *arguments, "--model", package, "--workers", 2)
    process = subprocess.Popen(whole, cwd=PROJECT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    _wait_until(lambda: len(children.read_text().split()) == 2)
    yield process, [int(child) for child in children.read_text().split()]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["claims.csv", "customers.csv"]


def _wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_killed_worker_ends_it_with_1_and_without_an_output(started: tuple[subprocess.Popen[str], list[int]]) -> None:
    process, workers = started
    os.kill(workers[0], signal.SIGKILL)
    out, error = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert "error: a worker process ended with exit code -9" in error


def test_an_interrupt_leaves_no_process_and_no_output(started: tuple[subprocess.Popen[str], list[int]]) -> None:
    process, workers = started
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped; nothing was written" in error
    _wait_until(lambda: not [worker for worker in workers if Path(f"/proc/{worker}").exists()])


def test_real_claims_score_as_their_encoded_splits(real: Tables, package: Path, tmp_path: Path) -> None:
    """The same score from the raw files as evaluation gives to what preprocessing made of them."""
    from tests.support import steps
    from training_code import scoring

    assert steps.preprocess(real.claims, real.customers, tmp_path / "prepared").code == 0
    rows = {row[_KEY]: np.float32(row["score"]) for row in _run(real.claims, real.customers, tmp_path / "out.csv", package)}
    assert len(rows) == 5_000
    for split in ("train", "validation", "test"):
        found = encoded.read(tmp_path / "prepared" / split)
        score = scoring.load(package).score(found.features)
        assert all(rows[str(policy)] == value for policy, value in zip(found.policy, score, strict=True))


