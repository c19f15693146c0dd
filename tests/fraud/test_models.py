"""``fraud models``: what the registry tells of packages, early ones included."""

import contextlib
import json
import os
import pty
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fraud.commands import models
from fraud.registry import dossier
from fraud.registry.comparison import Comparison, compare
from local_sagemaker import Home
from local_sagemaker.history import History
from local_sagemaker.registry import Registry
from tests.support import packages
from tests.support.cli import PROJECT, Done, command, fraud
from tests.support.packages import Registered


@pytest.fixture
def copy(registered: Registered, tmp_path: Path) -> Path:
    """The home, to be changed."""
    return Path(shutil.copytree(registered.home, tmp_path / "home"))


def _models(home: Path, *arguments: object) -> Done:
    return fraud("models", *arguments, "--home", home)


def _register(home: Path, group: str, **request: Any) -> None:
    Registry(History(Home(home))).register({"ModelPackageGroupName": group} | request, "elsewhere")


def _bias_of(candidate: packages.Candidate, folder: str) -> Any:
    return json.loads(candidate.path(folder, "bias.json").read_text())


def test_describe_tells_all_that_was_registered(registered: Registered) -> None:
    second = registered.candidates[1]
    found = _models(registered.home, "describe", "2", "--json").json
    quality = second.evaluation["binary_classification_metrics"]
    assert found["metrics"]["auc"] == {name: quality["auc"][name] for name in ("value", "lower", "upper")}
    assert found["metrics"]["out_of_fold_auc"]["lower"] == second.evaluation["out_of_fold"]["auc_interval"][0]
    assert found["metrics"]["champion_auc_loss"]["value"] == second.evaluation["champion"]["auc_loss"]
    for facet in ("customer_gender_female", "customer_age_below_30"):
        assert found["bias"][facet] == _bias_of(second, "pre")[facet] | _bias_of(second, "post")[facet]
    analysis = json.loads(second.path("explanations", "analysis.json").read_text())
    shap = analysis["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    assert found["importance"] == shap
    assert list(found["importance"].values()) == sorted(shap.values(), reverse=True)
    assert (found["hyperparameters"]["max_depth"], found["hyperparameters"]["num_round"]) == ("3", "60")
    assert found["data"]["training_data_sha256"] == "d" * 64
    assert found["code"] == {"train": "c" * 64}
    assert Path(found["files"]["ModelMetrics.Bias.PostTrainingReport"]).is_file()
    assert found["files"]["DriftCheckBaselines.ModelDataQuality.Statistics"] == str(second.path("baseline", "statistics.json"))
    assert found["missing"] == [f"DriftCheckBaselines.ModelDataQuality.Constraints: {second.path('baseline', 'deleted.json')}"]
    assert found["card"] == str(second.path("card", "model_card.html"))
    assert found["request"]["ModelPackageGroupName"] == "claims-model"


def test_the_gate_is_told_as_the_run_has_judged_it(registered: Registered) -> None:
    second = registered.candidates[1]
    auc, bias = _models(registered.home, "describe", "2", "--json").json["gate"]
    value = second.evaluation["binary_classification_metrics"]["auc"]["value"]
    assert auc == {"criterion": "AUC", "value": value, "minimum": 0.3, "maximum": None, "is_met": True}
    # Two bounds of one value are one criterion.
    dppl = _bias_of(second, "post")["customer_gender_female"]["DPPL"]
    assert bias == {"criterion": "DPPL of customer_gender_female", "value": dppl, "minimum": -0.9, "maximum": 0.9, "is_met": True}


def test_describe_shows_people_the_same(registered: Registered) -> None:
    shown = _models(registered.home, "describe", "claims-model/2").out
    auc = registered.candidates[1].evaluation["binary_classification_metrics"]["auc"]
    assert f"{auc['value']:.4f}  {auc['lower']:.4f} to {auc['upper']:.4f}" in shown
    for text in ("customer_gender_female", "CDDPL", "from −0.9 to 0.9", "What the score depends on", "c" * 64, "card.html", "deleted.json"):
        assert text in shown, text
    assert "\x1b[" not in shown
    assert not any(line.endswith(" ") for line in shown.splitlines())


def test_a_package_of_an_earlier_version_is_described_by_what_it_has(registered: Registered) -> None:
    done = _models(registered.home, "describe", "1", "--json")
    assert done.code == 0, done.error
    found = done.json
    assert found["metrics"]["auc"]["lower"] < found["metrics"]["auc"]["value"]
    assert (found["bias"], found["importance"], found["code"], found["card"]) == ({}, {}, {}, None)
    shown = _models(registered.home, "describe", "1").out
    assert "Bias" not in shown and "What the score depends on" not in shown


def test_a_package_without_anything_is_still_described_and_compared(copy: Path) -> None:
    """As one that was registered by hand, or whose files were cleaned away."""
    _register(copy, "bare")
    statistics = {"S3Uri": "s3://nowhere/evaluation.json"}
    _register(copy, "gone", ModelMetrics={"ModelQuality": {"Statistics": statistics}}, CustomerMetadataProperties={"model_card_uri": "x://y"})
    for name in ("bare/1", "gone/1"):
        assert _models(copy, "describe", name).code == 0
        found = _models(copy, "describe", name, "--json").json
        assert (found["metrics"], found["gate"], found["card"]) == ({}, [], None)
        done = _models(copy, "compare", "claims-model/2", name)
        assert done.code == 0, done.error
        assert f"Registered without metrics, bias, explanations, hashes of code: {name}." in done.out
    assert "ModelMetrics.ModelQuality.Statistics" in _models(copy, "describe", "gone/1").out
    assert "is not at x://y any more" in _models(copy, "card", "gone/1").error


def test_a_broken_report_is_one_that_is_lacking(copy: Path) -> None:
    found = _models(copy, "describe", "2", "--json").json
    Path(found["files"]["ModelMetrics.ModelQuality.Statistics"]).write_text("{")
    Path(found["files"]["ModelMetrics.Explainability.Report"]).write_text("[1]")
    found = _models(copy, "describe", "2", "--json").json
    assert (found["metrics"], found["importance"]) == ({}, {})
    assert found["bias"]


def test_clarify_containers_report_is_read_without_the_flat_file(registered: Registered, copy: Path) -> None:
    before = _models(copy, "describe", "2", "--json").json
    for kind in ("PreTrainingReport", "PostTrainingReport"):
        Path(before["files"][f"ModelMetrics.Bias.{kind}"]).with_name("bias.json").unlink()
    assert _models(copy, "describe", "2", "--json").json["bias"] == before["bias"]


def test_compare_says_what_differs_and_what_is_noise(registered: Registered) -> None:
    found = _models(registered.home, "compare", "1", "2", "--json").json
    metrics = {metric["metric"]: metric for metric in found["metrics"]}
    first, second = (candidate.evaluation for candidate in registered.candidates)
    auc = metrics["auc"]
    assert auc["a"]["value"] == first["binary_classification_metrics"]["auc"]["value"]
    assert auc["difference"] == pytest.approx(-second["champion"]["auc_loss"])
    # The second run scored both, and its interval of the difference holds zero.
    low, high = second["champion"]["auc_loss_interval"]
    assert low < 0 < high
    assert (auc["verdict"], auc["is_paired"]) == ("noise", True)
    assert (metrics["brier_score"]["is_tested"], metrics["average_precision"]["is_paired"]) == (False, False)
    assert found["hyperparameters"] == {"max_depth": {"a": "2", "b": "3"}, "num_round": {"a": "20", "b": "60"}}
    # The first was registered without hashes; that of what training has read is in its archive.
    assert (found["is_same_data"], found["is_same_code"]) == (True, None)


def test_another_package_than_the_champion_is_not_paired_with_the_run(registered: Registered, copy: Path) -> None:
    _add(copy, "other", _with(registered.candidates[1].evaluation, (0.99, 0.98, 1.0), 0.03))
    found = _compare(copy, "claims-model/2", "other/1")
    assert not any(figure.is_paired for figure in found.figures)
    assert _verdicts(copy, "claims-model/2", "other/1")["auc"] == "better"


def test_compare_is_told_in_a_table(registered: Registered) -> None:
    shown = _models(registered.home, "compare", "1", "2").out
    lacking = "Registered without bias, explanations, hashes of code: claims-model/1."
    for text in ("cannot tell (paired)", "(no interval)", "max_depth", lacking):
        assert text in shown, text
    assert "\x1b[" not in shown


def test_only_a_terminal_gets_colours(registered: Registered, tmp_path: Path) -> None:
    base = registered.candidates[1].evaluation
    _add(tmp_path, "low", _with(base, (0.70, 0.68, 0.72), 0.030))
    _add(tmp_path, "high", _with(base, (0.80, 0.78, 0.82), 0.025))
    arguments = ("models", "compare", "low/1", "high/1", "--home", tmp_path)
    assert "\x1b[" not in fraud(*arguments).out
    master, slave = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm-256color"}
    with subprocess.Popen(command(*arguments), cwd=PROJECT, env=environment, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        shown = b""
        with contextlib.suppress(OSError):
            while chunk := os.read(master, 65536):
                shown += chunk
    os.close(master)
    assert process.returncode == 0
    assert "\x1b[32mbetter" in shown.decode()


def _compare(folder: Path, a: str, b: str) -> Comparison:
    home, history = Home(folder), History(Home(folder))
    left, right = (dossier.read(home, history, Registry(history).find(name)) for name in (a, b))
    return compare(left, right)


def _verdicts(folder: Path, a: str, b: str) -> dict[str, str]:
    return {figure.name: str(figure.verdict) for figure in _compare(folder, a, b).figures}


def _bias_verdicts(folder: Path, a: str, b: str) -> dict[str, str]:
    return {one.metric: str(one.verdict) for one in _compare(folder, a, b).disparities}


def _with(evaluation: Any, auc: tuple[float, float, float], brier: float, capacity: float = 0.1) -> Any:
    changed = json.loads(json.dumps(evaluation))
    changed["binary_classification_metrics"]["auc"] = dict(zip(("value", "lower", "upper"), auc, strict=True))
    changed["calibration"]["brier_score"] = brier
    changed["review"] |= {"capacity": capacity, "lift": 2.0 * capacity}
    return changed


def _add(home: Path, name: str, evaluation: Any, bias: Any = None, **metadata: str) -> None:
    folder = Home(home).path(f"s3://made/{name}")
    folder.mkdir(parents=True)
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    (folder / "bias.json").write_text(json.dumps(bias or {}))
    (folder / "analysis.json").write_text("{}")
    metrics = {
        "ModelQuality": {"Statistics": {"S3Uri": f"s3://made/{name}/evaluation.json"}},
        "Bias": {"PostTrainingReport": {"S3Uri": f"s3://made/{name}/analysis.json"}},
    }
    _register(home, name, ModelMetrics=metrics, CustomerMetadataProperties=metadata)


def test_a_difference_beyond_the_intervals_is_better_or_worse(registered: Registered, tmp_path: Path) -> None:
    base = registered.candidates[1].evaluation
    _add(tmp_path, "low", _with(base, (0.70, 0.68, 0.72), 0.030))
    _add(tmp_path, "high", _with(base, (0.80, 0.78, 0.82), 0.025))
    _add(tmp_path, "near", _with(base, (0.73, 0.69, 0.77), 0.030))
    assert _verdicts(tmp_path, "low/1", "high/1")["auc"] == "better"
    assert _verdicts(tmp_path, "high/1", "low/1")["auc"] == "worse"
    # 0.70 lies in the interval of the other, though 0.73 does not lie in its own.
    assert _verdicts(tmp_path, "low/1", "near/1")["auc"] == "noise" == _verdicts(tmp_path, "near/1", "low/1")["auc"]
    # A smaller Brier score is the better one.
    assert _verdicts(tmp_path, "low/1", "high/1")["brier_score"] == "better"
    assert _verdicts(tmp_path, "low/1", "near/1")["brier_score"] == "equal"


def test_figures_at_different_capacities_are_not_judged(registered: Registered, tmp_path: Path) -> None:
    base = registered.candidates[1].evaluation
    _add(tmp_path, "few", _with(base, (0.70, 0.68, 0.72), 0.03, capacity=0.1))
    _add(tmp_path, "many", _with(base, (0.70, 0.68, 0.72), 0.03, capacity=0.2))
    verdicts = _verdicts(tmp_path, "few/1", "many/1")
    assert (verdicts["lift_at_capacity"], verdicts["auc"]) == ("higher", "equal")
    assert "review capacities differ" in _models(tmp_path, "compare", "few/1", "many/1").out


def test_bias_is_nearer_to_or_farther_from_equal_treatment(registered: Registered, tmp_path: Path) -> None:
    base = registered.candidates[1].evaluation
    _add(tmp_path, "a", base, {"f": {"DPPL": -0.2, "DI": 0.5, "RD": 0.1, "TE": None, "AD": 0.1}})
    _add(tmp_path, "b", base, {"f": {"DPPL": 0.1, "DI": 4.0, "RD": -0.1, "TE": 1.0, "AD": 0.3}})
    _add(tmp_path, "c", base, {"f": {"DI": 0.0}})
    assert _bias_verdicts(tmp_path, "a/1", "b/1") == {"DPPL": "better", "DI": "worse", "RD": "equal", "AD": "worse", "TE": "unknown"}
    # Nothing is farther from equal than a group that is never referred.
    assert _bias_verdicts(tmp_path, "c/1", "b/1")["DI"] == "better"


def test_data_and_code_are_the_same_by_their_hashes(registered: Registered, tmp_path: Path) -> None:
    base = registered.candidates[1].evaluation
    inputs = {"claims_uri": "s3://d/1", "customers_uri": "s3://d/2"}
    _add(tmp_path, "a", base, training_data_sha256="1", code_train="x", code_serve="y", **inputs)
    _add(tmp_path, "b", base, training_data_sha256="1", code_train="x", code_serve="z", **inputs)
    _add(tmp_path, "c", base, training_data_sha256="2", code_train="x", code_serve="y", **inputs | {"claims_uri": "s3://d/3"})
    other_code, other_data = _compare(tmp_path, "a/1", "b/1"), _compare(tmp_path, "a/1", "c/1")
    assert (other_code.is_same_data, other_code.is_same_code, other_code.is_same_test) == (True, False, True)
    assert (other_data.is_same_data, other_data.is_same_code, other_data.is_same_test) == (False, True, False)
    shown = _models(tmp_path, "compare", "a/1", "c/1").out
    assert "Data: not the same" in shown and "Code: the same" in shown and "measured on different test claims" in shown


def test_the_page_of_a_comparison_stands_alone(registered: Registered, tmp_path: Path) -> None:
    done = _models(registered.home, "compare", "1", "2", "--html", tmp_path / "new" / "page.html", "--json")
    assert done.json["html"] == str(tmp_path / "new" / "page.html")
    page = (tmp_path / "new" / "page.html").read_text()
    assert page.count('class="chart"') == 4
    assert "customer_gender_female" in page and "cannot tell (paired)" in page and "max_depth" in page
    outside = page.replace("http://www.w3.org/2000/svg", "")
    assert "http://" not in outside and "https://" not in outside


def test_the_card_is_where_the_package_says(registered: Registered, tmp_path: Path) -> None:
    card = registered.candidates[1].path("card")
    assert _models(registered.home, "card", "2").out.strip() == str(card / "model_card.html")
    assert _models(registered.home, "card", "2", "--out", tmp_path / "a" / "card.html").code == 0
    assert (tmp_path / "a" / "card.html").read_text() == (card / "model_card.html").read_text()
    found = _models(registered.home, "card", "2", "--out", tmp_path / "card.json", "--json").json
    assert found == {"page": str(card / "model_card.html"), "content": str(card / "model_card.json"), "out": str(tmp_path / "card.json")}
    assert json.loads((tmp_path / "card.json").read_text()) == json.loads((card / "model_card.json").read_text())


def test_bad_input_is_one_clear_line(registered: Registered, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cases: list[tuple[tuple[Any, ...], str]] = [
        (("card", "1"), "claims-model/1 was registered without a model card"),
        (("card", "2", "--out", tmp_path / "file" / "card.html"), "cannot write"),
        (("compare", "2", "claims-model/2"), "are the same model package, claims-model/2"),
        (("compare", "1", "7"), "there is no model package 7; there are claims-model/2"),
        (("describe", "7"), "there is no model package 7"),
        (("list", "--collection", "nowhere"), "there is no collection nowhere; there are none yet"),
        (("collections", "add", "a//b", "group"), "cannot be a collection"),
        (("collections", "remove", "a", "group"), "there is no collection a"),
        (("collections", "delete", "a"), "there is no collection a"),
    ]
    for arguments, message in cases:
        done = _models(registered.home, *arguments)
        assert (done.code, message in done.error) == (2, True), (arguments, done)
        assert len(done.error.strip().splitlines()) == 1


def test_the_list_has_the_figures_that_matter_latest_first(registered: Registered, copy: Path) -> None:
    _register(copy, "a-group")
    listed = _models(copy, "list", "--json").json
    assert [(package["group"], package["version"]) for package in listed] == [("a-group", 1), ("claims-model", 2), ("claims-model", 1)]
    auc = registered.candidates[1].evaluation["binary_classification_metrics"]["auc"]
    assert (listed[0]["metrics"], listed[1]["metrics"]["auc"]["value"]) == ({}, auc["value"])
    lines = _models(copy, "list").out.splitlines()
    assert lines[0].split()[:6] == ["PACKAGE", "STATUS", "CREATED", "AUC", "AVG", "PRECISION"]
    assert f"{auc['value']:.3f} ({auc['lower']:.3f}–{auc['upper']:.3f})" in lines[2]


def test_collections_are_a_tree_that_filters(copy: Path) -> None:
    _register(copy, "glass")
    assert "no collections in" in _models(copy, "collections", "list").out
    assert _models(copy, "collections", "add", "insurance/auto-claims", "claims-model").out == "claims-model is in insurance/auto-claims\n"
    assert _models(copy, "collections", "add", "insurance/auto-claims/glass", "glass", "--json").json == {
        "path": "insurance/auto-claims/glass", "groups": ["glass"],
    }  # fmt: skip
    assert _models(copy, "collections", "add", "insurance/property").code == 0
    _models(copy, "approve", "claims-model/2")
    tree = _models(copy, "collections", "list").out.splitlines()
    assert [line.strip(" │├└─") for line in tree] == [
        "collections", "insurance/", "auto-claims/", "claims-model (2 versions, version 2 approved)",
        "glass/", "glass (1 version)", "property/",
    ]  # fmt: skip
    depths = [len(line) - len(line.lstrip(" │├└─")) for line in tree]
    assert depths == [*sorted(depths[:6]), depths[2]]
    groups = {path: {package["group"] for package in _models(copy, "list", "--collection", path, "--json").json}
              for path in ("insurance", "insurance/auto-claims/glass", "insurance/property")}  # fmt: skip
    assert groups == {"insurance": {"claims-model", "glass"}, "insurance/auto-claims/glass": {"glass"}, "insurance/property": set()}
    assert "there is no collection insurance/auto;" in _models(copy, "list", "--collection", "insurance/auto").error
    assert "is not empty" in _models(copy, "collections", "delete", "insurance").error
    assert _models(copy, "collections", "remove", "insurance/auto-claims/glass", "glass").code == 0
    assert _models(copy, "collections", "delete", "insurance/auto-claims/glass").code == 0
    paths = [one["path"] for one in _models(copy, "collections", "list", "--json").json]
    assert paths == ["insurance", "insurance/auto-claims", "insurance/property"]


def test_a_home_of_before_collections_gets_them(copy: Path) -> None:
    with sqlite3.connect(copy / "history.sqlite") as connection:
        connection.executescript("DROP TABLE collected; DROP TABLE collections")
    assert _models(copy, "collections", "list", "--json").json == []


def test_help_has_examples() -> None:
    for name in ("list", "describe", "compare", "card", "approve", "reject"):
        assert f"fraud models {name}" in CliRunner().invoke(models.app, [name, "--help"]).output
    for name in ("list", "add", "remove", "delete"):
        assert f"fraud models collections {name}" in CliRunner().invoke(models.app, ["collections", name, "--help"]).output
