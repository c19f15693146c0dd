"""Three steps in one job against the same three on their own."""

import json
from pathlib import Path

import pytest

from tests.support import steps
from tests.support.claims import Tables
from training_code import model_archive

FOLDERS = ("train", "validation", "test", "quality", "evaluation", "predictions")
TRAINING = {
    "xgboost": ("--num_round", 120, "--max_depth", 3, "--seed", 5, "--resamples", 50),
    "logistic_regression": ("--framework", "logistic_regression", "--seed", 5, "--resamples", 50),
}


def _files(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def _combined(tables: Tables, output: Path, *arguments: object) -> steps.Done:
    return steps.run(
        "prepare_train_evaluate", "--claims", tables.claims, "--customers", tables.customers, "--output", output, *arguments
    )


@pytest.mark.parametrize("framework", TRAINING)
def test_one_job_gives_what_three_give(synthetic: Tables, tmp_path: Path, framework: str) -> None:
    split = ("--salt", "blue", "--validation", 0.2, "--test", 0.25)
    apart, together = tmp_path / "apart", tmp_path / "together"
    assert steps.preprocess(synthetic.claims, synthetic.customers, apart, *split).code == 0
    trained = steps.run(
        "train", "--train", apart / "train", "--validation", apart / "validation", "--model-dir", tmp_path / "model",
        "--checkpoints", tmp_path / "checkpoints", *TRAINING[framework],
    )  # fmt: skip
    assert trained.code == 0, trained.output
    champion = tmp_path / "champion"
    model_archive.pack(tmp_path / "model", champion / model_archive.NAME)
    evaluate = ("--champion", champion, "--review-capacity", 0.2, "--with-features")
    own = ("--test", apart / "test", "--model", tmp_path / "model", "--output", apart / "evaluation")
    evaluated = steps.run("evaluate", *own, *evaluate)
    assert evaluated.code == 0, evaluated.output
    done = _combined(synthetic, together, *split, *TRAINING[framework], *evaluate)
    assert done.code == 0, done.output
    assert {folder.name for folder in together.iterdir()} == {*FOLDERS, "model"}
    assert _files(model_archive.unpack(together / "model", tmp_path / "unpacked")) == _files(tmp_path / "model")
    for name in FOLDERS:
        assert _files(together / name) == _files(apart / name), name
    found = json.loads((together / "evaluation/evaluation.json").read_text())
    # Each option reached its step, none another's.
    assert found["review"]["capacity"] == 0.2 and found["champion"]["is_present"]
    assert (found["training"]["framework"], found["training"]["hyperparameters"]["seed"]) == (framework, 5)
    assert "out_of_fold:auc=" in done.output and "test:auc=" in done.output


@pytest.mark.parametrize(
    ("arguments", "code", "told", "left"),
    [
        (("--rows-per-part", 0), 1, "--rows-per-part is 0", set()),
        (("--test", 0.9999, "--validation", 0.0001), 1, "", {"test", "quality"}),
        (("--num_round", 20, "--resamples", 10, "--review-capacity", 2), 1, "--review-capacity is 2", {"test", "model"}),
        (("--no_such_hyperparameter", 1), 1, "--no_such_hyperparameter", {"test"}),
    ],
)
def test_the_first_failure_ends_the_job_with_its_message(
    synthetic: Tables, tmp_path: Path, arguments: tuple[object, ...], code: int, told: str, left: set[str]
) -> None:
    done = _combined(synthetic, tmp_path, *arguments)
    assert done.code == code, done.output
    assert told in done.output and "Traceback" not in done.output
    assert done.output.count("error:") == 1
    assert left <= {folder.name for folder in tmp_path.iterdir()}
    assert not (tmp_path / "evaluation").exists() and ("model" in left) == (tmp_path / "model").exists()
