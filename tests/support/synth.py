"""Synthesized environments, each made once however many tests and workers ask for it."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cloud_assembly
from cloud_assembly import Assembly
from fraud.deployment import toolchain

PROJECT = Path(__file__).parent.parent.parent


def synthesize(env: str, folder: Path, *, has_guardrails: bool = False, project: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    """``python app.py``, without credentials, network or the CLI."""
    variables = {key: value for key, value in toolchain.environment().items() if not key.startswith("AWS_")}
    variables |= {
        "CDK_CONTEXT_JSON": json.dumps({"env": env, "guardrails": str(has_guardrails).lower()}),
        "CDK_OUTDIR": str(folder),
        "CDK_VALIDATION": str(has_guardrails).lower(),
    }
    return subprocess.run([sys.executable, "app.py"], cwd=project, env=variables, capture_output=True, text=True, check=False)


def assembly(env: str, factory: pytest.TempPathFactory) -> Assembly:
    """The assembly of an environment."""
    base = factory.getbasetemp()
    # Workers have folders of their own below the session's, which they share; without workers it is the session's.
    shared = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "synth"
    shared.mkdir(exist_ok=True)
    folder = shared / env
    with Path(shared, f"{env}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "manifest.json").exists():
            done = synthesize(env, folder)
            assert done.returncode == 0, done.stderr[-3000:]
    return cloud_assembly.read(folder)


def copy(project: Path) -> Path:
    """A copy of all that a synth needs, for a test to break."""
    for folder in ("cloud_assembly", "fraud", "local_sagemaker", "pipeline_definition", "settings", "stacks", "training_code"):
        shutil.copytree(PROJECT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("app.py", "cdk.json"):
        shutil.copy(PROJECT / file, project / file)
    (project / ".wheelhouse").symlink_to(PROJECT / ".wheelhouse")
    return project
