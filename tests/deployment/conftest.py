"""An emulated account for each test module, and the commands that act on it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from fraud.deployment import toolchain
from tests.support.cli import PROJECT, Done

ACCOUNT, REGION = "123456789012", "eu-west-1"
_START_SECONDS = 60


@dataclass(frozen=True)
class Account:
    """A server on loopback that stands for AWS."""

    port: int
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The process environment of whatever is to take the server for AWS, and nothing else."""
        found = {key: value for key, value in toolchain.environment().items() if not key.startswith("AWS_")}
        return found | {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            # CloudFormation reads templates from S3 by host name.
            "AWS_ENDPOINT_URL_S3_FOR_CLOUDFORMATION": f"http://localhost:{self.port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
        }

    def client(self, service: str) -> Any:
        url, key = f"http://127.0.0.1:{self.port}", "test"
        return boto3.client(service, region_name=REGION, endpoint_url=url, aws_access_key_id=key, aws_secret_access_key=key)

    def run(self, *command: object, **changes: str) -> Done:
        """Any command in the project's folder; ``changes`` are further variables."""
        done = subprocess.run(
            list(map(str, command)), cwd=PROJECT, env=self.environment | changes, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    def fraud(self, *arguments: object, **changes: str) -> Done:
        return self.run(sys.executable, "-m", "fraud.main", *arguments, **changes)

    def cdk(self, *arguments: object) -> Done:
        # In a folder of its own: the CLI locks it, and leaves the lock behind when it fails.
        return self.run(toolchain.node(), toolchain.CDK, "--output", self.folder / "cdk.out", *arguments)

    def deploy(self, env: object) -> Done:
        return self.fraud("deploy", "--env", env, "--yes", "--", "--method=direct")


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Empty at first; gone afterwards."""
    folder = tmp_path_factory.mktemp("account")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.deployment.emulated_account", str(port)], cwd=PROJECT, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        _wait(server, port, folder / "server.log")
        yield Account(port, folder)
    finally:
        server.terminate()
        server.wait(timeout=10)


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the emulated account did not start:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def bootstrapped(account: Account) -> Account:
    """After the CDK's own bootstrap."""
    done = account.fraud("cdk", "bootstrap", f"aws://{ACCOUNT}/{REGION}", "--output", account.folder / "cdk.out")
    assert done.code == 0, done.error
    assert account.client("ssm").get_parameter(Name="/cdk-bootstrap/hnb659fds/version")["Parameter"]["Value"].isdigit()
    return account


@pytest.fixture(scope="module")
def settings_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of dev's settings that a test may change."""
    file = tmp_path_factory.mktemp("settings") / "dev.yaml"
    shutil.copy(PROJECT / "settings" / "dev.yaml", file)
    return file


def definition_of(account: Account, pipeline: str) -> Any:
    return json.loads(account.client("sagemaker").describe_pipeline(PipelineName=pipeline)["PipelineDefinition"])
