"""The model card as a process: its content by SageMaker's schema, and what a reader finds on the page."""

import html
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_definition import code_archives
from tests.support import archives, steps
from tests.support.model_card_schema import SCHEMA
from tests.training_code.conftest import Trained
from training_code import encoded, scoring
from training_code.claims import schema
from training_code.model_card import fairness
from training_code.model_card.sources import Facet, Found

TITLES = ["customer_gender = Female", "customer_age under 25", "customer_age from 25 to under 40", "customer_age from 60 on"]
FACETS = ("customer_gender=Female", "customer_age=:25", "customer_age=25:40", "customer_age=60:")


@dataclass(frozen=True)
class Run:
    """The outputs of the steps before the card."""

    folder: Path

    def arguments(self, *without: str) -> list[str]:
        names = {
            "--evaluation": "evaluation", "--package": "baseline", "--pre-training-bias": "pre",
            "--post-training-bias": "post", "--explanations": "explanations",
        }  # fmt: skip
        return [text for option, name in names.items() if option not in without for text in (option, str(self.folder / name))]


def _run(trained: Trained, model: Path, folder: Path) -> Run:
    facets = [text for facet in FACETS for text in ("--facet", facet)]
    (folder / "serve.pyz").write_bytes(code_archives.serving().content)
    for command in (
        ["evaluate", "--test", trained.splits / "test", "--model", model, "--output", folder / "evaluation", "--resamples", 100],
        ["package", "--model", model, "--evaluation", folder / "evaluation", "--serving-code", folder / "serve.pyz",
         "--train", trained.splits / "train", "--output", folder / "package"],
        ["pre_training_bias", "--data", trained.splits / "train", "--output", folder / "pre", *facets],
        ["post_training_bias", "--test", trained.splits / "test", "--predictions", folder / "predictions",
         "--output", folder / "post", "--resamples", 50, *facets],
    ):  # fmt: skip
        done = steps.run(*command)
        assert done.code == 0, done.output
    return Run(folder)


@pytest.fixture(scope="module")
def run(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Run:
    found = _run(trained, trained.model, tmp_path_factory.mktemp("run"))
    done = steps.run(
        "explain", "--data", trained.splits / "test", "--model", trained.model, "--evaluation", found.folder / "evaluation",
        "--output", found.folder / "explanations",
    )  # fmt: skip
    assert done.code == 0, done.output
    return found


def _card(output: Path, *arguments: object) -> tuple[Any, str]:
    done = steps.run("model_card", "--output", output, *arguments)
    assert done.code == 0, done.output
    card = json.loads((output / "model_card.json").read_text())
    jsonschema.validate(card, SCHEMA)
    page = (output / "model_card.html").read_text()
    assert "http" not in re.sub(r"https?://www.w3.org/2000/svg", "", page)
    return card, html.unescape(page)


def _metrics(card: Any, evaluation: str) -> dict[str, dict[str, Any]]:
    (found,) = [entry for entry in card["evaluation_details"] if entry["name"] == evaluation]
    return {group["name"]: {metric["name"]: metric["value"] for metric in group["metric_data"]} for group in found["metric_groups"]}


def test_the_figures_are_those_of_the_steps(run: Run, tmp_path: Path) -> None:
    card, page = _card(tmp_path, *run.arguments())
    evaluation = json.loads((run.folder / "evaluation/evaluation.json").read_text())
    found = _metrics(card, "Test split")
    assert found["Ranking"]["AUC"] == evaluation["binary_classification_metrics"]["auc"]["value"]
    assert found["At the review capacity"]["recall"] == evaluation["review"]["recall"]
    assert found["At the review capacity"]["score threshold"] == evaluation["review"]["threshold"]
    assert len(found["Curves"]["ROC"]) == 20 and found["Curves"]["ROC"][-1] == [1, 1]
    for folder, name in (("pre", "Bias before training"), ("post", "Bias after training")):
        flat = json.loads((run.folder / folder / "bias.json").read_text())
        groups = _metrics(card, name)
        assert list(groups) == TITLES
        assert groups["customer_gender = Female"] == {
            metric: value for metric, value in flat["customer_gender_female"].items() if value is not None
        }
    facts = json.loads((run.folder / "baseline/package.json").read_text())
    assert card["additional_information"]["custom_details"]["SHA-256 of the model package"] == facts["model_sha256"]
    auc = evaluation["binary_classification_metrics"]["auc"]
    for text in (f"{auc['value']:.3f}", f"{auc['lower']:.3f} to {auc['upper']:.3f}", facts["training_data_sha256"], "What it is not for"):
        assert text in page


def test_the_rates_of_both_groups_are_those_of_the_data(trained: Trained, run: Run, tmp_path: Path) -> None:
    """The reports hold differences and ratios; the card gives the rates themselves, as counted here."""
    _, page = _card(tmp_path, *run.arguments())
    train, test = encoded.read(trained.splits / "train"), encoded.read(trained.splits / "test")
    evaluation = json.loads((run.folder / "evaluation/evaluation.json").read_text())
    flagged = scoring.load(trained.model).score(test.features) >= evaluation["review"]["threshold"]
    female, age = (schema.FEATURE_NAMES.index(name) for name in ("customer_gender_female", "customer_age"))
    masks = (
        lambda x: x[:, female] == 1,
        lambda x: x[:, age] < 25,
        lambda x: (x[:, age] >= 25) & (x[:, age] < 40),
        lambda x: x[:, age] >= 60,
    )
    for title, mask in zip(TITLES, masks, strict=True):
        inside, ours = mask(train.features), mask(test.features)
        cells = [
            inside.mean(), train.label[inside].mean(), train.label[~inside].mean(), flagged[ours].mean(), flagged[~ours].mean(),
        ]  # fmt: skip
        row = next(row for row in page.split("<tr>") if row.startswith(f"<td>{title}</td>"))
        assert re.findall(r"<td>([^<]*)</td>", row)[1:6] == [f"{cell:.1%}" for cell in cells]
        assert f"Claims with {title} are referred" in page


@given(
    members=st.integers(1, 40), others=st.integers(1, 40), data=st.data(),
)  # fmt: skip
def test_rates_are_recovered_from_clarifys_metrics(members: int, others: int, data: st.DataObject) -> None:
    hits, rest = data.draw(st.integers(0, members)), data.draw(st.integers(0, others))
    mine, theirs, total = hits / members, rest / others, members + others
    metrics = {"CI": (others - members) / total, "DPL": theirs - mine, "DPPL": theirs - mine, "DI": mine / theirs if theirs else None}
    facet = Facet("customer_gender", "Female", metrics)
    found = Found(
        evaluation={"review": {"flagged": hits + rest}, "dataset": {"item_count": total}},
        package={"rows": total, "fraud": hits + rest}, statistics={}, pre_training=[facet], post_training=[facet], importance=[],
    )  # fmt: skip
    (treatment,) = fairness.treatments(found)
    for rates in (treatment.fraud, treatment.referred):
        assert rates is not None
        assert (rates.facet, rates.others) == (pytest.approx(mine, abs=1e-9), pytest.approx(theirs, abs=1e-9))
    assert treatment.share == pytest.approx(members / total)
    assert fairness.sentence(treatment).startswith("Claims with customer_gender = Female are referred to investigators ")


def test_what_drives_the_scores_is_shown_largest_first(trained: Trained, run: Run, tmp_path: Path) -> None:
    card, page = _card(tmp_path, *run.arguments())
    contributions = scoring.load(trained.model).contributions(encoded.read(trained.splits / "test").features)
    mean = np.abs(contributions[:, :-1]).mean(axis=0)
    (chart,) = _metrics(card, "Explanations")["Global importance"].values()
    assert chart == pytest.approx(sorted(mean, reverse=True)[:20], abs=1e-5)
    bars = re.findall(r"<span>([^<]*)</span><i", page)
    names = [schema.FEATURES[place] for place in np.argsort(-mean)]
    expected = [f"{feature.column.name} = {feature.level}" if feature.level else feature.name for feature in names]
    assert bars[:3] == expected[:3] and len(bars) == 15


def test_what_is_said_about_the_run_is_in_both(run: Run, tmp_path: Path) -> None:
    card, page = _card(
        tmp_path, *run.arguments(), "--name", "claims <fraud>", "--owner", "Model risk", "--environment", "prod",
        "--execution", "arn:aws:sagemaker:eu-west-1:1:pipeline/p/execution/e", "--approval-status", "PendingManualApproval",
        "--claims-uri", "s3://b/claims", "--customers-uri", "s3://b/customers", "--model-uri", "s3://b/model.tar.gz",
        "--image-uri", "123.dkr.ecr/xgboost:3.2-0", "--code-uri", "s3://b/code/ab12", "--data-origin", "The data are synthetic.",
        "--data-period", "Claims of 2025.", "--risk-rating", "High", "--risk-explanation", "It touches customers.",
        "--intended-use", "Ordering the queue.", "--not-intended-use", "Motorcycles.", "--limitation", "Trained on one state.",
        "--stakeholders", "Investigators",
    )  # fmt: skip
    text = json.dumps(card, ensure_ascii=False)
    for said in (
        "claims <fraud>", "Model risk", "prod", "execution/e", "PendingManualApproval", "s3://b/claims", "s3://b/customers", "s3://b/code/ab12",
        "The data are synthetic.", "Claims of 2025.", "It touches customers.", "Ordering the queue.", "Motorcycles.",
        "Trained on one state.", "Investigators",
    ):  # fmt: skip
        assert said in text, said
        assert said in page, said
    assert (card["intended_uses"]["risk_rating"], card["model_overview"]["model_artifact"]) == ("High", ["s3://b/model.tar.gz"])
    assert "claims <fraud>" not in (tmp_path / "model_card.html").read_text()


def test_a_step_that_did_not_run_is_told_as_a_limitation(run: Run, tmp_path: Path) -> None:
    card, page = _card(tmp_path, *run.arguments("--pre-training-bias", "--post-training-bias", "--explanations"))
    assert [entry["name"] for entry in card["evaluation_details"]] == ["Test split", "Out of fold"]
    for told in ("How groups fare was not measured.", "What drives the scores was not measured."):
        assert told in page
        assert told in card["additional_information"]["caveats_and_recommendations"]
    assert "which period the claims cover is not known" in page.lower()
    one, _ = _card(tmp_path / "pre", *run.arguments("--post-training-bias", "--explanations"))
    assert "Bias after training" not in {entry["name"] for entry in one["evaluation_details"]}


def test_a_model_without_account_of_itself_has_a_card(trained: Trained, tmp_path: Path) -> None:
    run = _run(trained, archives.write("kmeans", tmp_path / "model"), tmp_path)
    card, page = _card(tmp_path / "card", *run.arguments("--explanations"))
    assert "it never saw a label" in card["model_overview"]["algorithm_type"]
    assert "training_metrics" not in card["training_details"]["training_job_details"]
    assert "nobody can be told why" in page
    assert "Out of fold" not in {entry["name"] for entry in card["evaluation_details"]}


def test_a_facet_that_nobody_belongs_to_is_said_so(run: Run, tmp_path: Path) -> None:
    post = json.loads((run.folder / "post/analysis.json").read_text())
    entry = post["post_training_bias_metrics"]["facets"]["customer_gender"][0]
    entry["error"] = "no claim of the facet"
    for metric in entry["metrics"]:
        metric["value"] = None
    (tmp_path / "post").mkdir()
    (tmp_path / "post/analysis.json").write_text(json.dumps(post))
    card, page = _card(
        tmp_path / "card", *run.arguments("--post-training-bias", "--pre-training-bias"), "--post-training-bias", tmp_path / "post"
    )
    assert "could not be compared on the test split: customer_gender = Female" in page
    assert _metrics(card, "Bias after training")["customer_gender = Female"] == {}


@pytest.mark.parametrize(
    ("option", "content", "told"),
    [
        ("--evaluation", None, "there is no evaluation.json"),
        ("--package", None, "there is no package.json"),
        ("--post-training-bias", "{", "analysis.json is no JSON"),
        ("--explanations", None, "there is no analysis.json"),
    ],
)
def test_a_missing_document_is_a_clear_error(run: Run, tmp_path: Path, option: str, content: str | None, told: str) -> None:
    if content:
        (tmp_path / "analysis.json").write_text(content)
    done = steps.run("model_card", *run.arguments(option), option, tmp_path, "--output", tmp_path / "card")
    assert (done.code, told in done.output, "Traceback" in done.output) == (1, True, False)
    assert not (tmp_path / "card").exists()


def test_the_same_run_gives_the_same_bytes(run: Run, tmp_path: Path) -> None:
    for name in "ab":
        _card(tmp_path / name, *run.arguments())
    for file in ("model_card.json", "model_card.html"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_long_facts_are_cut_to_what_the_service_takes(run: Run, tmp_path: Path) -> None:
    long = ["x" * 256] * 12
    _card(tmp_path, *run.arguments(), *[text for use in long for text in ("--intended-use", use)], "--claims-uri", "s3://" + "y" * 250)




_READ = """
import json, sys
from sagemaker.core.shapes.model_card_shapes import ModelCardContent
card = json.load(sys.stdin)
read = ModelCardContent.model_validate(card).model_dump(mode="json", exclude_unset=True)
sys.exit(0 if read == card else "the SDK leaves something out")
"""


@pytest.mark.slow
def test_the_sdks_own_classes_take_the_card(run: Run, tmp_path: Path) -> None:
    python = steps.PROJECT / ".venv-oracle" / "bin" / "python"
    if not python.exists():
        pytest.fail("the oracle's environment is missing: run `make test`, which makes it")
    facts = ("--owner", "Model risk", "--image-uri", "123/x:1", "--model-uri", "s3://b/m", "--claims-uri", "s3://b/c")
    card, _ = _card(tmp_path, *run.arguments(), *facts)
    for change, accepted in ((None, True), ("a field that no card has", False)):
        if change:
            card["model_overview"][change] = "x"
        done = subprocess.run([python, "-c", _READ], input=json.dumps(card), capture_output=True, text=True, check=False)
        assert (done.returncode == 0) == accepted, done.stderr[-2000:]
