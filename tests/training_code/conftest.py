"""One preparation and one model for the tests of the later steps."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import steps
from tests.support.claims import Tables


@dataclass(frozen=True)
class Trained:
    splits: Path
    model: Path


@pytest.fixture(scope="session")
def trained(synthetic: Tables, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("trained")
    assert steps.preprocess(synthetic.claims, synthetic.customers, folder).code == 0
    done = train(folder, folder / "model", folder / "checkpoints")
    assert done.code == 0, done.output
    return Trained(folder, folder / "model")


def train(splits: Path, model: Path, checkpoints: Path, *arguments: object, rounds: int | None = 200) -> steps.Done:
    """Train with few resamples; ``rounds`` is None for a framework that has none."""
    few = () if rounds is None else ("--num_round", rounds)
    return steps.run(
        "train", "--train", splits / "train", "--validation", splits / "validation", "--model-dir", model,
        "--checkpoints", checkpoints, "--resamples", 50, *few, *arguments,
    )  # fmt: skip
