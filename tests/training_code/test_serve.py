"""The handlers: what a client sends, what it gets back, and what is refused."""

import csv
import io
import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support import serving
from tests.support.claims import Row, Tables
from training_code import scoring
from training_code.claims import schema
from training_code.serve import csv_records, encoding, handlers, inference
from training_code.serve.errors import RequestError, UnsupportedAcceptError, UnsupportedContentTypeError
from training_code.serve.layout import RECORD

CSV, LINES, JSON, PARQUET = "text/csv", "application/jsonlines", "application/json", "application/vnd.apache.parquet"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return serving.linear_package(tmp_path_factory.mktemp("served") / "package")


@pytest.fixture(scope="module")
def model(package: Path) -> handlers.Model:
    return handlers.model_fn(str(package))


@pytest.fixture(scope="module")
def rows(synthetic: Tables) -> list[Row]:
    return serving.records(synthetic, 20)


@pytest.fixture(scope="module")
def expected(rows: list[Row], package: Path) -> list[tuple[int, np.float32]]:
    """Policy and score, straight from the features."""
    judged = encoding.judge(csv_records.read(serving.csv(rows).encode(), RECORD.names, RECORD))
    score = scoring.load(package).score(judged.features)
    return [(int(row[schema.KEY]), value) for row, value in zip(rows, score, strict=True)]


def _answer(model: handlers.Model, body: str | bytes, content_type: str, accept: str = "") -> tuple[str, str]:
    found, kind = handlers.output_fn(handlers.predict_fn(handlers.input_fn(body, content_type), model), accept)
    return (found if isinstance(found, str) else found.decode()), kind


def _csv(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_the_answer_is_the_same_however_the_records_are_sent(
    model: handlers.Model, rows: list[Row], expected: list[tuple[int, np.float32]]
) -> None:
    parquet = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(serving.objects(rows)), parquet)
    turned = [dict(reversed(row.items())) | {"extra": "1"} for row in rows]
    sent: list[tuple[str | bytes, str]] = [
        (serving.csv(rows), CSV),
        (serving.csv(turned, header=True).encode(), "text/csv; charset=utf-8"),
        ("\ufeff" + serving.csv(rows, header=True).replace("\n", "\r\n"), CSV),
        ("\n".join(json.dumps(record | {"extra": [1]}) for record in serving.objects(rows)), LINES),
        ("\n\n".join(json.dumps(record) for record in rows).encode() + b"\n\n", "application/x-ndjson"),
        (json.dumps(serving.objects(rows)), JSON),
        (parquet.getvalue(), PARQUET),
    ]
    for body, content_type in sent:
        text, kind = _answer(model, body, content_type, CSV)
        assert kind == CSV
        answers = _csv(text)
        assert [(int(policy), np.float32(score)) for policy, score, _, _ in answers] == expected, content_type
        assert [referred for _, _, referred, _ in answers] == [str(int(score >= np.float32(serving.THRESHOLD))) for _, score in expected]
        assert {problem for _, _, _, problem in answers} == {""}
    assert 0 < sum(score >= serving.THRESHOLD for _, score in expected) < len(expected)


def test_json_answers_say_the_same_and_why(model: handlers.Model, rows: list[Row], expected: list[tuple[int, np.float32]]) -> None:
    text, kind = _answer(model, serving.csv(rows), CSV, LINES)
    assert kind == LINES
    answers = [json.loads(line) for line in text.splitlines()]
    assert [(answer["policy_id"], np.float32(answer["score"])) for answer in answers] == expected
    assert all(answer["referred"] is bool(score >= serving.THRESHOLD) for answer, (_, score) in zip(answers, expected, strict=True))
    assert {answer["threshold"] for answer in answers} == {0.5}
    for answer, row in zip(answers, rows, strict=True):
        assert answer["problem"] is None
        assert 0 < len(answer["reasons"]) <= 3
        pushes = [reason["contribution"] for reason in answer["reasons"]]
        assert pushes == sorted(pushes, reverse=True)
        for reason in answer["reasons"]:
            assert str(reason["value"]) == row[reason["column"]] or float(reason["value"]) == pytest.approx(float(row[reason["column"]]))


@pytest.mark.parametrize(("accept", "number"), [("application/json; reasons=1", 1), ("application/json;reasons=0", None), (JSON, 3)])
def test_a_client_says_how_many_reasons_it_wants(model: handlers.Model, rows: list[Row], accept: str, number: int | None) -> None:
    text, _ = _answer(model, serving.csv(rows), CSV, accept)
    counts = {len(answer["reasons"]) if "reasons" in answer else None for answer in json.loads(text)}
    assert max(count or 0 for count in counts) == (number or 0)
    assert (None in counts) == (number is None)


def test_a_model_that_gives_no_reasons_is_served_without(tmp_path: Path, rows: list[Row]) -> None:
    from training_code.scoring import ndarray

    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "model_algo-1").write_bytes(ndarray.write([np.zeros((2, len(schema.FEATURES)), np.float32)]))
    (folder / "review.json").write_text('{"threshold": 0.9}')
    text, _ = _answer(handlers.model_fn(str(folder)), json.dumps(serving.objects(rows)[0]), JSON)
    answer = json.loads(text)
    assert 0 < answer["score"] < 1
    assert "reasons" not in answer


def test_one_object_gets_one_object(model: handlers.Model, rows: list[Row], expected: list[tuple[int, np.float32]]) -> None:
    text, kind = _answer(model, json.dumps(serving.objects(rows)[0]), JSON, "*/*")
    assert (json.loads(text)["policy_id"], kind) == (expected[0][0], JSON)
    assert len(json.loads(_answer(model, json.dumps(serving.objects(rows)[:1]), JSON)[0])) == 1
    assert _answer(model, "[]", JSON) == ("[]", JSON)


def test_bad_records_are_answered_in_their_place(model: handlers.Model, rows: list[Row], expected: list[tuple[int, np.float32]]) -> None:
    lines = serving.csv(rows).splitlines()
    wrong = {
        2: (",".join((rows[2] | {"incident_type": "Alien"}).values()), "incident_type 'Alien' is not one of Collision, Break-in, Theft"),
        5: (lines[5].rpartition(",")[0], "malformed line: fewer values than columns"),
        6: (lines[6] + ",7", "malformed line: more values than columns"),
        9: (",".join((rows[9] | {"num_injuries": "many", "auto_year": "2100.5"}).values()),
            "num_injuries 'many' is not a number; auto_year 2100.5 is not an integer"),
        11: ('"' + lines[11], "malformed line: a quote that is not closed, or text beside a quoted value"),
        13: (",".join((rows[13] | {"total_claim_amount": "1"}).values()), "total_claim_amount is not injury_claim + vehicle_claim"),
        15: (",".join((rows[15] | {schema.KEY: ""}).values()), "policy_id is missing or not a number"),
        19: (",".join((rows[19] | {"customer_age": "7", "policy_state": ""}).values()),
             "customer_age 7 is not between 15 and 120; policy_state is missing"),
    }  # fmt: skip
    for place, (line, _) in wrong.items():
        lines[place] = line
    answers = _csv(_answer(model, "\n".join(lines), CSV)[0])
    assert len(answers) == len(rows)
    for place, (policy, score, referred, problem) in enumerate(answers):
        if place in wrong:
            assert (score, referred, problem) == ("", "", wrong[place][1])
        else:
            assert (int(policy), np.float32(score), problem) == (*expected[place], "")
    assert [answers[place][0] for place in (2, 5, 15)] == [rows[2][schema.KEY], "", ""]


def test_bad_json_records_are_answered_in_their_place(model: handlers.Model, rows: list[Row]) -> None:
    record = serving.objects(rows)[0]
    lacking = {name: value for name, value in record.items() if name not in ("customer_age", "policy_state")}
    changed: list[Any] = [
        record, "{", [1], lacking, record | {"num_injuries": True}, record | {"policy_state": 5}, record | {"num_witnesses": None},
        record | {"policy_id": 10**400}, record | {"auto_year": {"a": 1}}, record | {"incident_hour": float("inf")},
        record | {"police_report_available": "Y\ne\x00s\u2028\ud800"}, record | {"num_injuries": "0.0", "auto_year": 2010.0},
    ]  # fmt: skip
    body = "\n".join(value if isinstance(value, str) else json.dumps(value) for value in changed)
    problems = [json.loads(line)["problem"] for line in _answer(model, body, LINES)[0].splitlines()]
    assert problems == [
        None,
        "malformed line: not JSON: Expecting property name enclosed in double quotes at character 2",
        "malformed line: not a JSON object",
        "customer_age is missing or not a number; policy_state is missing",
        "num_injuries 'true' is not a number",
        "policy_state '5' is not one of CA, WA, AZ, OR, NV, ID",
        "num_witnesses is missing or not a number",
        "policy_id inf is not between 0 and 9007199254740992",
        "auto_year '{\"a\": 1}' is not a number",
        "incident_hour inf is not between 0 and 23",
        "police_report_available 'Y\\x0ae\\x00s\\x2028\\xd800' is not one of No, Yes",
        None,
    ]
    nested = "[" * 100_000
    assert "nested too deeply" in json.loads(_answer(model, nested, LINES)[0])["problem"]
    with pytest.raises(RequestError, match="nested too deeply"):
        handlers.input_fn(nested, JSON)


def test_encoded_claims_are_scored_as_they_are(model: handlers.Model, rows: list[Row], expected: list[tuple[int, np.float32]]) -> None:
    """What explains a model sends features, also such as no claim has."""
    judged = encoding.judge(csv_records.read(serving.csv(rows).encode(), RECORD.names, RECORD))
    lines = [",".join(map(str, features)) for features in judged.features]
    strange = ",".join(["0.5"] * len(schema.FEATURES))
    text = "\n".join([*lines, strange, lines[0].replace("0.0", "", 1), "1,2"])
    answers = _csv(_answer(model, text, CSV)[0])
    assert [(policy, np.float32(score)) for policy, score, _, _ in answers[:-3]] == [("", score) for _, score in expected]
    assert answers[-3][3] == ""
    assert answers[-2][3] == f"{schema.FEATURE_NAMES[list(judged.features[0]).index(0)]} is missing or not a number"
    assert answers[-1] == ["", "", "", "malformed line: fewer values than columns"]
    header = ",".join(reversed(schema.FEATURE_NAMES))
    turned = "\n".join([header, *(",".join(reversed(line.split(","))) for line in lines)])
    assert _csv(_answer(model, turned, CSV)[0]) == answers[:-3]


def test_the_first_line_may_be_the_bad_one(model: handlers.Model, rows: list[Row]) -> None:
    answers = _csv(_answer(model, "not,a,claim\n" + serving.csv(rows), CSV)[0])
    assert [bool(problem) for *_, problem in answers] == [True] + [False] * len(rows)


def test_in_batch_transform_every_line_gets_a_line(model: handlers.Model, rows: list[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    """The service joins and assembles lines by counting them; the line of a header is one."""
    text = serving.csv(rows, header=True)
    assert len(_answer(model, text, CSV)[0].splitlines()) == len(rows)
    monkeypatch.setenv("SAGEMAKER_BATCH", "true")
    lines = _answer(model, text, CSV)[0].splitlines()
    assert (len(lines), lines[0]) == (len(rows) + 1, "policy_id,score,referred,problem")
    assert _answer(model, serving.csv(rows), CSV)[0].splitlines() == lines[1:]


def test_a_header_that_lacks_a_column_makes_every_record_bad(model: handlers.Model, rows: list[Row]) -> None:
    short = [{name: value for name, value in row.items() if name != "auto_year"} for row in rows]
    answers = _csv(_answer(model, serving.csv(short, header=True), CSV)[0])
    assert {problem for *_, problem in answers} == {"auto_year is missing or not a number"}


@pytest.mark.parametrize(
    ("body", "content_type", "error", "message"),
    [
        ("a", "text/html", UnsupportedContentTypeError, "cannot read 'text/html'; send one of text/csv, "),
        ("a", "", UnsupportedContentTypeError, "cannot read ''"),
        ("{", JSON, RequestError, "not JSON"),
        ("3", JSON, RequestError, "neither a JSON object nor a list"),
        (b"\xff\xfe", JSON, RequestError, "not UTF-8"),
        (b"PAR1 and no more", PARQUET, RequestError, "not a readable Parquet file"),
        ("policy_id,policy_id\n1,1\n", CSV, RequestError, "has the column policy_id twice"),
    ],
)
def test_what_cannot_be_read_at_all_is_refused(body: str | bytes, content_type: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        handlers.input_fn(body, content_type)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", CSV), ("*/*", CSV), ("text/html, application/json;q=0.5, application/jsonlines;q=0.9", LINES),
        ("APPLICATION/JSON", JSON), ("application/json;q=0, text/csv;q=0.1", CSV), ("application/json;q=x", JSON),
    ],
)  # fmt: skip
def test_the_clients_favourite_type_is_answered(model: handlers.Model, rows: list[Row], accept: str, kind: str) -> None:
    assert _answer(model, serving.csv(rows), CSV, accept)[1] == kind


def test_a_type_that_cannot_be_written_is_refused(model: handlers.Model, rows: list[Row]) -> None:
    for accept in ("text/html", PARQUET, "application/json;q=0"):
        with pytest.raises(UnsupportedAcceptError, match="accept one of text/csv, application/jsonlines, application/json"):
            _answer(model, serving.csv(rows), CSV, accept)


def test_without_records_there_are_no_answers(model: handlers.Model) -> None:
    for body in ("", "\n\r\n", ",".join(RECORD.names) + "\n", b"\xef\xbb\xbf"):
        assert _answer(model, body, CSV)[0] == ""
    assert _answer(model, "\n \n", LINES)[0] == ""


def test_in_the_container_a_refusal_has_its_own_status(
    model: handlers.Model, rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The container's toolkit answers 500 to whatever is raised; anywhere else it is raised."""
    with pytest.raises(UnsupportedContentTypeError):
        inference.input_fn("a", "text/html")
    monkeypatch.setitem(sys.modules, "sagemaker_containers", types.ModuleType("sagemaker_containers"))

    def answer(body: str, content_type: str, accept: str) -> Any:
        return inference.output_fn(inference.predict_fn(inference.input_fn(body, content_type), model), accept)

    text = serving.csv(rows)
    assert answer(text, CSV, CSV) == handlers.output_fn(handlers.predict_fn(handlers.input_fn(text, CSV), model), CSV)
    refused = [answer("a", "text/html", CSV), answer(text, CSV, "text/html"), answer("{", JSON, JSON)]
    assert [response.status_code for response in refused] == [415, 406, 400]
    assert refused[0].get_json()["message"].startswith("cannot read 'text/html'")


def test_a_package_that_cannot_be_served_says_why(tmp_path: Path) -> None:
    folder = serving.linear_package(tmp_path / "package")
    document = json.loads((folder / "linear.json").read_text())
    other = {**document, "features": list(reversed(document["features"]))}
    (folder / "linear.json").write_text(json.dumps(other))
    with pytest.raises(scoring.ModelError, match="takes other features"):
        handlers.model_fn(str(folder))


def test_a_threshold_is_compared_in_single_precision(tmp_path: Path, rows: list[Row], expected: list[tuple[int, np.float32]]) -> None:
    """A threshold is the score of some claim, which must then be referred."""
    policy, score = expected[3]
    model = handlers.model_fn(str(serving.linear_package(tmp_path / "package", threshold=float(str(score)))))
    answers = {int(line[0]): line[2] for line in _csv(_answer(model, serving.csv(rows), CSV)[0])}
    assert answers[policy] == "1"
    assert sum(answer == "1" for answer in answers.values()) == sum(other >= score for _, other in expected)
