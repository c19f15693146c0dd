"""What runs in a container of one's own, and jobs of several instances."""

import json
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker import BadInputError, Home
from tests.support.definitions import content, processing, run, training

OWN = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/trainer:7"
TWO = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}

CONTAINER = """
import json, os, pathlib, sys
ml = pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'])
seen = {
    'arguments': sys.argv[1:], 'mode': os.environ.get('MODE'), 'job': os.environ['TRAINING_JOB_NAME'],
    'script': 'SM_MODEL_DIR' in os.environ,
    'hyperparameters': json.loads((ml / 'input/config/hyperparameters.json').read_text()),
    'data': (ml / 'input/data/train/a.csv').read_text(),
}
(ml / 'model/seen.json').write_text(json.dumps(seen))
if seen['hyperparameters'].get('fail'):
    (ml / 'output/failure').write_text('it was told to fail')
    sys.exit(1)
"""


def _trainer(home: Home, tmp_path: Path, entry: str = "", script: str = CONTAINER) -> dict[str, Any]:
    """A Training step with an image of one's own; its runtime has the command unless ``entry`` says otherwise."""
    file = tmp_path / "train.py"
    file.write_text(script)
    command = f'command = ["python3", "{file}"]'
    runtime = f'[[runtime]]\nimage = "team/trainer:*"\n{entry or command}\nenvironment = {{MODE = "local"}}\n'
    (home.folder / "runtimes.toml").write_text(runtime)
    step = training(home, "T", "")
    step["Arguments"]["AlgorithmSpecification"]["TrainingImage"] = OWN
    step["Arguments"]["HyperParameters"] = {"depth": "3"}
    return step


def _seen(home: Home, step: dict[str, Any]) -> dict[str, Any]:
    result = run(home, step)
    assert result.step("T").reason == ""
    with tarfile.open(home.path(result.step("T").properties["ModelArtifacts"]["S3ModelArtifacts"])) as tar:
        member = tar.extractfile("seen.json")
        assert member
        found: dict[str, Any] = json.loads(member.read())
    assert found["job"] == result.step("T").properties["TrainingJobName"]
    return found


def test_a_container_of_ones_own_is_run_to_train(home: Home, tmp_path: Path) -> None:
    step = _trainer(home, tmp_path)
    seen = _seen(home, step)
    assert (seen["arguments"], seen["mode"], seen["script"]) == (["train"], "local", False)
    assert (seen["hyperparameters"], seen["data"]) == ({"depth": "3"}, "1,2\n")
    step["Arguments"]["Environment"] = {"MODE": "job"}
    step["Arguments"]["AlgorithmSpecification"]["ContainerArguments"] = ["fit", "--fast"]
    seen = _seen(home, step)
    assert (seen["arguments"], seen["mode"]) == (["fit", "--fast"], "job")
    # Its own entrypoint deals with a script by itself.
    step["Arguments"]["HyperParameters"]["sagemaker_program"] = "entry.py"
    assert _seen(home, step)["hyperparameters"]["sagemaker_program"] == "entry.py"
    step["Arguments"]["HyperParameters"]["fail"] = "yes"
    assert run(home, step).step("T").reason == "it was told to fail"


def test_the_requests_entrypoint_comes_before_the_images(home: Home, tmp_path: Path) -> None:
    step = _trainer(home, tmp_path, entry='command = ["false"]')
    step["Arguments"]["AlgorithmSpecification"] |= {"ContainerEntrypoint": ["python3", str(tmp_path / "train.py")]}
    assert _seen(home, step)["arguments"] == []


def test_an_image_without_a_command_or_script_names_the_remedy(home: Home, tmp_path: Path) -> None:
    step = _trainer(home, tmp_path, entry=f'python = "{sys.executable}"')
    reason = run(home, step).step("T").reason
    assert "no hyperparameter sagemaker_program" in reason
    assert f'give it in {home.folder / "runtimes.toml"}, e.g. [[runtime]] image = "team/trainer:7" command = [' in reason


def test_processing_without_entrypoint_runs_the_images_command(home: Home, tmp_path: Path) -> None:
    script = """
    import os, pathlib, sys
    pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'], 'processing/output/out/x').write_text(' '.join([os.environ['MODE'], *sys.argv[1:]]))
    """
    _trainer(home, tmp_path, script="\n".join(line.strip() for line in script.splitlines()))
    step = processing(home, "A", "", arguments=("a", "b"))
    application = step["Arguments"]["AppSpecification"]
    application["ImageUri"] = OWN
    del application["ContainerEntrypoint"]
    assert content(home, run(home, step), "A", "x") == "local a b"
    application["ImageUri"] = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.4-2"
    assert "it has no ContainerEntrypoint, and what its image runs by itself is not known" in run(home, step).step("A").reason


@pytest.mark.parametrize(
    ("entry", "reason"),
    [('comand = ["x"]', "a runtime has no comand"), ('command = "train"', "command must be a list"), ("packages = 1", "packages must be")],
)
def test_a_wrong_runtime_says_what_is_wrong(home: Home, tmp_path: Path, entry: str, reason: str) -> None:
    step = _trainer(home, tmp_path, entry=entry)
    with pytest.raises(BadInputError, match=reason):
        run(home, step)


def test_an_algorithm_resource_is_refused(home: Home) -> None:
    step = training(home, "T", "")
    step["Arguments"]["AlgorithmSpecification"] = {"AlgorithmName": "bought", "TrainingInputMode": "File"}
    assert "an algorithm resource cannot run locally" in run(home, step).step("T").reason


# The second instance dies in the middle; the first hears of it through their connection and complains.
TOGETHER = """
import os, pathlib, signal, socket, sys, time
place = pathlib.Path(sys.argv[sys.argv.index('--place') + 1])
if os.environ['SM_CURRENT_HOST'] == 'algo-1':
    listening = socket.create_server(('127.0.0.1', 0))
    place.with_suffix('.new').write_text(str(listening.getsockname()[1]))
    place.with_suffix('.new').rename(place)
    connection, _ = listening.accept()
    connection.recv(1)
    sys.exit('lost the connection to a peer')
while not place.exists():
    time.sleep(0.01)
connection = socket.create_connection(('127.0.0.1', int(place.read_text())))
END
"""


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "instance algo-2 was killed by SIGKILL (out of memory?)"),
        # It says why, lets go of its peer, and is slow to end.
        (
            "print('no space left', flush=True); time.sleep(0.05); connection.close(); time.sleep(0.2); sys.exit(1)",
            "instance algo-2 failed: no space left",
        ),
    ],
)
def test_the_instance_that_failed_first_is_named_with_its_own_cause(home: Home, tmp_path: Path, end: str, reason: str) -> None:
    hyperparameters = {"place": json.dumps(str(tmp_path / "port"))}
    step = training(home, "T", TOGETHER.replace("END", end), hyperparameters=hyperparameters, ResourceConfig=TWO)
    assert run(home, step).step("T").reason == reason


def test_when_one_instance_is_killed_the_others_end_at_once(home: Home) -> None:
    script = """
    import os, time
    if os.environ['SM_CURRENT_HOST'] == 'algo-2': os.kill(os.getpid(), 9)
    time.sleep(60)
    """
    started = time.monotonic()
    step = run(home, training(home, "T", script, ResourceConfig=TWO)).step("T")
    assert (step.status, "instance algo-2 was killed by SIGKILL" in step.reason) == ("Failed", True)
    assert time.monotonic() - started < 30


NAMES = """
import os, pathlib
pathlib.Path(os.environ['SM_MODEL_DIR'], os.environ['SM_CURRENT_HOST']).write_text(os.environ['TRAINING_JOB_NAME'])
"""


def test_all_hosts_of_a_job_have_its_name_and_no_other_job_has(home: Home) -> None:
    long = "a-step-whose-name-is-as-long-as-names-may-be-and-differs-at-"
    steps = [training(home, f"{long}{end}", NAMES, ResourceConfig=TWO) for end in ("one", "two")]
    result = run(home, *steps)
    names = []
    for step in result.steps:
        assert step.reason == ""
        with tarfile.open(home.path(step.properties["ModelArtifacts"]["S3ModelArtifacts"])) as tar:
            written = {stream.read().decode() for stream in map(tar.extractfile, tar.getnames()) if stream}
        assert written == {step.properties["TrainingJobName"]}
        names += written
    assert len(set(names)) == 2
    assert max(map(len, names)) <= 63


@pytest.mark.parametrize(("instance", "expected"), [("ml.m5.large", "0"), ("ml.g5.xlarge", "2"), ("ml.p3.2xlarge", "2")])
def test_gpus_are_those_of_this_machine_where_the_instance_has_any(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instance: str, expected: str
) -> None:
    tool = tmp_path / "bin/nvidia-smi"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\n[ "$1" = -L ] && echo "GPU 0: One (UUID: a)" && echo "GPU 1: Two (UUID: b)"\n')
    tool.chmod(0o755)
    script = "import os, pathlib; pathlib.Path(os.environ['SM_MODEL_DIR'], os.environ['SM_NUM_GPUS']).touch()"
    step = training(home, "T", script, ResourceConfig={"InstanceType": instance, "InstanceCount": 1, "VolumeSizeInGB": 1})

    def gpus() -> list[str]:
        with tarfile.open(home.path(run(home, step).step("T").properties["ModelArtifacts"]["S3ModelArtifacts"])) as tar:
            return tar.getnames()

    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
        assert gpus() == [expected]
    tool.write_text("#!/bin/sh\nexit 9\n")
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    assert gpus() == ["0"]
