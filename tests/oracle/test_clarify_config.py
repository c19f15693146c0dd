"""The analysis configuration against the schema that the SageMaker SDK validates with."""

import json
import subprocess
from pathlib import Path

import pytest

from training_code.bias.analysis_config import analysis_config
from training_code.claims.facets import Facet

PYTHON = Path(__file__).parent.parent.parent / ".venv-oracle" / "bin" / "python"
_VALIDATE = """
import json, sys
from sagemaker.core.clarify import ANALYSIS_CONFIG_SCHEMA_V1_0
for config in json.load(sys.stdin):
    ANALYSIS_CONFIG_SCHEMA_V1_0.validate(config)
"""


def _validate(configs: list[dict[str, object]]) -> subprocess.CompletedProcess[str]:
    if not PYTHON.exists():
        pytest.fail("the oracle's environment is missing: run `make test`, which makes it")
    return subprocess.run([str(PYTHON), "-c", _VALIDATE], input=json.dumps(configs), capture_output=True, text=True, check=False)


def test_the_sdk_accepts_the_analysis_configuration() -> None:
    texts = ("customer_gender=Female", "customer_age=60:", "policy_liability=15/30", "vehicle_claim=1000.1:")
    facets = [Facet.parse(text) for text in texts]
    configs = [analysis_config(kind, facets, group) for kind in ("pre", "post") for group in ("policy_state", "policy_liability")]
    done = _validate(configs)
    assert done.returncode == 0, done.stderr[-2000:]
    refused = _validate([configs[0] | {"facets": []}])
    assert "Wrong key 'facets'" in refused.stderr
