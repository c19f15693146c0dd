"""Check steps: which baseline they take, what they publish, and what they refuse."""

import json
from typing import Any

import pytest

from local_sagemaker import BadInputError, Home, Result
from local_sagemaker.history import History
from local_sagemaker.registry import Registry
from tests.support.definitions import ROLE, put, run

ANALYZER = "468650794304.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer"
CLARIFY = "131013547314.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-clarify-processing:1.0"
Step = dict[str, Any]


def check(
    home: Home, values: list[int], *, image: str = ANALYZER, kind: str = "QualityCheck", check_type: str = "DATA_QUALITY", **more: Any
) -> Step:
    """A check step on a dataset of one column x."""
    uri = put(home, f"s3://data/{len(values)}-{sum(values)}/x.csv", "\n".join(["x", *map(str, values)])).rpartition("/")[0]
    location = {"S3Uri": uri, "LocalPath": "/opt/ml/processing/input/data", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    target = {"Std:Join": {"On": "/", "Values": ["s3://runs", {"Get": "Execution.PipelineExecutionId"}, "Check"]}}
    output = {"S3Uri": target, "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
    return {
        "Name": "Check",
        "Type": kind,
        "Arguments": {
            "ProcessingInputs": [{"InputName": "data", "S3Input": location}],
            "ProcessingOutputConfig": {"Outputs": [{"OutputName": "result", "S3Output": output}]},
            "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
            "AppSpecification": {"ImageUri": image},
            "RoleArn": ROLE,
            "Environment": {
                "dataset_source": "/opt/ml/processing/input/data",
                "dataset_format": json.dumps({"csv": {"header": True}}),
                "output_path": "/opt/ml/processing/output",
            },
        },
        "CheckType": check_type, "SkipCheck": False, "FailOnViolation": True, "RegisterNewBaseline": False,
    } | more  # fmt: skip


def constraints(home: Home, name: str, **config: Any) -> str:
    """A baseline that knows one column x, of whole numbers."""
    feature = {"name": "x", "inferred_type": "Integral", "completeness": 1.0, "num_constraints": {"is_non_negative": True}}
    return put(home, f"s3://baselines/{name}.json", json.dumps({"version": 0, "features": [feature], "monitoring_config": config}))


def clarify(home: Home, script: str) -> None:
    """Let ``script`` stand for Clarify's image."""
    program = home.folder / "clarify.py"
    program.write_text(script)
    runtime = f'image = "sagemaker-clarify-processing:*"\ncommand = ["python3", "{program}"]'
    (home.folder / "runtimes.toml").write_text(f"[[runtime]]\n{runtime}\n")


def register(home: Home, uri: str, status: str) -> str:
    baselines = {"ModelDataQuality": {"Constraints": {"S3Uri": uri}}}
    request = {"ModelPackageGroupName": "g", "ModelApprovalStatus": status, "DriftCheckBaselines": baselines}
    return Registry(History(home)).register(request, "e")


def reason(result: Result) -> str:
    assert result.step("Check").status == "Failed"
    return result.step("Check").reason


def test_the_baseline_is_what_is_supplied_else_of_the_latest_approved_package(home: Home) -> None:
    first, second, third, own = (constraints(home, name) for name in ("first", "second", "third", "own"))
    for uri, status in ((first, "Approved"), (second, "Approved"), (third, "PendingManualApproval")):
        register(home, uri, status)

    def used(**more: Any) -> Any:
        return run(home, check(home, [1, 2], **more)).step("Check").properties.get("BaselineUsedForDriftCheckConstraints")

    assert used(ModelPackageGroupName="g") == second
    assert used(ModelPackageGroupName="g", SuppliedBaselineConstraints=own) == own
    # Without a check a baseline is still handed on where there is one.
    assert used(ModelPackageGroupName="g", SkipCheck=True) == second
    assert used(SkipCheck=True) is None
    new = run(home, check(home, [1, 2], ModelPackageGroupName="g", RegisterNewBaseline=True))
    properties = new.step("Check").properties
    assert properties["BaselineUsedForDriftCheckConstraints"] == properties["CalculatedBaselineConstraints"]
    assert properties["CalculatedBaselineConstraints"] == f"s3://runs/{new.execution}/Check/constraints.json"
    assert home.path(properties["CalculatedBaselineStatistics"]).is_file()


def test_a_violation_fails_the_step_after_its_results_are_published(home: Home) -> None:
    supplied = {"SuppliedBaselineConstraints": constraints(home, "own")}
    result = run(home, check(home, [-1, 2], **supplied))
    report = f"s3://runs/{result.execution}/Check/constraint_violations.json"
    assert reason(result) == (
        "1 violation of the baseline s3://baselines/own.json: x: The least value is -1; the baseline has none below zero "
        f"(all in {report})"
    )
    assert json.loads(home.path(report).read_text())["violations"][0]["constraint_check_type"] == "non_negative_check"
    assert (home.path(report).parent / "statistics.json").is_file()
    passed = run(home, check(home, [-1, 2], **supplied, FailOnViolation=False))
    assert passed.step("Check").properties["ViolationReport"] == f"s3://runs/{passed.execution}/Check/constraint_violations.json"
    clean = run(home, check(home, [1, 2], **supplied))
    assert "ViolationReport" not in clean.step("Check").properties
    assert not home.exists(f"s3://runs/{clean.execution}/Check/constraint_violations.json")


def test_many_violations_are_counted_and_the_first_named(home: Home) -> None:
    features = [{"name": f"y{number}", "inferred_type": "Integral", "completeness": 1.0} for number in range(20)]
    uri = put(home, "s3://baselines/many.json", json.dumps({"features": features}))
    said = reason(run(home, check(home, [1], SuppliedBaselineConstraints=uri)))
    assert said.startswith("21 violations of the baseline")
    assert "y6: There is no column y6; and 13 more (all in" in said


def test_conditions_and_later_steps_read_the_properties(home: Home) -> None:
    get = {"Get": "Steps.Check.BaselineUsedForDriftCheckConstraints"}
    fail = {"Name": "End", "Type": "Fail", "Arguments": {"ErrorMessage": {"Std:Join": {"On": " ", "Values": ["used", get]}}}}
    result = run(home, check(home, [1], SuppliedBaselineConstraints=constraints(home, "own")), fail)
    assert result.step("End").reason == "used s3://baselines/own.json"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no baseline at s3://baselines/own.json"),
        ("x", "the baseline at s3://baselines/own.json is not JSON"),
        ("{}", "s3://baselines/own.json is not the baseline of such a check: KeyError 'features'"),
        ("[]", "s3://baselines/own.json is not the baseline of such a check: AttributeError"),
    ],
)
def test_a_baseline_that_is_none_is_refused(home: Home, content: str | None, said: str) -> None:
    if content is not None:
        put(home, "s3://baselines/own.json", content)
    assert said in reason(run(home, check(home, [1], SuppliedBaselineConstraints="s3://baselines/own.json")))


def test_without_a_baseline_the_check_fails_before_its_job(home: Home) -> None:
    result = run(home, check(home, [1]))
    assert "no SuppliedBaselineConstraints, and no ModelPackageGroupName is given; a first run sets SkipCheck" in reason(result)
    register(home, "s3://lost.json", "Rejected")
    assert "no approved model package of g has DriftCheckBaselines.ModelDataQuality.Constraints" in reason(
        run(home, check(home, [1], ModelPackageGroupName="g"))
    )
    log = result.step("Check").log
    assert log is not None
    assert not log.exists()


def test_a_clarify_image_needs_a_command_and_both_errors_say_how_to_give_one(home: Home) -> None:
    step = check(home, [1], image=CLARIFY, kind="ClarifyCheck", check_type="DATA_BIAS", SkipCheck=True)
    with pytest.raises(BadInputError, match=r"(?s)no local runtime stands for .*image = \"sagemaker-clarify-processing:1.0\".*command = "):
        run(home, step)
    (home.folder / "runtimes.toml").write_text('[[runtime]]\nimage = "sagemaker-clarify-processing:*"\n')
    assert 'image = "sagemaker-clarify-processing:1.0" command = ["python3"' in reason(run(home, step))
    clarify(home, "print('done')")
    result = run(home, step)
    assert reason(result) == f"the job wrote no analysis.json into s3://runs/{result.execution}/Check"


def test_model_bias_is_compared_after_training(home: Home) -> None:
    """Its section of the analysis is not that of the data's bias."""
    metric = {"name": "DPPL", "description": "", "value": 0.3}
    facets = {"facets": {"gender": [{"value_or_threshold": "Female", "metrics": [metric]}]}}
    analysis = json.dumps({"post_training_bias_metrics": facets})
    clarify(home, f"import pathlib; pathlib.Path('/opt/ml/processing/output/analysis.json').write_text({analysis!r})")
    metric["value"] = 0.1
    uri = put(home, "s3://baselines/bias.json", json.dumps({"post_training_bias_metrics": facets}))
    step = check(home, [1], image=CLARIFY, kind="ClarifyCheck", check_type="MODEL_BIAS", SuppliedBaselineConstraints=uri)
    assert "gender=Female DPPL: Metric value 0.3 is further from 0 than the baseline's 0.1" in reason(run(home, step))
    wrong = run(home, step | {"CheckType": "DATA_BIAS"})
    assert "is not the baseline of such a check: KeyError 'pre_training_bias_metrics'" in reason(wrong)


def test_an_unknown_check_is_refused(home: Home) -> None:
    assert "there is no CheckType FAIRNESS; there are DATA_BIAS" in reason(run(home, check(home, [1], check_type="FAIRNESS")))
