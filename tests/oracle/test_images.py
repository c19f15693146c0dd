"""The table of container images is the SageMaker SDK's own."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pipeline_definition import images

PROJECT = Path(__file__).parent.parent.parent
_SUFFIXES = {"cn": "amazonaws.com.cn", "us-iso": "c2s.ic.gov", "us-isob": "sc2s.sgov.gov", "us-isof": "csp.hci.ic.gov"}


def _generated(*arguments: str) -> Any:
    python = PROJECT / ".venv-oracle" / "bin" / "python"
    if not python.exists():
        pytest.fail("the oracle's environment is missing: run `make test`, which makes it")
    script = PROJECT / "pipeline_definition" / "images" / "generate.py"
    done = subprocess.run(
        [python, script, *arguments], capture_output=True, text=True, check=False, env=os.environ | {"AWS_DEFAULT_REGION": "eu-west-1"}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_the_table_is_what_the_script_writes() -> None:
    assert json.loads(images.TABLE.read_text()) == _generated()


def test_uris_are_those_of_the_sdk_in_every_region() -> None:
    """The suffix is the partition's, which a template finds in AWS::URLSuffix."""
    for name, by_region in _generated("--uris").items():
        image = images.table()[name]
        assert set(by_region) == set(image.accounts)
        for region, uri in by_region.items():
            partition = region.rpartition("-")[0].rpartition("-")[0]
            suffix = _SUFFIXES.get(partition, "amazonaws.com")
            assert image.uri(account=image.accounts[region], region=region, suffix=suffix) == uri
