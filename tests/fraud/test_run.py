"""``fraud run`` on real claims: what it reaches, what it reuses, what it refuses."""

import contextlib
import json
import os
import pty
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import pipeline_definition
import settings
from fraud import local_resources
from local_sagemaker import Definition, Execution, Home, Options
from local_sagemaker.sandbox import Isolation
from tests.support import claims as tables
from tests.support.claims import Tables
from tests.support.cli import PROJECT, cached, command, fraud
from training_code.claims.schema import Table

JOBS = ["Preprocess", "Train", "Evaluate", "PreTrainingBias", "PostTrainingBias", "Explain", "Package"]
BEHIND = ["ModelCard", "Register", "CreateModel", "BatchTransform"]
NEVER_REUSED = ["QualityGate", "Register", "CreateModel", "BatchTransform", "Reject"]
"""A model has a new name in every run, and so has what uses it a new argument."""


@pytest.fixture(scope="module")
def first(real: Tables, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The home and the document of a first run on the real claims."""
    home = tmp_path_factory.mktemp("first") / "home"
    done = _run(real, home)
    assert done.code == 0, done.error + done.out
    return home, done.json


def _run(data: Tables, home: Path, *arguments: object, project: Path = PROJECT) -> Any:
    return fraud("run", "--claims", data.claims, "--customers", data.customers, "--home", home, "--json", *arguments, project=project)


def test_real_claims_give_a_registered_model(first: tuple[Path, Any]) -> None:
    home, document = first
    assert document["status"] == "Succeeded"
    assert {step["name"]: step["status"] for step in document["steps"]} == {
        **dict.fromkeys([*JOBS, "QualityGate", *BEHIND], "Succeeded"), "Reject": "NotExecuted",
    }  # fmt: skip
    assert set(document["steps"][0]) == {"name", "type", "status", "seconds", "cached", "attempts"}
    metrics = document["metrics"]
    assert metrics["out_of_fold_auc"] >= 0.78
    assert metrics["auc_lower"] < metrics["auc"] < metrics["auc_upper"]
    listed = fraud("models", "list", "--home", home, "--json").json
    assert document["model_package_arn"] in [package["arn"] for package in listed]
    (quality,) = Home(home).path("s3://fraud-detection-artifacts/runs").glob("Preprocess/*/quality/data_quality-algo-1.json")
    counts = json.loads(quality.read_text())["claims"]
    assert counts["in"] == 5000 == counts["out"] + counts["quarantined"]


def test_a_registered_model_is_in_the_collection_of_the_settings(first: tuple[Path, Any]) -> None:
    found = fraud("models", "collections", "list", "--home", first[0], "--json").json
    assert found == [{"path": "insurance", "groups": []}, {"path": "insurance/auto-claims", "groups": ["fraud-detection"]}]
    assert fraud("models", "list", "--collection", "insurance/auto-claims", "--home", first[0], "--json").json


def test_the_run_report_shows_graph_metrics_and_the_pages_of_steps(first: tuple[Path, Any]) -> None:
    page = Path(first[1]["report"]).read_text()
    for step in [*JOBS, "QualityGate", *BEHIND, "Reject"]:
        assert f">{step}</text>" in page
    assert page.count("<iframe srcdoc=") == 6
    assert "ROC" in page and "out_of_fold_auc" in page and first[1]["model_package_arn"] in page
    outside = page.replace("http://www.w3.org/2000/svg", "")
    assert "http://" not in outside and "https://" not in outside


def test_nothing_changed_reuses_every_step_that_can_be(first: tuple[Path, Any], real: Tables) -> None:
    document = _run(real, first[0]).json
    assert cached(document) == dict.fromkeys([*JOBS, "ModelCard"], True) | dict.fromkeys(NEVER_REUSED, False)
    assert document["metrics"] == first[1]["metrics"]


def test_one_changed_claim_runs_everything_again(first: tuple[Path, Any], real: Tables, tmp_path: Path) -> None:
    """The cache compares URIs; this one contains the hash of the claims."""
    rows = tables.read(real.claims)
    rows[0]["num_witnesses"] = str(int(rows[0]["num_witnesses"]) + 1)
    document = _run(Tables(tables.write(tmp_path / "claims.csv", rows), real.customers), first[0]).json
    assert not any(cached(document).values())


def test_a_parameter_runs_only_what_uses_it(first: tuple[Path, Any], real: Tables) -> None:
    document = _run(real, first[0], "--param", "ReviewCapacity=0.2").json
    assert [name for name, is_cached in cached(document).items() if is_cached] == ["Preprocess", "Train", "PreTrainingBias"]
    assert document["metrics"]["threshold"] < first[1]["metrics"]["threshold"]


def test_an_edited_evaluation_script_runs_evaluate_and_what_follows(first: tuple[Path, Any], real: Tables, tmp_path: Path) -> None:
    copy = tmp_path / "project"
    for folder in ("fraud", "local_sagemaker", "pipeline_definition", "settings", "training_code"):
        shutil.copytree(PROJECT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / ".wheelhouse").symlink_to(PROJECT / ".wheelhouse")
    assert all(cached(_run(real, first[0], project=copy).json)[step] for step in JOBS)
    script = copy / "training_code" / "evaluate" / "document.py"
    script.write_text(script.read_text().replace("_CALIBRATION_BINS = 10", "_CALIBRATION_BINS = 5"))
    document = _run(real, first[0], project=copy).json
    assert [step for step in JOBS if not cached(document)[step]] == ["Evaluate", "PostTrainingBias", "Explain", "Package"]
    why = fraud("run", "--claims", real.claims, "--customers", real.customers, "--home", first[0], "--why", "Evaluate")
    # The unedited script has run before, and its outputs are still good.
    assert "Evaluate would be reused" in why.out


def test_why_names_the_part_of_the_key_and_runs_nothing(first: tuple[Path, Any], real: Tables) -> None:
    before = sorted((first[0] / "executions").iterdir())
    arguments = ("run", "--claims", real.claims, "--customers", real.customers, "--home", first[0])
    done = fraud(*arguments, "--why", "Evaluate", "--param", "ReviewCapacity=0.33")
    assert "Evaluate would run" in done.out
    assert "AppSpecification.ContainerArguments[1]: 0.1 → 0.33" in done.out or "→ 0.33" in done.out
    assert fraud(*arguments, "--why", "Nothing").code == 2
    assert sorted((first[0] / "executions").iterdir()) == before


def test_no_cache_runs_every_step(first: tuple[Path, Any], real: Tables) -> None:
    assert not any(cached(_run(real, first[0], "--no-cache").json).values())


def test_without_namespaces_the_pipeline_gives_the_same_bytes(first: tuple[Path, Any], real: Tables, tmp_path: Path) -> None:
    """As on macOS, where /opt/ml is rewritten in arguments and environment."""
    home, chosen = Home(tmp_path / "home"), settings.load("dev")
    resources = local_resources.provide(home, chosen, data={Table.CLAIMS: real.claims, Table.CUSTOMERS: real.customers})
    parsed = Definition.parse(pipeline_definition.build(chosen, resources))
    result = Execution(parsed, home, options=Options(pipeline="fraud-detection", isolation=Isolation.REWRITE)).run()
    assert result.status == "Succeeded", [step.reason for step in result.steps]
    runs = {place.folder: place.path("s3://fraud-detection-artifacts/runs") for place in (home, Home(first[0]))}
    own = next(runs[home.folder].glob("Package/*/package/model.tar.gz")).read_bytes()
    assert own in [file.read_bytes() for file in runs[Home(first[0]).folder].glob("Package/*/package/model.tar.gz")]


def test_shuffled_labels_stop_at_the_gate(real: Tables, tmp_path: Path) -> None:
    rows = tables.read(real.claims)
    for seed in (1, 2, 3):
        labels = [row["fraud"] for row in rows]
        random.Random(seed).shuffle(labels)
        shuffled = [row | {"fraud": label} for row, label in zip(rows, labels, strict=True)]
        done = _run(Tables(tables.write(tmp_path / f"{seed}.csv", shuffled), real.customers), tmp_path / "home")
        assert done.code == 1
        statuses = {step["name"]: step["status"] for step in done.json["steps"]}
        assert (statuses["Register"], statuses["Reject"]) == ("NotExecuted", "Failed")
        reason = next(step["reason"] for step in done.json["steps"] if step["name"] == "Reject")
        assert "AUC's lower bound is 0." in reason and "must be at least 0.62" in reason
    assert fraud("models", "list", "--home", tmp_path / "home", "--json").json == []


@pytest.mark.parametrize("bound", ["MinimumAucLowerBound", "MinimumAveragePrecision", "MinimumRecallAtCapacity"])
def test_each_bound_alone_stops_a_model(first: tuple[Path, Any], real: Tables, bound: str) -> None:
    done = _run(real, first[0], "--param", f"{bound}=0.95")
    assert (done.code, done.json["model_package_arn"]) == (1, None)
    reason = next(step["reason"] for step in done.json["steps"] if step["name"] == "Reject")
    assert reason.count("must be at least 0.95") == 1


def test_the_status_of_a_package_is_a_parameter(first: tuple[Path, Any], real: Tables) -> None:
    document = _run(real, first[0], "--param", "ModelApprovalStatus=Approved").json
    assert fraud("models", "describe", document["model_package_arn"], "--home", first[0], "--json").json["status"] == "Approved"


def test_a_failed_step_shows_its_log_and_its_cause(synthetic: Tables, tmp_path: Path) -> None:
    rows = tables.read(synthetic.claims)
    for row in rows[:500]:
        row["incident_type"] = "Alien"
    claims = tables.write(tmp_path / "claims.csv", rows)
    done = fraud("run", "--claims", claims, "--customers", synthetic.customers, "--home", tmp_path / "home")
    assert done.code == 1
    assert "Preprocess failed: 500 of 2000 claims (25.0%) are bad" in done.out
    assert "last lines of" in done.out
    assert "Preprocess: failed" in done.error
    (report,) = (tmp_path / "home" / "reports").iterdir()
    assert "Preprocess failed" in report.read_text()


def test_several_files_and_instances_give_the_same_claims(synthetic: Tables, tmp_path: Path) -> None:
    rows = tables.read(synthetic.claims)
    for number in range(3):
        tables.write(tmp_path / "claims" / f"{number}.csv", rows[number::3])
    data = Tables(tmp_path / "claims", synthetic.customers)
    done = _run(data, tmp_path / "home", "--param", "PreprocessInstanceCount=2", "--param", "MinimumRecallAtCapacity=0.01")
    reports = sorted(Home(tmp_path / "home").path("s3://fraud-detection-artifacts/runs").glob("Preprocess/*/quality/data_quality-*.json"))
    assert [file.name for file in reports] == ["data_quality-algo-1.json", "data_quality-algo-2.json"], done.error
    assert sum(json.loads(file.read_text())["claims"]["out"] for file in reports) == 2000


def test_models_are_described_approved_and_rejected(first: tuple[Path, Any]) -> None:
    home, document = first
    arn = document["model_package_arn"]
    described = fraud("models", "describe", arn, "--home", home, "--json").json
    assert described["status"] == "PendingManualApproval"
    assert float(described["request"]["CustomerMetadataProperties"]["threshold"]) == document["metrics"]["threshold"]
    assert fraud("models", "approve", arn, "--home", home, "--json").json["status"] == "Approved"
    assert fraud("models", "reject", f"fraud-detection/{described['version']}", "--home", home, "--json").json["status"] == "Rejected"
    assert arn in fraud("models", "describe", arn, "--home", home).out
    assert "fraud-detection/1" in fraud("models", "list", "--home", home).out
    done = fraud("models", "approve", "99", "--home", home)
    assert (done.code, "there is no model package 99; there are fraud-detection/" in done.error) == (2, True)


def test_another_definition_runs_with_its_own_parameters(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    step = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Parameters.P"}}}
    file.write_text(json.dumps({"Parameters": [{"Name": "P", "Type": "String"}], "Steps": [step]}))
    done = fraud("run", "--definition", file, "--param", "P=enough", "--home", tmp_path / "home", "--json")
    assert (done.code, done.json["status"], done.json["steps"][0]["reason"]) == (1, "Failed", "enough")


def _write(folder: Path, name: str, content: str) -> Path:
    (folder / name).write_text(content)
    return folder / name


def test_bad_input_is_one_clear_line_and_exit_code_two(real: Tables, tmp_path: Path) -> None:
    lacking = tables.write(tmp_path / "lacking.csv", [{"policy_id": "1", "fraud": "0"}])
    fail = {"Name": "A", "Type": "Fail", "Arguments": {}}
    cycle = json.dumps({"Steps": [fail | {"DependsOn": ["B"]}, fail | {"Name": "B", "DependsOn": ["A"]}]})
    undefined = json.dumps({"Steps": [fail | {"DependsOn": ["Z"]}]})
    data = ["--claims", real.claims, "--customers", real.customers]
    cases: list[tuple[list[Any], str]] = [
        (["--claims", tmp_path / "nowhere.csv", "--customers", real.customers], "--claims: there is no file or folder"),
        (["--claims", real.claims], "--claims needs --customers too"),
        (["--claims", lacking, "--customers", real.customers], "lacks the columns driver_relationship"),
        ([*data, "--env", "moon"], "there is no environment 'moon'; there are dev, prod, staging"),
        ([*data, "--param", "Nothing=1"], "there is no parameter Nothing"),
        ([*data, "--param", "ReviewCapacity=much"], "ReviewCapacity is of type Float, and 'much' is not"),
        ([*data, "--param", "ModelApprovalStatus=Perhaps"], "must be one of"),
        ([*data, "--param", "ReviewCapacity"], "is not of the form Name=Value"),
        (["--definition", _write(tmp_path, "a.json", "{")], "is not JSON"),
        (["--definition", _write(tmp_path, "b.json", cycle)], "the steps wait for each other"),
        (["--definition", _write(tmp_path, "c.json", undefined)], "refers to the step Z, which is not defined"),
        (["--definition", tmp_path / "d.json"], "cannot read the definition"),
        ([*data, "--home", _write(tmp_path, "file", "")], "cannot use"),
    ]
    for arguments, message in cases:
        home = [] if "--home" in arguments else ["--home", tmp_path / "home"]
        done = fraud("run", *arguments, *home)
        assert done.code == 2, (arguments, done)
        assert message in done.error, (message, done.error)
        assert "Traceback" not in done.error
        assert len(done.error.strip().splitlines()) == 1
    executions = tmp_path / "home" / "executions"
    assert not executions.exists() or not list(executions.iterdir())


def test_a_terminal_shows_the_steps_as_they_run_and_a_pipe_plain_lines(synthetic: Tables, tmp_path: Path) -> None:
    # Bounds that a model of 2,000 claims passes.
    bounds = [f"--param={name}=0.001" for name in ("MinimumAucLowerBound", "MinimumAveragePrecision", "MinimumRecallAtCapacity")]
    bounds.append("--param=MaximumCDDPLCustomerGenderFemale=1")
    arguments = ("run", "--claims", synthetic.claims, "--customers", synthetic.customers, "--home", tmp_path / "home", *bounds)
    master, slave = pty.openpty()
    with subprocess.Popen(command(*arguments), cwd=PROJECT, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        shown = b""
        with contextlib.suppress(OSError):
            while chunk := os.read(master, 65536):
                shown += chunk
    os.close(master)
    text = shown.decode()
    assert process.returncode == 0, text
    assert "\x1b[" in text and "executing" in text and "✓" in text
    plain = fraud(*arguments)
    assert "\x1b[" not in plain.out + plain.error
    assert "Train: reused from the cache" in plain.error
    assert "model package: arn:aws:sagemaker:" in plain.out


def test_help_has_examples() -> None:
    for name in ("run", "data", "definition", "graph"):
        done = fraud(name, "--help")
        assert (done.code, f"fraud {name}" in done.out) == (0, True)
    assert fraud().code in (0, 2)


def test_the_definition_is_printed_and_drawn(tmp_path: Path) -> None:
    printed = fraud("definition").json
    assert [step["Name"] for step in printed["Steps"]] == [*JOBS, "QualityGate"]
    assert "no findings" in fraud("definition", "--env", "prod", "--check").out
    drawn = fraud("graph").out
    assert drawn.startswith("<svg")
    # The README shows this very picture: `fraud graph --out docs/pipeline.svg` makes it anew.
    assert drawn == (PROJECT / "docs" / "pipeline.svg").read_text()
    assert fraud("graph", "--format", "mermaid").out.startswith("flowchart LR")
    file = _write(tmp_path, "d.json", json.dumps(printed))
    assert fraud("graph", "--definition", file, "--json").json["edges"][0] == {"from": "Preprocess", "to": "Train", "label": ""}
    assert fraud("graph", "--format", "png").code == 2
