"""Which of two models is passed on, and by what."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import steps
from tests.training_code.conftest import Trained, train
from training_code import model_archive

BASE = {"framework": "xgboost", "data_sha256": "ab12", "hyperparameters": {"max_depth": 2, "eta": 0.02}}


def _archive(folder: Path, value: object, *, name: str = "out_of_fold:auc", **training: object) -> Path:
    content = folder / "content"
    content.mkdir(parents=True)
    document: dict[str, Any] = {**BASE, "objective": {"name": name, "value": value}, **training}
    (content / "training.json").write_text(json.dumps(document))
    (content / "model.ubj").write_bytes(b"trees of " + folder.name.encode())
    model_archive.pack(content, folder / "archive" / model_archive.NAME)
    return folder / "archive"


def _select(default: Path, tuned: Path, output: Path, *arguments: object) -> steps.Done:
    return steps.run("select_model", "--default", default, "--tuned", tuned, "--output", output, *arguments)


@pytest.mark.parametrize(
    ("default", "tuned", "type_", "expected"),
    [
        (0.80, 0.81, "Maximize", "tuned"), (0.82, 0.81, "Maximize", "default"), (0.8, 0.8, "Maximize", "default"),
        (0.12, 0.11, "Minimize", "tuned"), (0.10, 0.11, "Minimize", "default"), (0.1, 0.1, "Minimize", "default"),
    ],
)  # fmt: skip
def test_the_better_archive_is_passed_on_as_it_is(tmp_path: Path, default: float, tuned: float, type_: str, expected: str) -> None:
    archives = {"default": _archive(tmp_path / "default", default), "tuned": _archive(tmp_path / "tuned", tuned)}
    done = _select(archives["default"], archives["tuned"], tmp_path / "out", "--objective-type", type_)
    assert done.code == 0, done.output
    chosen = (tmp_path / "out/model/model.tar.gz").read_bytes()
    assert chosen == (archives[expected] / model_archive.NAME).read_bytes()
    found = json.loads((tmp_path / "out/selection/selection.json").read_text())
    assert (found["selected"], found["default"]["value"], found["tuned"]["value"]) == (expected, default, tuned)
    assert found["gain"] == pytest.approx(tuned - default)
    assert found["model_sha256"] == found[expected]["model_sha256"] == hashlib.sha256(chosen).hexdigest()
    assert found["default"]["model_sha256"] != found["tuned"]["model_sha256"]


def test_the_page_shows_both_settings_side_by_side(tmp_path: Path) -> None:
    tuned = _archive(tmp_path / "tuned", 0.81, hyperparameters={"max_depth": 4, "eta": 0.02, "gamma": 1.5})
    assert _select(_archive(tmp_path / "default", 0.8), tuned, tmp_path / "out", "--objective", "out_of_fold:auc").code == 0
    page = (tmp_path / "out/selection/selection.html").read_text()
    rows = [row for row in page.split("<tr>") if "<td" in row]
    (depth,) = [row for row in rows if "max_depth" in row]
    (eta,) = [row for row in rows if ">eta<" in row]
    (gamma,) = [row for row in rows if "gamma" in row]
    assert "changed" in depth and ">2<" in depth and ">4<" in depth
    assert "changed" not in eta
    assert "changed" in gamma and "–" in gamma


def test_archives_of_real_trainings_are_compared(trained: Trained, tmp_path: Path) -> None:
    other = train(trained.splits, tmp_path / "model", tmp_path / "checkpoints", "--max_depth", 1, "--num_round", 3)
    assert other.code == 0, other.output
    for name, model in (("default", trained.model), ("tuned", tmp_path / "model")):
        model_archive.pack(model, tmp_path / name / model_archive.NAME)
    done = _select(tmp_path / "default", tmp_path / "tuned", tmp_path / "out", "--objective", "out_of_fold:auc")
    assert done.code == 0, done.output
    found = json.loads((tmp_path / "out/selection/selection.json").read_text())
    # Three stumps are worse than two hundred trees.
    assert found["selected"] == "default"
    assert found["default"]["value"] == json.loads((trained.model / "out_of_fold.json").read_text())["auc"]
    assert (found["default"]["framework"], found["tuned"]["hyperparameters"]["max_depth"]) == ("xgboost", 1)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("nothing", "--tuned: there is no model.tar.gz"),
        ("torn", "--tuned: "),
        ("built-in", "only models of script mode can be compared"),
        ("not a number", "which cannot be compared"),
        ("other objective", "the default model tells out_of_fold:auc, the tuned one validation:logloss"),
        ("other data", "trained on different data"),
        ("not the one asked for", "not for --objective validation:auc"),
    ],
)
def test_what_cannot_be_compared_is_a_clear_error(tmp_path: Path, fault: str, told: str) -> None:
    default, options = _archive(tmp_path / "default", 0.8), []
    if fault == "nothing":
        tuned = tmp_path
    elif fault == "torn":
        tuned = _archive(tmp_path / "tuned", 0.8)
        (tuned / model_archive.NAME).write_bytes((tuned / model_archive.NAME).read_bytes()[:40])
    elif fault == "built-in":
        (tmp_path / "content").mkdir()
        (tmp_path / "content/model_algo-1").write_bytes(b"arrays")
        tuned = tmp_path / "built-in"
        model_archive.pack(tmp_path / "content", tuned / model_archive.NAME)
    elif fault == "not a number":
        tuned = _archive(tmp_path / "tuned", float("nan"))
    elif fault == "other objective":
        tuned = _archive(tmp_path / "tuned", 0.1, name="validation:logloss")
    elif fault == "other data":
        tuned = _archive(tmp_path / "tuned", 0.9, data_sha256="cd34")
    else:
        tuned, options = _archive(tmp_path / "tuned", 0.9), ["--objective", "validation:auc"]
    done = _select(default, tuned, tmp_path / "out", *options)
    assert done.code == 1
    assert told in done.output and "Traceback" not in done.output
    assert not (tmp_path / "out").exists()
