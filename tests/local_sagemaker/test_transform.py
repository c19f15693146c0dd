"""Batch transform: a model's handlers over the objects of a prefix."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker import Home, Result
from local_sagemaker.sandbox import Isolation, namespaces_work
from tests.support.definitions import IMAGE, archive, model, put, run, statuses, transform

MODES = [
    Isolation.REWRITE,
    pytest.param(Isolation.NAMESPACE, marks=pytest.mark.skipif(not namespaces_work(), reason="this machine has no user namespaces")),
]
# Answers each line with its length times what lies beside the code in the archive.
LENGTHS = """
import pathlib
def model_fn(model_dir): return int(pathlib.Path(model_dir, 'factor').read_text())
def transform_fn(model, data, content_type, accept):
    return '\\n'.join(str(model * len(line)) for line in data.splitlines()), accept
"""
FACTOR = {"factor": "10"}
# Says how many records each request had.
COUNTS = """
def model_fn(model_dir): return None
def transform_fn(model, data, content_type, accept): return str(len(data.splitlines()))
"""
# Doubles the field x of JSON lines.
DOUBLE = """
import json
def model_fn(model_dir): return 2
def input_fn(data, content_type): return [json.loads(line) for line in data.decode().splitlines()]
def predict_fn(rows, model): return [model * row['x'] for row in rows]
def output_fn(values, accept): return '\\n'.join(json.dumps({'double': value}) for value in values)
"""
JSON_LINES = {"source": {"ContentType": "application/jsonlines"}, "target": {"Accept": "application/jsonlines"}}


def outputs(home: Home, result: Result, step: str = "Batch") -> dict[str, str]:
    assert result.step(step).reason == ""
    uri = result.step(step).properties["TransformOutput"]["S3OutputPath"]
    return {key: file.read_text() for key, file in home.objects(uri)}


def reason(home: Home, *steps: Any, **options: Any) -> str:
    """Why the step Batch failed; nothing of it may be there."""
    result = run(home, *steps, **options)
    assert result.step("Batch").status == "Failed"
    assert not home.exists(f"s3://runs/{result.execution}")
    return result.step("Batch").reason


@pytest.mark.parametrize("isolation", MODES)
def test_every_object_has_its_output_below_the_same_prefix(home: Home, isolation: Isolation) -> None:
    put(home, "s3://data/in/a.csv", "1\n22\r\n\n333")
    put(home, "s3://data/in/sub/b.csv", "4444\n")
    put(home, "s3://data/in/sub/empty.csv", "")
    result = run(home, model(home, LENGTHS, files=FACTOR), transform(), isolation=isolation)
    assert outputs(home, result) == {"a.csv.out": "10\n20\n30\n", "sub/b.csv.out": "40\n", "sub/empty.csv.out": ""}
    properties = result.step("Batch").properties
    assert properties["TransformJobStatus"] == "Completed"
    assert properties["TransformJobName"] == f"pipelines-{result.execution}-Batch"


def test_a_later_run_finds_the_model_by_its_name(home: Home) -> None:
    put(home, "s3://data/in/a.csv", "1\n")
    name = run(home, model(home, LENGTHS, files=FACTOR)).step("Create").properties["ModelName"]
    assert outputs(home, run(home, transform(model_name=name), pipeline="other")) == {"a.csv.out": "10\n"}
    assert f"there is no model lost; a Model step makes one, and the latest are {name}" in reason(home, transform(model_name="lost"))


@pytest.mark.parametrize(
    ("strategy", "expected"), [("MultiRecord", "3\n2\n"), ("SingleRecord", "1\n1\n1\n1\n1\n")], ids=["multi", "single"]
)
def test_records_share_a_request_up_to_its_size(home: Home, strategy: str, expected: str) -> None:
    """A record of 340,000 bytes: three of them fit 1 MiB."""
    put(home, "s3://data/in/a.csv", f"{'x' * 340_000}\n" * 5)
    step = transform(BatchStrategy=strategy, MaxPayloadInMB=1, MaxConcurrentTransforms=4)
    assert outputs(home, run(home, model(home, COUNTS), step)) == {"a.csv.out": expected}


def test_a_record_larger_than_a_request_is_named(home: Home) -> None:
    put(home, "s3://data/in/sub/a.csv", "1\n" + "x" * 1024 * 1024 + "\nx" + "x" * 1024 * 1024)
    step = transform(MaxPayloadInMB=1)
    assert reason(home, model(home, COUNTS), step) == (
        "object sub/a.csv, line 3: the record is larger than 1,048,576 bytes (MaxPayloadInMB)"
    )
    whole = transform(MaxPayloadInMB=1, source={"SplitType": "None"})
    assert reason(home, model(home, COUNTS), whole) == "object sub/a.csv: it is larger than 1,048,576 bytes (MaxPayloadInMB)"


def test_instances_share_the_objects_and_none_starts_without_one(home: Home) -> None:
    script = """
    import os, pathlib
    def model_fn(model_dir): print('loaded'); return os.getpid()
    def transform_fn(model, data, content_type, accept): return str(model)
    """
    for name in "abc":
        put(home, f"s3://data/in/{name}", name)
    result = run(home, model(home, script), transform(instances=2))
    found = outputs(home, result)
    assert set(found) == {"a.out", "b.out", "c.out"}
    assert found["a.out"] == found["c.out"] != found["b.out"]
    assert _logs(home, result) == ["algo-1.log", "algo-2.log"]
    more = run(home, model(home, script), transform(instances=9))
    assert len({*outputs(home, more).values()}) == 3
    assert _logs(home, more) == ["algo-1.log", "algo-2.log", "algo-3.log"]


def _logs(home: Home, result: Result) -> list[str]:
    return sorted(log.name for log in home.job(result.execution, "Batch").rglob("*.log"))


@pytest.mark.parametrize("assemble", ["Line", "None"])
def test_answers_are_assembled_by_line_or_as_they_are(home: Home, assemble: str) -> None:
    put(home, "s3://data/in/a", "1\n22")
    step = transform(BatchStrategy="SingleRecord", target={"AssembleWith": assemble})
    expected = {"Line": "10\n20\n", "None": "1020"}[assemble]
    assert outputs(home, run(home, model(home, LENGTHS, files=FACTOR), step)) == {"a.out": expected}


def test_without_a_split_the_object_is_one_request_of_bytes(home: Home) -> None:
    script = """
    def model_fn(model_dir): return None
    def transform_fn(model, data, content_type, accept): return data[::-1], accept
    """
    put(home, "s3://data/in/a.bin", b"\x00\nabc\n")
    more: Any = {"source": {"SplitType": "None", "ContentType": "application/octet-stream"}, "target": {"AssembleWith": "None"}}
    assert outputs(home, run(home, model(home, script), transform(**more))) == {"a.bin.out": "\ncba\n\x00"}


def test_gzip_is_unpacked_and_broken_gzip_is_named(home: Home) -> None:
    packed = gzip.compress(b"1\n22\n")
    put(home, "s3://data/in/a.gz", packed)
    step = transform(source={"CompressionType": "Gzip"})
    assert outputs(home, run(home, model(home, LENGTHS, files=FACTOR), step)) == {"a.gz.out": "10\n20\n"}
    put(home, "s3://data/in/b.gz", packed[:-6])
    assert "object b.gz cannot be read" in reason(home, model(home, LENGTHS, files=FACTOR), step)
    put(home, "s3://data/in/b.gz", "1\n")
    assert "object b.gz cannot be read: Not a gzipped file" in reason(home, model(home, LENGTHS, files=FACTOR), step)


def test_the_container_has_the_variables_of_a_batch_job(home: Home) -> None:
    script = """
    import importlib.util, json, os
    def model_fn(model_dir): return model_dir
    def transform_fn(model, data, content_type, accept):
        names = [name for name in ('worker', 'records', 'sandbox') if importlib.util.find_spec(name)]
        return json.dumps({'names': names, 'model': model, 'types': [content_type, accept], **os.environ})
    """
    own = {"SAGEMAKER_PROGRAM": "inference.py", "OF": "model", "BOTH": "model"}
    put(home, "s3://data/in/a", "1")
    step = transform(MaxPayloadInMB=3, Environment={"BOTH": "job"}, target={"Accept": "application/json"})
    result = run(home, model(home, script, environment=own), step, isolation=MODES[1] if namespaces_work() else MODES[0])
    seen = json.loads(outputs(home, result)["a.out"])
    assert seen["SAGEMAKER_BATCH"] == "true"
    assert (seen["SAGEMAKER_BATCH_STRATEGY"], seen["SAGEMAKER_MAX_PAYLOAD_IN_MB"]) == ("MULTI_RECORD", "3")
    assert (seen["OF"], seen["BOTH"], seen["types"], seen["names"]) == ("model", "job", ["text/csv", "application/json"], [])


def test_code_may_have_modules_of_its_own_and_come_as_an_archive(home: Home) -> None:
    """Its modules may be named as the files of the program that loads them."""
    code = {"serve.py": "import records\ndef model_fn(d): return 1\ntransform_fn = records.answer\n"}
    code["records.py"] = "def answer(model, data, content_type, accept): return 'mine'\n"
    uri = archive(home, "s3://code/sourcedir.tar.gz", code)
    own = {"SAGEMAKER_PROGRAM": "serve.py", "SAGEMAKER_SUBMIT_DIRECTORY": uri}
    put(home, "s3://data/in/a", "1\n")
    assert outputs(home, run(home, model(home, "", environment=own), transform())) == {"a.out": "mine\n"}
    lost = model(home, "", environment=own | {"SAGEMAKER_SUBMIT_DIRECTORY": "s3://code/lost.tar.gz"})
    assert reason(home, lost, transform()) == "there is nothing at s3://code/lost.tar.gz"


def test_what_is_not_given_has_the_defaults_of_the_toolkit(home: Home) -> None:
    script = """
    class Model:
        def predict(self, rows): return rows.sum(axis=1)
    def model_fn(model_dir): return Model()
    """
    put(home, "s3://data/in/a.csv", "1,2\n3,4.5\n")
    assert outputs(home, run(home, model(home, script), transform())) == {"a.csv.out": "3.0\n7.5\n"}
    put(home, "s3://data/in/a.csv", "[[1, 2], [3, 4]]")
    more: Any = {"source": {"SplitType": "None", "ContentType": "application/json"}, "target": {"Accept": "application/json"}}
    assert outputs(home, run(home, model(home, script), transform(**more))) == {"a.csv.out": "[3, 7]\n"}


def test_a_booster_predicts_by_default(home: Home, tmp_path: Path) -> None:
    import numpy
    import xgboost

    data = numpy.arange(8, dtype=numpy.float32).reshape(4, 2)
    booster = xgboost.train({"max_depth": 1}, xgboost.DMatrix(data, [0, 0, 1, 1]), num_boost_round=2)
    script = """
    import pathlib, xgboost
    def model_fn(model_dir):
        booster = xgboost.Booster()
        booster.load_model(str(pathlib.Path(model_dir, 'model.json')))
        return booster
    """
    booster.save_model(tmp_path / "model.json")
    put(home, "s3://data/in/a.csv", "\n".join(",".join(map(str, row)) for row in data.tolist()))
    create = model(home, script, files={"model.json": (tmp_path / "model.json").read_text()})
    found = [float(line) for line in outputs(home, run(home, create, transform()))["a.csv.out"].splitlines()]
    assert found == booster.inplace_predict(data).tolist()


def test_join_and_filters_on_csv(home: Home) -> None:
    """The first column is not the model's; quotes and the way numbers are written stay."""
    put(home, "s3://data/in/a.csv", 'k1,1.50,"x, y"\nk2,007,z\n')
    processed = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,2,-1]"}
    found = outputs(home, run(home, model(home, LENGTHS, files=FACTOR), transform(DataProcessing=processed)))
    assert found == {"a.csv.out": 'k1,"x, y",110\nk2,z,50\n'}
    joined = outputs(home, run(home, model(home, LENGTHS, files=FACTOR), transform(DataProcessing={"JoinSource": "Input"})))
    assert joined == {"a.csv.out": 'k1,1.50,"x, y",140\nk2,007,z,80\n'}


def test_only_a_newline_ends_a_record(home: Home) -> None:
    put(home, "s3://data/in/a", "k\u2028,1\x0b\nl,2\n")
    processed = {"InputFilter": "$[1]", "JoinSource": "Input"}
    found = outputs(home, run(home, model(home, LENGTHS, files=FACTOR), transform(DataProcessing=processed, BatchStrategy="SingleRecord")))
    assert found == {"a.out": "k\u2028,1\x0b,10\nl,2,10\n"}
    put(home, "s3://data/in/a", 'k,"1\nl,2\n')
    said = reason(home, model(home, LENGTHS, files=FACTOR), transform(DataProcessing=processed))
    assert said == "object a, lines 1–2: ValueError: a quote in a row of CSV is not closed on its line"


def test_join_and_filters_on_json_lines(home: Home) -> None:
    put(home, "s3://data/in/a", '{"id": 1, "in": {"x": 5}}\n{"id": 2, "in": {"x": 7}}\n')
    processed = {"InputFilter": "$.in", "JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"}
    found = outputs(home, run(home, model(home, DOUBLE), transform(DataProcessing=processed, **JSON_LINES)))
    assert [json.loads(line) for line in found["a.out"].splitlines()] == [
        {"id": 1, "SageMakerOutput": {"double": 10}},
        {"id": 2, "SageMakerOutput": {"double": 14}},
    ]
    processed = {"InputFilter": "$.in", "OutputFilter": "$.double"}
    only = outputs(home, run(home, model(home, DOUBLE), transform(DataProcessing=processed, **JSON_LINES)))
    assert only == {"a.out": "10\n14\n"}


def test_a_json_answer_to_one_record_may_spread_over_lines(home: Home) -> None:
    script = """
    import json
    def model_fn(model_dir): return None
    def transform_fn(model, data, content_type, accept): return json.dumps({'seen': json.loads(data)}, indent=2)
    """
    put(home, "s3://data/in/a", "[1, 2]")
    kind = "application/json"
    for split in ("Line", "None"):
        source, target = {"ContentType": kind, "SplitType": split}, {"Accept": kind, "AssembleWith": split}
        step = transform(DataProcessing={"JoinSource": "Input"}, source=source, target=target)
        found = outputs(home, run(home, model(home, script), step))["a.out"]
        assert json.loads(found) == {"SageMakerInput": [1, 2], "SageMakerOutput": {"seen": [1, 2]}}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks into /proc")
def test_a_large_object_is_never_in_memory_as_a_whole(home: Home) -> None:
    script = """
    import pathlib
    def model_fn(model_dir): return None
    def transform_fn(model, data, content_type, accept):
        return pathlib.Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]
    """
    put(home, "s3://data/in/a", b"x" * 999_999 + b"\n")
    file = home.path("s3://data/in/a")
    with file.open("ab") as stream:
        for _ in range(199):
            stream.write(b"x" * 999_999 + b"\n")
    peak = max(int(line) for line in outputs(home, run(home, model(home, script), transform()))["a.out"].splitlines())
    assert peak * 1024 < file.stat().st_size / 2


FAILS_AT = """
def model_fn(model_dir): return None
def transform_fn(model, data, content_type, accept):
    if 'bad' in data: {how}
    return data
"""


@pytest.mark.parametrize(
    ("how", "strategy", "said"),
    [
        ("raise ValueError('no such claim')", "MultiRecord", "object b.csv, lines 1–3: ValueError: no such claim"),
        ("raise ValueError('no such claim')", "SingleRecord", "object b.csv, line 3: ValueError: no such claim"),
        ("raise SystemExit(0)", "SingleRecord", "object b.csv, line 3: SystemExit: 0"),
        ("return 5", "SingleRecord", "object b.csv, line 3: the handlers returned int, where a response is text or bytes"),
        ("import os; os._exit(0)", "SingleRecord", "the process ended without an error before object b.csv was done"),
    ],
)
def test_a_failure_names_object_lines_and_cause_and_leaves_nothing(home: Home, how: str, strategy: str, said: str) -> None:
    put(home, "s3://data/in/a.csv", "fine\n")
    put(home, "s3://data/in/b.csv", "fine\n\nbad\n")
    assert reason(home, model(home, FAILS_AT.format(how=how)), transform(BatchStrategy=strategy)) == said


def test_the_log_has_what_handlers_print_and_where_they_failed(home: Home) -> None:
    put(home, "s3://data/in/a", "bad")
    step = run(home, model(home, FAILS_AT.format(how="print('about to'); raise KeyError('x')")), transform()).step("Batch")
    assert step.log is not None
    log = step.log.read_text()
    assert "about to" in log
    assert "in transform_fn" in log


def test_records_and_answers_that_do_not_match_are_not_joined(home: Home) -> None:
    put(home, "s3://data/in/a", "1\n2\n3\n")
    said = reason(home, model(home, COUNTS), transform(DataProcessing={"JoinSource": "Input"}))
    assert said == "object a, lines 1–3: ValueError: 3 records went in and 1 came out, which cannot be joined"
    said = reason(home, model(home, COUNTS), transform(DataProcessing={"InputFilter": "$[4]"}))
    assert said == "object a, lines 1–3: PathError: there is nothing at $[4]"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("x = 1", "inference.py has no model_fn(model_dir), which loads the model"),
        ("import nothing_of_the_kind", "cannot import inference.py from"),
        ("def model_fn(d): raise OSError('no model')", "model_fn of inference.py: OSError: no model"),
        ("def model_fn(d): 1\ndef transform_fn(): 1\ndef input_fn(): 1", "has transform_fn and input_fn; either the one or the others"),
    ],
)
def test_handlers_that_cannot_work_are_refused_with_the_reason(home: Home, script: str, said: str) -> None:
    put(home, "s3://data/in/a", "1")
    assert said in reason(home, model(home, script), transform())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": {"SplitType": "RecordIO"}}, "SplitType is RecordIO; what runs here is Line or None"),
        ({"source": {"CompressionType": "Zip"}}, "CompressionType is Zip"),
        ({"BatchStrategy": "All"}, "BatchStrategy is All"),
        ({"target": {"AssembleWith": "Tab"}}, "AssembleWith is Tab"),
        ({"MaxPayloadInMB": 60, "MaxConcurrentTransforms": 2}, "is more than 100, which SageMaker refuses"),
        ({"uri": "s3://data/nothing/"}, "there are no objects at s3://data/nothing/"),
        ({"DataProcessing": {"InputFilter": "x"}}, "'x' is no JSONPath"),
        ({"DataProcessing": {"InputFilter": "$[1"}}, "cannot be read at '[1'"),
        ({"DataProcessing": {"JoinSource": "Input"}, "target": {"Accept": "application/json"}}, "works on CSV or on JSON in and out"),
        ({"DataProcessing": {"JoinSource": "Input"}, "target": {"AssembleWith": "None"}}, "must be the same"),
    ],
)
def test_requests_that_mean_nothing_here_are_refused(home: Home, changes: dict[str, Any], said: str) -> None:
    put(home, "s3://data/in/a", "1")
    assert said in reason(home, model(home, COUNTS), transform(**changes))


def test_models_that_cannot_be_served_are_refused(home: Home) -> None:
    put(home, "s3://data/in/a", "1")
    assert "has no code: its environment has no SAGEMAKER_PROGRAM" in reason(home, model(home, COUNTS, environment={}), transform())
    unknown = model(home, COUNTS, image="123.dkr.ecr.eu-west-1.amazonaws.com/my/server:7")
    assert "no local runtime stands for the image" in reason(home, unknown, transform())
    several = model(home, COUNTS)
    container = several["Arguments"].pop("PrimaryContainer")
    several["Arguments"]["Containers"] = [container, container]
    assert "is an inference pipeline of 2 containers" in reason(home, several, transform())
    several["Arguments"]["Containers"] = [container]
    assert outputs(home, run(home, several, transform())) == {"a.out": "1\n"}


def test_a_model_may_be_a_registered_package(home: Home) -> None:
    container = model(home, LENGTHS, files=FACTOR)["Arguments"]["PrimaryContainer"]
    arguments = {"ModelPackageGroupName": "g", "InferenceSpecification": {"Containers": [container]}}
    register = {"Name": "Register", "Type": "RegisterModel", "Arguments": arguments}
    of_package = {"ModelPackageName": {"Get": "Steps.Register.ModelPackageArn"}}
    create = {"Name": "Create", "Type": "Model", "Arguments": {"ExecutionRoleArn": "r", "Containers": [of_package]}}
    put(home, "s3://data/in/a", "1")
    assert outputs(home, run(home, register, create, transform())) == {"a.out": "10\n"}


def test_the_time_of_an_invocation_and_kills_are_as_for_other_jobs(home: Home) -> None:
    put(home, "s3://data/in/a", "bad")
    slow = model(home, FAILS_AT.format(how="import time; time.sleep(60)"))
    limits = {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 1}
    assert "object a, line 1: TimeoutError: no answer" in reason(home, slow, transform(ModelClientConfig=limits))
    killed = model(home, FAILS_AT.format(how="import os; os.kill(os.getpid(), 9)"))
    step = transform()
    step["RetryPolicies"] = [{"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "MaxAttempts": 1}]
    result = run(home, killed, step).step("Batch")
    assert (result.status, result.attempts) == ("Failed", 2)
    assert "killed by SIGKILL" in result.reason


def test_it_is_cached_by_model_and_input(home: Home) -> None:
    put(home, "s3://data/in/a", "1")
    put(home, "s3://data/other/a", "1")
    name = run(home, model(home, LENGTHS, files=FACTOR)).step("Create").properties["ModelName"]

    def again(**changes: Any) -> str:
        step = transform(model_name=name, **changes) | {"CacheConfig": {"Enabled": True}}
        return statuses(run(home, step))["Batch"]

    assert [again(), again(), again(MaxPayloadInMB=5), again(uri="s3://data/other/")] == ["Succeeded", "Cached", "Cached", "Succeeded"]
    assert [again(Environment={"A": "b"}), again(DataProcessing={"JoinSource": "None"})] == ["Succeeded", "Succeeded"]
    create = model(home, LENGTHS, files=FACTOR)
    results = [run(home, create, transform("Fresh") | {"CacheConfig": {"Enabled": True}}) for _ in range(2)]
    assert statuses(results[1])["Fresh"] == "Succeeded"
    assert "ModelName" in results[1].step("Fresh").why


def test_an_image_is_known_by_its_name_alone(home: Home) -> None:
    put(home, "s3://data/in/a", "1")
    (home.folder / "runtimes.toml").write_text('[[runtime]]\nimage = "my/server:*"\n')
    own = model(home, COUNTS, image=IMAGE.replace("sagemaker-xgboost:3.2-0", "my/server:7"))
    assert outputs(home, run(home, own, transform())) == {"a.out": "1\n"}
