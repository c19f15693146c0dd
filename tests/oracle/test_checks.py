"""Check steps as the SageMaker SDK v3 writes them run here, from the first baseline to a drift."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker import Definition, Execution, Home, Options, Result
from local_sagemaker.history import History
from local_sagemaker.registry import Registry
from tests.support.definitions import put, statuses

PROJECT = Path(__file__).parent.parent.parent
PYTHON = PROJECT / ".venv-oracle" / "bin" / "python"
CHECKS = ("DataBias", "Explanation", "DataQuality", "ModelQuality")

# Stands for Clarify: its analysis is the data's own, so that a test can say what comes out.
CLARIFY = """
import csv, json, pathlib
ml = pathlib.Path('/opt/ml/processing')
config = json.loads((ml / 'input/config/analysis_config.json').read_text())
rows = [row for file in (ml / 'input/data').iterdir() for row in csv.DictReader(file.open())]
women = [row for row in rows if row['gender'] == 'Female']
metrics = [{'name': 'CI', 'description': 'Class Imbalance', 'value': (len(rows) - 2 * len(women)) / len(rows)}]
assert config['label'] == 'fraud'
content = {'version': '1.0'}
if 'pre_training_bias' in config['methods']:
    facets = {'gender': [{'value_or_threshold': 'Female', 'metrics': metrics}]}
    content['pre_training_bias_metrics'] = {'label': 'fraud', 'facets': facets}
else:
    values = {'amount': 1.0, 'gender': len(women) / len(rows)}
    content['explanations'] = {'kernel_shap': {'label0': {'global_shap_values': values, 'expected_value': 0.1}}}
(ml / 'output/analysis.json').write_text(json.dumps(content))
"""


@pytest.fixture(scope="module")
def built() -> Any:
    if not PYTHON.exists():
        pytest.fail("the oracle's environment is missing: run `make test`, which makes it")
    command = [str(PYTHON), str(Path(__file__).with_name("build_checks_with_sdk.py"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture
def home(tmp_path: Path, built: Any) -> Home:
    home = Home(tmp_path / "home")
    for uri, text in built["uploads"].items():
        put(home, uri, text)
    put(home, "s3://models/model.tar.gz", "x")
    (tmp_path / "clarify.py").write_text(CLARIFY)
    runtime = f'[[runtime]]\nimage = "sagemaker-clarify-processing:*"\ncommand = ["python3", "{tmp_path / "clarify.py"}"]\n'
    (home.folder / "runtimes.toml").write_text(runtime)
    return home


def _data(home: Home, name: str, *, women: int, threshold: float, dearer: int = 0) -> dict[str, str]:
    """100 claims, the first ``women`` of them women's; scored by their number, fraud from ``threshold`` on, ``dearer`` by as much."""
    genders = ["Female" if number < women else "Male" for number in range(100)]
    rows = [f"{int(number >= 50)},{gender},{number + dearer}" for number, gender in enumerate(genders)]
    scored = [json.dumps({"score": number / 100, "fraud": int(number >= 100 * threshold)}) for number in range(100)]
    put(home, f"s3://data/{name}/claims.csv", "\n".join(["fraud,gender,amount", *rows]))
    put(home, f"s3://scored/{name}/scores.jsonl", "\n".join(scored))
    return {"DataUri": f"s3://data/{name}/", "ScoredUri": f"s3://scored/{name}/"}


def _run(home: Home, built: Any, **parameters: Any) -> Result:
    return Execution(Definition.parse(built["definition"]), home, overrides=parameters, options=Options(pipeline="checks", slots=2)).run()


def _baselines(home: Home) -> Any:
    return Registry(History(home)).packages("claims")[0].request["DriftCheckBaselines"]


def test_baselines_are_made_registered_checked_and_kept(home: Home, built: Any) -> None:
    same = _data(home, "same", women=20, threshold=0.5)
    first = _run(home, built, **same)
    assert first.status == "Succeeded", [step.reason for step in first.steps]
    assert _baselines(home)["Bias"]["PreTrainingConstraints"]["S3Uri"] == f"s3://runs/{first.execution}/DataBias/analysis.json"
    again = _run(home, built, **same)
    assert {statuses(again)[step] for step in CHECKS} == {"Cached"}
    checked = _run(home, built, **_data(home, "more", women=30, threshold=0.5), SkipCheck="false", RegisterNewBaseline="false")
    assert statuses(checked) == dict.fromkeys((*CHECKS, "Register"), "Succeeded"), [step.reason for step in checked.steps]
    # Not registered: the old baseline goes on to the next version, beside what was newly calculated.
    properties = checked.step("DataQuality").properties
    assert properties["CalculatedBaselineStatistics"] == f"s3://runs/{checked.execution}/DataQuality/statistics.json"
    assert properties["BaselineUsedForDriftCheckStatistics"] == f"s3://runs/{first.execution}/DataQuality/statistics.json"
    assert _baselines(home)["ModelDataQuality"]["Statistics"]["S3Uri"] == properties["BaselineUsedForDriftCheckStatistics"]


def test_a_drift_fails_the_step_and_its_report_says_what_drifted(home: Home, built: Any) -> None:
    _run(home, built, **_data(home, "before", women=20, threshold=0.5))
    worse = _data(home, "after", women=5, threshold=0.8, dearer=60)
    result = _run(home, built, **worse, SkipCheck="false")
    assert statuses(result) == {
        "DataBias": "Failed", "Explanation": "Succeeded", "DataQuality": "Failed", "ModelQuality": "Failed", "Register": "NotExecuted"
    }  # fmt: skip
    assert "gender=Female CI: Metric value 0.9 is further from 0 than the baseline's 0.6" in result.step("DataBias").reason
    report = json.loads(home.path(f"s3://runs/{result.execution}/DataBias/constraint_violations.json").read_text())
    assert [(entry["facet"], entry["facet_value"], entry["metric_name"]) for entry in report["violations"]] == [("gender", "Female", "CI")]
    # .6 apart, less the .2546 by which two samples of 100 may differ anyway; the shares of gender are .15 apart.
    assert "1 violation of the baseline" in result.step("DataQuality").reason
    assert "amount: Baseline drift distance: 0.3454 exceeds threshold: 0.1" in result.step("DataQuality").reason
    assert "Metric precision with 0.4 was LessThanThreshold 1" in result.step("ModelQuality").reason
    passing = _run(home, built, **worse, SkipCheck="false", FailOnViolation="false")
    # What had passed is reused: FailOnViolation is no part of the key.
    assert statuses(passing) == dict.fromkeys((*CHECKS, "Register"), "Succeeded") | {"Explanation": "Cached"}
    assert passing.step("DataBias").properties["ViolationReport"] == f"s3://runs/{passing.execution}/DataBias/constraint_violations.json"


def test_a_check_without_a_baseline_fails_and_says_what_to_do(home: Home, built: Any) -> None:
    result = _run(home, built, **_data(home, "first", women=20, threshold=0.5), SkipCheck="false")
    said = result.step("DataBias").reason
    assert "no approved model package of claims has DriftCheckBaselines.Bias.PreTrainingConstraints; a first run sets SkipCheck" in said
