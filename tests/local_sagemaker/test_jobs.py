"""The container contract of jobs: paths, configuration, variables, faults, limits."""

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker import BadInputError, Home
from local_sagemaker.history import History
from local_sagemaker.registry import Registry
from local_sagemaker.retries import Retries
from local_sagemaker.sandbox import Isolation, namespaces_work
from tests.support.definitions import IMAGE, content, definition, output, processing, put, run, statuses, training

PROJECT = Path(__file__).parent.parent.parent

needs_namespaces = pytest.mark.skipif(not namespaces_work(), reason="this machine has no user namespaces")

HARD_CODED = """
import json, pathlib
ml = pathlib.Path('/opt/ml')
config = json.loads((ml / 'config/resourceconfig.json').read_text())
job = json.loads((ml / 'config/processingjobconfig.json').read_text())
text = (ml / 'processing/input/data/a').read_text()
(ml / f"processing/output/out/{config['current_host']}").write_text(json.dumps([config['hosts'], job['RoleArn'], text]))
"""

BY_ARGUMENT = """
import os, pathlib, sys
source, target = map(pathlib.Path, sys.argv[1:3])
assert os.environ['SAGEMAKER_BASE_DIR'] in os.environ['WHERE']
(target / 'x').write_text((source / 'a').read_text())
"""


@needs_namespaces
def test_a_script_with_hard_coded_paths_runs_unmodified(home: Home) -> None:
    put(home, "s3://data/in/a", "hello")
    result = run(home, processing(home, "A", HARD_CODED, inputs={"data": "s3://data/in"}), isolation=Isolation.NAMESPACE)
    assert result.step("A").reason == ""
    assert json.loads(content(home, result, "A", "algo-1")) == [["algo-1"], "arn:aws:iam::123456789012:role/Job", "hello"]
    assert not Path("/opt/ml/processing").exists()


@pytest.mark.parametrize("isolation", [Isolation.REWRITE, pytest.param(Isolation.NAMESPACE, marks=needs_namespaces)])
def test_paths_in_arguments_and_environment_work_everywhere(home: Home, isolation: Isolation) -> None:
    put(home, "s3://data/in/a", "hello")
    arguments = ("/opt/ml/processing/input/data", "/opt/ml/processing/output/out")
    step = processing(home, "A", BY_ARGUMENT, inputs={"data": "s3://data/in"}, arguments=arguments, environment={"WHERE": "/opt/ml/x"})
    result = run(home, step, isolation=isolation)
    assert result.step("A").reason == ""
    assert content(home, result, "A", "x") == "hello"


@needs_namespaces
def test_several_instances_share_the_objects_and_merge_their_outputs(home: Home) -> None:
    for name in "abcde":
        put(home, f"s3://data/in/{name}", name)
    script = """
    import json, pathlib
    config = json.loads(pathlib.Path('/opt/ml/config/resourceconfig.json').read_text())
    names = sorted(p.name for p in pathlib.Path('/opt/ml/processing/input/data').iterdir())
    pathlib.Path('/opt/ml/processing/output/out', config['current_host']).write_text(' '.join([str(len(config['hosts'])), *names]))
    """
    result = run(home, processing(home, "A", script, inputs={"data": "s3://data/in"}, sharded=True, instances=2))
    assert content(home, result, "A", "algo-1") == "2 a c e"
    assert content(home, result, "A", "algo-2") == "2 b d"


@needs_namespaces
def test_one_failed_instance_ends_the_job(home: Home) -> None:
    script = """
    import json, pathlib, sys, time
    config = json.loads(pathlib.Path('/opt/ml/config/resourceconfig.json').read_text())
    if config['current_host'] == 'algo-1': time.sleep(60)
    sys.exit('the second instance gives up')
    """
    started = time.monotonic()
    result = run(home, processing(home, "A", script, instances=2))
    assert (result.step("A").status, result.step("A").reason) == ("Failed", "instance algo-2 failed: the second instance gives up")
    assert time.monotonic() - started < 30


def test_jobs_see_no_credentials(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    script = "import os, pathlib; pathlib.Path('/opt/ml/processing/output/out/x').write_text(' '.join(os.environ))"
    result = run(home, processing(home, "A", script))
    assert "AWS_SECRET_ACCESS_KEY" not in content(home, result, "A", "x")


def test_a_message_file_is_the_failure_reason(home: Home) -> None:
    script = "import pathlib, sys; pathlib.Path('/opt/ml/output/message').write_text('because'); print('noise'); sys.exit(3)"
    assert run(home, processing(home, "A", script)).step("A").reason == "because"


def test_inputs_are_copies(home: Home) -> None:
    put(home, "s3://data/in/a", "hello")
    script = "import pathlib; pathlib.Path('/opt/ml/processing/input/data/a').write_text('spoiled')"
    assert run(home, processing(home, "A", script, inputs={"data": "s3://data/in"})).status == "Succeeded"
    assert home.path("s3://data/in/a").read_text() == "hello"


def test_a_missing_input_names_the_uri(home: Home) -> None:
    result = run(home, processing(home, "A", "", inputs={"data": "s3://data/nothing"}))
    assert "there are no objects at s3://data/nothing" in result.step("A").reason


def test_a_prefix_need_not_end_at_a_slash(home: Home) -> None:
    put(home, "s3://data/claims-1.csv", "1")
    put(home, "s3://data/claims-2.csv", "2")
    put(home, "s3://data/other.csv", "3")
    script = """
    import os, pathlib
    names = sorted(os.listdir('/opt/ml/processing/input/d'))
    pathlib.Path('/opt/ml/processing/output/out/x').write_text(' '.join(names))
    """
    result = run(home, processing(home, "A", script, inputs={"d": "s3://data/claims"}))
    assert content(home, result, "A", "x") == "claims-1.csv claims-2.csv"


DIES_ONCE = """
import os, pathlib, signal, sys
marker = pathlib.Path(sys.argv[1])
if not marker.exists():
    marker.touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""
RETRY = {"RetryPolicies": [{"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxAttempts": 2}]}


def test_a_killed_process_is_a_service_fault_and_retried(home: Home, tmp_path: Path) -> None:
    result = run(home, processing(home, "A", DIES_ONCE, arguments=(str(tmp_path / "m"),), **RETRY))
    assert (result.status, result.step("A").attempts) == ("Succeeded", 2)


def test_without_a_policy_a_killed_process_fails_the_step(home: Home, tmp_path: Path) -> None:
    step = run(home, processing(home, "A", DIES_ONCE, arguments=(str(tmp_path / "m"),))).step("A")
    assert (step.status, step.attempts) == ("Failed", 1)
    assert "killed by SIGKILL" in step.reason


def test_retries_end(home: Home) -> None:
    step = run(home, processing(home, "A", "import os; os.kill(os.getpid(), 9)", **RETRY)).step("A")
    assert (step.status, step.attempts) == ("Failed", 3)


def test_an_exit_status_is_the_scripts_fault_and_not_retried(home: Home) -> None:
    step = run(home, processing(home, "A", "import sys; sys.exit(1)", **RETRY)).step("A")
    assert (step.status, step.attempts) == ("Failed", 1)


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


# Where these tests are a background job of a shell, Ctrl-C is ignored, and a child would inherit that.
HEARING = [
    sys.executable, "-c",
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])",
]  # fmt: skip
FAMILY = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
pathlib.Path(sys.argv[1]).write_text(f'{os.getpid()} {child.pid}')
time.sleep(60)
"""


def _wait_for(condition: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_the_time_limit_kills_a_job_with_all_that_it_started(home: Home, tmp_path: Path) -> None:
    step = run(home, processing(home, "A", FAMILY, arguments=(str(tmp_path / "pids"),), seconds=1)).step("A")
    assert (step.status, "longer than its 1 seconds" in step.reason) == ("Failed", True)
    _wait_for(lambda: not any(_is_alive(int(pid)) for pid in (tmp_path / "pids").read_text().split()))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)])
def test_ctrl_c_and_kill_end_the_jobs_too(home: Home, tmp_path: Path, sent: int, code: int) -> None:
    (tmp_path / "d.json").write_text(json.dumps(definition(processing(home, "A", FAMILY, arguments=(str(tmp_path / "pids"),)))))
    command = [sys.executable, "-m", "local_sagemaker", str(tmp_path / "d.json"), "--home", str(home.folder)]
    with subprocess.Popen([*HEARING, *command], cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        _wait_for(lambda: (tmp_path / "pids").exists() and len((tmp_path / "pids").read_text().split()) == 2)
        process.send_signal(sent)
        _, error = process.communicate(timeout=20)
    assert process.returncode == code
    job, child = ((int(pid)) for pid in (tmp_path / "pids").read_text().split())
    _wait_for(lambda: not _is_alive(job))
    if sent != signal.SIGKILL:
        _wait_for(lambda: not _is_alive(child))
        assert "Traceback" not in error
    else:
        os.kill(child, signal.SIGKILL)
    history = History(home)
    assert [row["status"] for row in history.executions(1)] == ["Stopped"]


TRAIN = """
import argparse, json, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument('--max_depth', type=int)
parser.add_argument('--name')
arguments = parser.parse_args()
seen = {key: value for key, value in os.environ.items() if key.startswith('SM_')}
config = pathlib.Path('/opt/ml/input/config')
files = {file.stem: json.loads(file.read_text()) for file in config.iterdir()}
pathlib.Path(os.environ['SM_MODEL_DIR'], 'seen.json').write_text(json.dumps([vars(arguments), seen, files]))
pathlib.Path('/opt/ml/checkpoints/kept').write_text('x')
print('loss=0.5')
print('loss=0.25')
"""


@needs_namespaces
def test_training_follows_the_script_mode_contract(home: Home) -> None:
    checkpoints = {"S3Uri": "s3://checkpoints/t", "LocalPath": "/opt/ml/checkpoints"}
    step = training(home, "T", TRAIN, hyperparameters={"max_depth": "3", "name": '"deep"'}, CheckpointConfig=checkpoints)
    result = run(home, step)
    assert result.step("T").reason == ""
    archive = home.path(result.step("T").properties["ModelArtifacts"]["S3ModelArtifacts"])
    with tarfile.open(archive) as tar:
        member = tar.extractfile("seen.json")
        assert member
        arguments, seen, files = json.loads(member.read())
    assert arguments == {"max_depth": 3, "name": "deep"}
    assert seen["SM_CHANNEL_TRAIN"] == "/opt/ml/input/data/train"
    assert seen["SM_HP_MAX_DEPTH"] == "3"
    assert json.loads(seen["SM_HPS"]) == {"max_depth": 3, "name": "deep"}
    assert json.loads(seen["SM_HOSTS"]) == ["algo-1"]
    assert files["hyperparameters"]["name"] == '"deep"'
    assert set(files["inputdataconfig"]) == {"train", "code"}
    assert result.step("T").properties["FinalMetricDataList"] == [{"MetricName": "loss", "Value": 0.25}]
    assert home.path("s3://checkpoints/t/kept").read_text() == "x"


@needs_namespaces
def test_training_time_limit_shards_and_output_data(home: Home) -> None:
    step = training(home, "T", "import time; time.sleep(60)", StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert "longer than its 1 seconds" in run(home, step).step("T").reason
    for name in "abc":
        put(home, f"s3://data/many/{name}", name)
    script = """
    import os, pathlib
    host = os.environ['SM_CURRENT_HOST']
    names = sorted(os.listdir(os.environ['SM_CHANNEL_TRAIN']))
    pathlib.Path(os.environ['SM_MODEL_DIR'], host).write_text(' '.join(names))
    pathlib.Path(os.environ['SM_OUTPUT_DATA_DIR'], 'report').write_text('x')
    """
    step = training(home, "S", script, ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1})
    source = step["Arguments"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    source |= {"S3Uri": "s3://data/many", "S3DataDistributionType": "ShardedByS3Key"}
    first = run(home, step)
    assert first.step("S").reason == ""
    archive = home.path(first.step("S").properties["ModelArtifacts"]["S3ModelArtifacts"])
    with tarfile.open(archive) as tar:
        members = {member.name: tar.extractfile(member) for member in tar.getmembers()}
        assert {name: stream.read() for name, stream in members.items() if stream} == {"algo-1": b"a c", "algo-2": b"b"}
    with tarfile.open(archive.with_name("output.tar.gz")) as tar:
        assert tar.getnames() == ["report"]
    time.sleep(1.1)
    again = home.path(run(home, step).step("S").properties["ModelArtifacts"]["S3ModelArtifacts"])
    assert again.read_bytes() == archive.read_bytes()


def test_what_a_job_leaves_running_is_ended_with_it(home: Home, tmp_path: Path) -> None:
    script = """
    import pathlib, subprocess, sys
    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
    pathlib.Path(sys.argv[1]).write_text(str(child.pid))
    """
    assert run(home, processing(home, "A", script, arguments=(str(tmp_path / "pid"),))).status == "Succeeded"
    _wait_for(lambda: not _is_alive(int((tmp_path / "pid").read_text())))


def test_retry_policies_by_fault_wait_and_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = {"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "IntervalSeconds": 10, "BackoffRate": 3.0, "MaxAttempts": 3}
    retries = Retries([policy], 0.1)
    assert retries.wait_before_next("SageMaker.JOB_INTERNAL_ERROR") is None
    assert [retries.wait_before_next("SageMaker.CAPACITY_ERROR") for _ in range(4)] == [1.0, 3.0, 9.0, None]
    default = Retries([{"ExceptionType": "Step.THROTTLING"}], 1)
    assert [default.wait_before_next("Step.THROTTLING") for _ in range(6)] == [1, 2, 4, 8, 16, None]
    expiring = Retries([{"ExceptionType": "Step.THROTTLING", "ExpireAfterMin": 2}], 1)
    assert expiring.wait_before_next("Step.THROTTLING") == 1
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 121)
    assert expiring.wait_before_next("Step.THROTTLING") is None


def test_a_training_failure_file_is_the_reason(home: Home) -> None:
    script = "import pathlib, sys; pathlib.Path('/opt/ml/output/failure').write_text('no convergence'); sys.exit(1)"
    assert run(home, training(home, "T", script)).step("T").reason == "no convergence"


def test_an_unknown_image_is_refused_and_says_how_to_map_it(home: Home) -> None:
    step = processing(home, "A", "")
    step["Arguments"]["AppSpecification"]["ImageUri"] = "123.dkr.ecr.eu-west-1.amazonaws.com/my/trainer:7"
    with pytest.raises(BadInputError, match=r"(?s)no local runtime stands for.*\[\[runtime\]\].*my/trainer:7"):
        run(home, step)
    (home.folder / "runtimes.toml").write_text('[[runtime]]\nimage = "my/trainer:*"\n')
    assert run(home, step).status == "Succeeded"


def test_a_runtime_installs_its_packages_once(home: Home) -> None:
    wheel = home.folder / "tiny-1.0-py3-none-any.whl"
    import zipfile

    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "value = 42\n")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    (home.folder / "runtimes.toml").write_text(f'[[runtime]]\nimage = "sagemaker-xgboost:*"\npackages = ["{wheel}"]\n')
    script = "import pathlib, tiny; pathlib.Path('/opt/ml/processing/output/out/x').write_text(str(tiny.value))"
    result = run(home, processing(home, "A", script))
    assert result.step("A").reason == ""
    assert content(home, result, "A", "x") == "42"


def _register(model_uri: Any) -> dict[str, Any]:
    specification = {"Containers": [{"Image": IMAGE, "ModelDataUrl": model_uri}]}
    return {
        "Name": "Register",
        "Type": "RegisterModel",
        "Arguments": {"ModelPackageGroupName": "g", "InferenceSpecification": specification},
    }


def test_models_and_packages_are_registered_in_order(home: Home) -> None:
    train = training(home, "T", "print('x')")
    model_uri = {"Get": "Steps.T.ModelArtifacts.S3ModelArtifacts"}
    create = {
        "Name": "Create", "Type": "Model",
        "Arguments": {"ExecutionRoleArn": "r", "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": model_uri}},
    }  # fmt: skip
    register = _register(model_uri)
    results = [run(home, train, create, register) for _ in range(2)]
    names = {result.step("Create").properties["ModelName"] for result in results}
    assert len(names) == 2
    packages = Registry(History(home)).packages("g")
    assert [(package.version, package.status) for package in packages] == [(2, "PendingManualApproval"), (1, "PendingManualApproval")]
    assert packages[0].arn == results[1].step("Register").properties["ModelPackageArn"]


def test_the_request_says_the_status_and_a_bare_version_may_be_ambiguous(home: Home) -> None:
    put(home, "s3://models/m.tar.gz", "x")
    step = _register("s3://models/m.tar.gz")
    step["Arguments"]["ModelApprovalStatus"] = "Approved"
    other = _register("s3://models/m.tar.gz") | {"Name": "Other"}
    other["Arguments"] = other["Arguments"] | {"ModelPackageGroupName": "h"}
    run(home, step, other)
    registry = Registry(History(home))
    assert registry.find("g/1").status == "Approved"
    with pytest.raises(BadInputError, match="several groups have a version 1"):
        registry.find("1")


def test_a_package_without_its_archive_is_refused(home: Home) -> None:
    result = run(home, _register("s3://no/model.tar.gz"))
    assert "no model archive at s3://no/model.tar.gz" in result.step("Register").reason
    assert Registry(History(home)).packages() == []


def _die_before_publishing(home: Home, step: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """End a run between the commit of its step and the move of its outputs, without any farewell."""

    def die(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(History, "_publish", die)
        patch.setattr(History, "end", lambda *arguments: None)
        with pytest.raises(KeyboardInterrupt):
            run(home, step)


def test_what_a_dead_run_had_committed_is_published_by_the_next(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies between the commit of a step and the move of its outputs."""
    step = processing(home, "A", "import pathlib; pathlib.Path('/opt/ml/processing/output/out/x').write_text('whole')", cached=True)

    _die_before_publishing(home, step, monkeypatch)
    assert not home.exists("s3://runs")
    result = run(home, step)
    assert statuses(result) == {"A": "Cached"}
    assert content(home, result, "A", "x") == "whole"


@pytest.mark.parametrize("kind", ["file over folder", "folder over file"])
def test_a_fixed_output_takes_what_was_written_last(home: Home, kind: str) -> None:
    folder = "import pathlib; p = pathlib.Path('/opt/ml/processing/output/out/x'); p.mkdir(); (p / 'y').write_text('folder')"
    file = "import pathlib; pathlib.Path('/opt/ml/processing/output/out/x').write_text('file')"
    scripts = [folder, file] if kind == "file over folder" else [file, folder]
    for script in scripts:
        step = processing(home, "A", script)
        step["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] = "s3://fixed/out"
        assert run(home, step).status == "Succeeded"
    found = home.path("s3://fixed/out/x")
    assert (found.read_text() if found.is_file() else (found / "y").read_text()) == scripts[-1].split("write_text('")[1].split("'")[0]


def test_an_output_that_cannot_be_moved_leaves_the_home_usable(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    step = processing(home, "A", "import pathlib; pathlib.Path('/opt/ml/processing/output/out/x').touch()")

    def refuse(*arguments: object) -> None:
        raise OSError("no space left")

    _die_before_publishing(home, step, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr("local_sagemaker.history.move_into_place", refuse)
        (row,) = History(home).executions(5)
    assert row["status"] == "Stopped"
    assert run(home, step).status == "Succeeded"


def test_a_home_with_a_broken_history_says_so(home: Home) -> None:
    home.database.write_text("this is no database, and long enough to be seen as none " * 20)
    with pytest.raises(BadInputError, match="move it away"):
        History(home)


def test_a_living_run_is_not_taken_for_dead(home: Home) -> None:
    with History(home).start("abc", "p", {}, {}):
        (row,) = History(home).executions(1)
        assert row["status"] == "Executing"
    (row,) = History(home).executions(1)
    assert row["status"] == "Stopped"


def test_two_runs_at_once_in_one_home_do_not_harm_each_other(home: Home, tmp_path: Path) -> None:
    script = """
    import pathlib, sys, time
    time.sleep(0.3)
    for number in range(50):
        pathlib.Path('/opt/ml/processing/output/out', str(number)).write_text(sys.argv[1])
    """
    put(home, "s3://data/in/a", "x")
    commands = []
    for name in ("one", "two"):
        steps = [processing(home, "A", script, arguments=("same",), cached=True)]
        steps += [processing(home, "B", script, arguments=(name,), inputs={"a": output("A")}, cached=True)]
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(definition(*steps)))
        commands.append([sys.executable, "-m", "local_sagemaker", str(file), "--home", str(home.folder), "--pipeline", "p"])
    running = [subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for command in commands]
    for process in running:
        text, _ = process.communicate(timeout=60)
        assert process.returncode == 0, text
    wrote = {}
    for row in History(home).executions(2):
        files = list(home.path(f"s3://runs/{row['id']}/B/out").iterdir())
        assert len(files) == 50
        wrote[row["id"]] = {file.read_text() for file in files}
    assert sorted(map(list, wrote.values())) == [["one"], ["two"]]
