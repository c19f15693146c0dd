"""Steps, expressions and policies: what they render to, and what they refuse."""

import json

import pytest

from pipeline_definition import parameters
from pipeline_definition.conditions import In, Not, Or, at_least, at_most
from pipeline_definition.errors import DefinitionError
from pipeline_definition.expressions import ExecutionVariable, Join, JsonGet, Property, render, text, uri
from pipeline_definition.pipeline import Pipeline
from pipeline_definition.policies import Caching, Fault, RetryPolicy
from pipeline_definition.resources import Network
from pipeline_definition.steps import (
    Channel,
    FailStep,
    Metric,
    ModelStep,
    Output,
    ProcessingStep,
    PropertyFile,
    Range,
    Strategy,
    TrainingStep,
    TransformStep,
    TuningStep,
)
from pipeline_definition.validation import findings

IMAGE = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:3.2-0"
ROLE = "arn:aws:iam::123456789012:role/Job"
VPC = Network(subnets=("subnet-0a1b2c3d",), security_groups=("sg-0a1b2c3d",))


def _processing(name: str = "Prepare", **more: object) -> ProcessingStep:
    return ProcessingStep(
        name=name, image=IMAGE, role=ROLE, instance_type="ml.m5.large", network=VPC, entrypoint=["python3", "x.py"],
        outputs=[Output(name="out", uri="s3://bucket/out", path="/opt/ml/processing/output")], **more,
    )  # fmt: skip


def _training(**more: object) -> TrainingStep:
    values: dict[str, object] = {
        "hyperparameters": {"eta": "0.1", "max_depth": "3"},
        "metrics": [Metric(name="validation:auc", regex="auc=([0-9.]+)")],
    }
    return TrainingStep(
        name="Train", image=IMAGE, role=ROLE, instance_type="ml.m5.large", network=VPC,
        channels=[Channel(name="train", uri="s3://bucket/train")], output_uri="s3://bucket/models", **(values | more),
    )  # fmt: skip


def test_expressions_render_wherever_they_stand() -> None:
    capacity = parameters.number("Capacity", 0.1)
    value = {
        "a": [text(capacity), {"b": Property("Train", "ModelArtifacts.S3ModelArtifacts")}],
        "c": uri("s3://bucket", ExecutionVariable.PIPELINE_EXECUTION_ID, "x"),
        "d": JsonGet("Evaluate", "Report", "auc.value"),
        "e": 1,
    }
    assert render(value) == {
        "a": [
            {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Capacity"}]}},
            {"b": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}},
        ],
        "c": {"Std:Join": {"On": "/", "Values": ["s3://bucket", {"Get": "Execution.PipelineExecutionId"}, "x"]}},
        "d": {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": "auc.value"}},
        "e": 1,
    }


def test_conditions_have_the_names_that_the_service_knows() -> None:
    condition = Or([Not(In("a", ["a", "b"])), at_most(1, 2), at_least(1, 2)])
    assert condition.to_request() == {
        "Type": "Or",
        "Conditions": [
            {"Type": "Not", "Expression": {"Type": "In", "QueryValue": "a", "Values": ["a", "b"]}},
            {"Type": "LessThanOrEqualTo", "LeftValue": 1, "RightValue": 2},
            {"Type": "GreaterThanOrEqualTo", "LeftValue": 1, "RightValue": 2},
        ],
    }


def test_every_step_type_fits_its_operation() -> None:
    tune = TuningStep(
        name="Tune", trial=_training(), objective="validation:auc", strategy=Strategy.BAYESIAN,
        ranges=[Range(name="eta", low=0.01, high=0.3, scaling="Logarithmic"), Range(name="max_depth", low=1, high=6)],
    )  # fmt: skip
    model = ModelStep(name="Create", image=IMAGE, role=ROLE, model_uri=tune.best_model("s3://bucket/models"), network=VPC)
    transform = TransformStep(
        name="Transform", model_name=model.model_name, input_uri="s3://bucket/in", output_uri="s3://bucket/out",
        instance_type="ml.m5.large",
    )  # fmt: skip
    definition = Pipeline(
        parameters=[], steps=[_processing(caching=Caching("P1D")), _training(use_spot=True, max_wait_seconds=7200), tune, model, transform]
    ).to_definition()
    assert findings(definition) == []
    tuned = definition["Steps"][2]["Arguments"]
    assert tuned["TrainingJobDefinition"]["StaticHyperParameters"] == {}
    assert tuned["HyperParameterTuningJobConfig"]["ParameterRanges"] == {
        "ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.01", "MaxValue": "0.3", "ScalingType": "Logarithmic"}],
        "IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "1", "MaxValue": "6", "ScalingType": "Auto"}],
    }
    json.dumps(definition)


PLANTED = [
    (("ProcessingResources", "ClusterConfig", "InstanceType"), "ml.m5.huge", "none of the"),
    (("ProcessingResources", "ClusterConfig", "InstanceCount"), "two", "Invalid type"),
    (("ProcessingOutputConfig", "Outputs", 0, "S3Output", "S3Uri"), "bucket/out", "does not match"),
    (("AppSpecification", "Entrypoint"), ["python3"], "is not part of the operation"),
    (("StoppingCondition", "MaxRuntimeInSeconds"), 0, "valid min value"),
    (("RoleArn",), "not an arn at all", "does not match"),
    (("ProcessingOutputConfig", "Outputs", 0, "S3Output", "S3UploadMode"), "AtTheEnd", "none of the"),
    (("AppSpecification", "ContainerArguments"), ["x" * 257], "257 characters"),
    (("NetworkConfig", "VpcConfig", "Subnets"), [], "valid min length"),
]


@pytest.mark.parametrize(("path", "value", "message"), PLANTED)
def test_validation_finds_a_planted_mistake(path: tuple[str | int, ...], value: object, message: str) -> None:
    definition = Pipeline(parameters=[], steps=[_processing()]).to_definition()
    place = definition["Steps"][0]["Arguments"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    found = findings(definition)
    assert found
    assert all(finding.startswith("step Prepare: ") for finding in found)
    assert any(message in finding for finding in found), found


def test_a_missing_required_member_is_found() -> None:
    definition = Pipeline(parameters=[], steps=[_processing()]).to_definition()
    del definition["Steps"][0]["Arguments"]["RoleArn"]
    assert any("RoleArn" in finding for finding in findings(definition))


def test_steps_refuse_what_cannot_work() -> None:
    with pytest.raises(DefinitionError, match="'two words'"):
        _processing("two words")
    with pytest.raises(DefinitionError, match="has not"):
        _processing(property_files=[PropertyFile(name="R", output="nowhere", path="r.json")])
    with pytest.raises(DefinitionError, match="no output 'model'"):
        _processing().output("model")
    with pytest.raises(DefinitionError, match="no property file 'R'"):
        _processing().value("R", "a")
    with pytest.raises(DefinitionError, match="longer than 256"):
        _processing(container_arguments=["x" * 257])
    with pytest.raises(DefinitionError, match=r"hyperparameter eta is 0\.1"):
        _training(hyperparameters={"eta": 0.1})
    with pytest.raises(DefinitionError, match="Spot needs max_wait_seconds"):
        _training(use_spot=True)
    with pytest.raises(DefinitionError, match="no metric definition"):
        TuningStep(name="Tune", trial=_training(), ranges=[], objective="loss")
    with pytest.raises(DefinitionError, match="choices only"):
        TuningStep(
            name="Tune", trial=_training(), ranges=[Range(name="eta", low=0.1, high=0.2)], objective="validation:auc",
            strategy=Strategy.GRID,
        )  # fmt: skip
    with pytest.raises(DefinitionError, match="either max_attempts or"):
        RetryPolicy(faults=(Fault.SERVICE,))
    with pytest.raises(DefinitionError, match="is no Integer"):
        parameters.Parameter(name="N", type=parameters.ParameterType.INTEGER, default=True)
    with pytest.raises(DefinitionError, match="not one of A, B"):
        parameters.string("S", "C", allowed=("A", "B"))


def test_a_pipeline_refuses_references_that_lead_nowhere() -> None:
    fail = FailStep(name="Stop", message="x")
    with pytest.raises(DefinitionError, match="step Stop is defined twice"):
        Pipeline(parameters=[], steps=[fail, fail]).to_definition()
    with pytest.raises(DefinitionError, match="there is no step Train"):
        Pipeline(parameters=[], steps=[FailStep(name="Stop", message=Property("Train", "x"))]).to_definition()
    with pytest.raises(DefinitionError, match="parameter Floor, which is not declared"):
        Pipeline(parameters=[], steps=[FailStep(name="Stop", message=parameters.string("Floor"))]).to_definition()
    with pytest.raises(DefinitionError, match="has no such property file"):
        Pipeline(parameters=[], steps=[_processing(), FailStep(name="Stop", message=JsonGet("Prepare", "R", "a"))]).to_definition()
    with pytest.raises(DefinitionError, match="depends on Stop, which is not a step"):
        Pipeline(parameters=[], steps=[FailStep(name="Other", message=Join("", ["x"]), depends_on=[fail])]).to_definition()
