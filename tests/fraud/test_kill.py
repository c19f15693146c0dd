"""A run that is killed at any moment and started again ends as if nothing had happened."""

import json
import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fraud import synthetic_claims
from local_sagemaker import Home
from tests.support.claims import Tables
from tests.support.cli import PROJECT, command, fraud

KILLS = 30
OUTPUTS = ("Preprocess/*/train/*.parquet", "Preprocess/*/validation/*.parquet", "Preprocess/*/test/*.parquet",
           "Evaluate/*/evaluation/evaluation.json", "Package/*/package/model.tar.gz")  # fmt: skip


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    folder = tmp_path_factory.mktemp("few")
    synthetic_claims.write(rows=500, seed=8, folder=folder)
    return Tables(folder / "claims.csv", folder / "customers.csv")


def _arguments(data: Tables, home: Path) -> list[Any]:
    # Bounds that a model of 500 claims passes: the whole pipeline is to run.
    bounds = ("MinimumAucLowerBound=0.01", "MinimumAveragePrecision=0.001", "MinimumRecallAtCapacity=0.0")
    return ["run", "--claims", data.claims, "--customers", data.customers, "--home", home, "--json",
            *(text for bound in bounds for text in ("--param", bound))]  # fmt: skip


def _outputs(home: Path, document: Any) -> dict[str, bytes]:
    """The latest whole outputs: of each step, those of the execution that this run used."""
    runs = Home(home).path("s3://fraud-detection-artifacts/runs")
    found: dict[str, bytes] = {}
    for pattern in OUTPUTS:
        for file in runs.glob(pattern):
            # Without the execution's id.
            step, _, *rest = file.relative_to(runs).parts
            name = "/".join((step, *rest))
            content = file.read_bytes()
            # Whatever run has published an output, it is the same output.
            assert found.setdefault(name, content) == content, name
    return found


@pytest.mark.slow
def test_a_run_killed_at_random_moments_ends_with_the_same_bytes(few: Tables, tmp_path: Path) -> None:
    started = time.monotonic()
    undisturbed = fraud(*_arguments(few, tmp_path / "whole"))
    assert undisturbed.code == 0, undisturbed.error
    length = time.monotonic() - started
    expected = _outputs(tmp_path / "whole", undisturbed.json)
    assert len(expected) == 8
    moments = random.Random(2026)

    def kill_and_repeat(number: int, moment: float) -> int:
        home = tmp_path / str(number)
        process = subprocess.Popen(command(*_arguments(few, home)), cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        done = fraud(*_arguments(few, home))
        assert done.code == 0, (number, moment, done.error, done.out)
        assert _outputs(home, done.json) == expected, (number, moment)
        listed = json.loads(fraud("models", "list", "--home", home, "--json").out)
        # Killed after its registration, the first run has left a package of its own: whole, too.
        assert len(listed) in (1, 2)
        return sum(step["cached"] for step in done.json["steps"])

    # Two at a time take longer each, so some of the kills come late in a run and some after none of it.
    with ThreadPoolExecutor(2) as pool:
        reused = list(pool.map(kill_and_repeat, range(KILLS), [moments.uniform(0.2, 1.6 * length) for _ in range(KILLS)]))
    # The kills have hit different stages, and what was finished was reused.
    assert len(set(reused)) >= 2, reused
