"""Explain as a process: what it writes agrees with the model, the split and itself."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xgboost as xgb
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import models, steps
from tests.training_code.conftest import Trained
from training_code import encoded, reasons, scoring
from training_code.claims import schema
from training_code.explain import summary

_THRESHOLD = 0.06


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    (folder / "evaluation.json").write_text(json.dumps({"review": {"threshold": _THRESHOLD}}))
    return folder


@pytest.fixture(scope="module")
def claims(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All 2,000 claims: enough for the way that many claims take."""
    folder = tmp_path_factory.mktemp("claims")
    for split in steps.SPLITS:
        shutil.copytree(trained.splits / split, folder / split)
    return folder


@pytest.fixture(scope="module")
def explained(claims: Path, trained: Trained, evaluation: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("explained")
    done = _explain(claims, trained.model, evaluation, output)
    assert done.code == 0, done.output
    assert "explained 2,000 claims" in done.output
    return output


def _explain(data: Path, model: Path, evaluation: Path, output: Path, *arguments: object) -> steps.Done:
    return steps.run("explain", "--data", data, "--model", model, "--evaluation", evaluation, "--output", output, *arguments)


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _analysis(output: Path) -> tuple[dict[str, float], float]:
    document = json.loads((output / "analysis.json").read_text())
    assert document["version"] == "1.0"
    label = document["explanations"]["kernel_shap"]["label0"]
    return label["global_shap_values"], label["expected_value"]


def _matrix(output: Path) -> np.ndarray:
    return np.loadtxt(output / "explanations_shap/out.csv", delimiter=",", skiprows=1, ndmin=2)


def test_each_row_is_the_claim_in_its_place_and_adds_up_to_its_score(claims: Path, trained: Trained, explained: Path) -> None:
    split = encoded.read(claims)
    with (explained / "explanations_shap/out.csv").open() as stream:
        assert stream.readline().strip().split(",") == [f"{name}_label0" for name in schema.FEATURE_NAMES]
    rows = _rows(explained / "explanations_shap/claims.csv")
    assert [int(row["policy_id"]) for row in rows] == split.policy.tolist()
    score = xgb.Booster(model_file=trained.model / "model.ubj").inplace_predict(split.features)
    assert [np.float32(row["score"]) for row in rows] == score.tolist()
    _, base = _analysis(explained)
    margin = np.log(score / (1 - score.astype(np.float64)))
    np.testing.assert_allclose(_matrix(explained).sum(axis=1) + base, margin, atol=2e-5)


def test_rows_are_xgboosts_shapley_values(claims: Path, trained: Trained, explained: Path) -> None:
    booster = xgb.Booster(model_file=trained.model / "model.ubj")
    matrix = xgb.DMatrix(encoded.read(claims).features[:300], feature_names=list(schema.FEATURE_NAMES))
    expected = booster.predict(matrix, pred_contribs=True)
    np.testing.assert_allclose(_matrix(explained)[:300], expected[:, :-1], atol=1e-5)


def test_global_values_are_means_of_the_rows(explained: Path) -> None:
    values, _ = _analysis(explained)
    assert tuple(values) == schema.FEATURE_NAMES
    np.testing.assert_allclose(list(values.values()), np.abs(_matrix(explained)).mean(axis=0), atol=1e-6)


def test_every_referred_claim_has_its_reasons(claims: Path, explained: Path) -> None:
    rows = _rows(explained / "explanations_shap/claims.csv")
    expected = [row["policy_id"] for row in rows if float(np.float32(row["score"])) >= _THRESHOLD]
    found = _rows(explained / "reasons.csv")
    assert [row["policy_id"] for row in found] == expected
    assert 0 < len(found) < len(rows)
    split, contributions = encoded.read(claims), _matrix(explained)
    columns = reasons.by_column(np.column_stack([contributions, np.zeros(len(contributions))]))
    place = {int(policy): row for row, policy in enumerate(split.policy)}
    for row in found[:40]:
        own = place[int(row["policy_id"])]
        total = float(row["base"]) + contributions[own].sum()
        assert float(row["margin"]) == pytest.approx(total, abs=1e-4)
        assert 1 / (1 + np.exp(-total)) == pytest.approx(float(row["score"]), abs=1e-5)
        strongest = sorted(columns[own, :-1], reverse=True)[:3]
        assert [float(row[f"contribution_{rank}"]) for rank in (1, 2, 3)] == pytest.approx(strongest, abs=1e-5)
        for rank in (1, 2, 3):
            (value,) = reasons.values(row[f"column_{rank}"], split.features[own : own + 1])
            assert row[f"value_{rank}"] == str(value)


def test_the_size_of_batches_changes_nothing(claims: Path, trained: Trained, evaluation: Path, explained: Path, tmp_path: Path) -> None:
    """Batches of 300 are explained by XGBoost itself, the 2,000 at once by tables."""
    assert _explain(claims, trained.model, evaluation, tmp_path, "--batch-rows", 300).code == 0
    np.testing.assert_allclose(_matrix(tmp_path), _matrix(explained), atol=1e-5)
    scores = "explanations_shap/claims.csv"
    assert (tmp_path / scores).read_bytes() == (explained / scores).read_bytes()
    assert [row["policy_id"] for row in _rows(tmp_path / "reasons.csv")] == [row["policy_id"] for row in _rows(explained / "reasons.csv")]
    assert _analysis(tmp_path)[0] == pytest.approx(_analysis(explained)[0], abs=1e-6)


def test_the_same_claims_give_the_same_bytes(claims: Path, trained: Trained, evaluation: Path, explained: Path, tmp_path: Path) -> None:
    assert _explain(claims, trained.model, evaluation, tmp_path).code == 0
    names = ["analysis.json", "reasons.csv", "explain.html", "explanations_shap/out.csv", "explanations_shap/claims.csv"]
    assert [(tmp_path / name).read_bytes() == (explained / name).read_bytes() for name in names] == [True] * len(names)


def test_the_page_shows_what_the_files_say(explained: Path) -> None:
    page = (explained / "explain.html").read_text()
    assert len(page) < 2_000_000 / 3, "a full sample fits well"
    drawings = [ElementTree.fromstring(svg) for svg in re.findall(r'<svg class="chart".*?</svg>(?=<svg|</div>)', page, re.DOTALL)]
    assert len(drawings) == 6, "two rankings, the swarm and three dependences"
    swarm = drawings[2]
    dots = sum(path.attrib["d"].count("M") for path in swarm.iter("{http://www.w3.org/2000/svg}path"))
    assert dots == 14 * 2000
    values, base = _analysis(explained)
    top = max((name for name in values if name.startswith("num_")), key=lambda name: values[name])
    assert f"{values[top]:.3f}" in page
    assert f"base {base:+.2f}" in page
    rows = _rows(explained / "explanations_shap/claims.csv")
    highest = max(rows, key=lambda row: float(row["score"]))
    assert f"<td>{highest['policy_id']}</td><td>{float(highest['score']):.4f}</td>" in page


@given(st.integers(1, 7000), st.integers(1, 3000), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_the_sample_is_spread_evenly_and_the_highest_scores_are_kept(claims: int, batch: int, levels: int) -> None:
    score = np.random.default_rng(claims).normal(size=claims).round(levels).astype(np.float32)
    found = summary.Summary(claims)
    for start in range(0, claims, batch):
        own = np.arange(start, min(start + batch, claims))
        split = encoded.Split(np.zeros((len(own), models.FEATURES), np.float32), np.zeros(len(own), np.float32), own)
        found.add(summary.Explained(split, score[own], np.zeros((len(own), models.FEATURES + 1))))
    assert found.sample is not None
    assert found.highest is not None
    assert len(found.sample) == min(claims, summary.SAMPLE)
    drawn = found.sample.claims.policy
    gaps = np.diff([*drawn, claims])
    assert drawn[0] == 0
    assert gaps.min() >= claims // summary.SAMPLE
    assert gaps.max() <= claims // summary.SAMPLE + 1
    assert found.highest.claims.policy.tolist() == sorted(range(claims), key=lambda row: (-score[row], row))[: summary.HIGHEST]


@pytest.mark.parametrize("name", ["linear", "linear-learner"])
def test_linear_models(trained: Trained, evaluation: Path, tmp_path: Path, name: str) -> None:
    weight = np.random.default_rng(3).normal(0, 0.2, models.FEATURES)
    if name == "linear":
        folder = models.save_linear(
            tmp_path / "model", coefficients=weight.tolist(), mean=[0.0] * models.FEATURES, scale=models.UNITS.tolist(),
            background=[1.0] * models.FEATURES,
        )  # fmt: skip
    else:
        folder = models.save_linear_learner(tmp_path / "model", weight.astype(np.float32), -3.0)
    done = _explain(trained.splits / "test", folder, evaluation, tmp_path / "output", "--train", trained.splits / "train")
    assert done.code == 0, done.output
    features = encoded.read(trained.splits / "test").features
    _, base = _analysis(tmp_path / "output")
    found = _matrix(tmp_path / "output")
    np.testing.assert_allclose(found.sum(axis=1) + base, scoring.load(folder).margin(features), atol=1e-4)
    if name == "linear-learner":
        usual = encoded.read(trained.splits / "train").features.mean(axis=0, dtype=np.float64)
        wanted = scoring.load(folder, background=usual).contributions(features)[:, :-1]
        np.testing.assert_allclose(found, wanted, atol=1e-4, err_msg="measured from the usual training claim, as at the endpoint")


def test_a_model_that_cannot_be_explained(trained: Trained, evaluation: Path, tmp_path: Path) -> None:
    folder = models.save_kmeans(tmp_path / "model", np.ones((2, models.FEATURES), np.float32))
    done = _explain(trained.splits / "test", folder, evaluation, tmp_path / "output")
    assert done.code == 1
    assert "error: a kmeans model cannot be explained" in done.output
    assert not (tmp_path / "output").exists()


def _with_null(folder: Path, source: Path) -> None:
    table = pq.read_table(source)
    place = table.schema.get_field_index("num_injuries")
    values = pa.array([None, *table["num_injuries"].to_pylist()[1:]], table.schema.field(place).type)
    pq.write_table(table.set_column(place, "num_injuries", values), folder / "part.parquet")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder, source: None, "no Parquet files"),
        (lambda folder, source: pq.write_table(pq.read_table(source).slice(0, 0), folder / "part.parquet"), "no rows"),
        (lambda folder, source: pq.write_table(pq.read_table(source).drop_columns(["auto_year"]), folder / "a.parquet"), "lacks auto_year"),
        (_with_null, "part.parquet has claims with missing values"),
    ],
    ids=["no parts", "no rows", "a column less", "a null"],
)
def test_a_split_that_is_none(
    trained: Trained, evaluation: Path, tmp_path: Path, damage: Callable[[Path, Path], object], message: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    damage(data, encoded.parts(trained.splits / "test")[0])
    done = _explain(data, trained.model, evaluation, tmp_path / "output")
    assert done.code == 1
    assert re.search(f"^error: .*{message}", done.output, re.MULTILINE)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), ("{}", "has no review.threshold"), ('{"review": {"threshold": null}}', "has no review.threshold")],
)
def test_an_evaluation_without_a_threshold(trained: Trained, tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "evaluation.json").write_text(content)
    done = _explain(trained.splits / "test", trained.model, tmp_path, tmp_path / "output")
    assert done.code == 1
    assert message in done.output
    assert "Traceback" not in done.output


def test_a_model_over_other_features(trained: Trained, evaluation: Path, tmp_path: Path) -> None:
    folder = models.save_linear(tmp_path / "model", features=[f"f{place}" for place in range(models.FEATURES)])
    done = _explain(trained.splits / "test", folder, evaluation, tmp_path / "output")
    assert (done.code, "trained on other features" in done.output) == (1, True)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_claims(trained: Trained, evaluation: Path, tmp_path: Path) -> None:
    """200,000 claims held at once with their contributions are 110 MB."""
    table = pq.read_table(encoded.parts(trained.splits / "train")[0])
    peaks = []
    for name, repetitions in (("few", 4), ("many", 200_000 // len(table))):
        (tmp_path / name).mkdir()
        with pq.ParquetWriter(tmp_path / name / "part.parquet", table.schema) as part:
            for _ in range(repetitions):
                part.write_table(table)
        command = [
            sys.executable, "-m", "training_code.explain", "--data", tmp_path / name, "--model", trained.model,
            "--evaluation", evaluation, "--output", tmp_path / f"{name}-output", "--batch-rows", "4096",
        ]  # fmt: skip
        with subprocess.Popen(list(map(str, command)), cwd=steps.PROJECT, stdout=subprocess.DEVNULL) as process:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        peaks.append(used.ru_maxrss / 1024)
    assert peaks[1] - peaks[0] < 40, f"{peaks} MB"
    assert (tmp_path / "many-output/explain.html").stat().st_size < 2_000_000
