"""Every way to train and to judge: the definition that the settings ask for, valid in each."""

import json
from typing import Any

import pytest

import pipeline_definition
import settings
from fraud import local_resources
from pipeline_definition.fraud_detection import plan
from pipeline_definition.pipeline import references, walk
from pipeline_definition.validation import findings
from training_code.train import out_of_fold

_IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/trainer:1"
_TUNED = {"tuning": {"ranges": {"max_depth": {"low": 1, "high": 4}, "eta": {"low": 0.005, "high": 0.1, "scaling": "Logarithmic"}}}}
_MODES: dict[str, dict[str, Any]] = {
    "default": {},
    "combined": {"combine_steps": True},
    "bayesian": {"training": _TUNED},
    "random": {"training": {"tuning": _TUNED["tuning"] | {"strategy": "Random"}}},
    "grid": {"training": {"tuning": {"strategy": "Grid", "max_trials": 2, "ranges": {"max_depth": {"choices": [1, 2]}}}}},
    "hyperband": {"training": {"tuning": _TUNED["tuning"] | {"strategy": "Hyperband"}}},
    "logistic regression": {"training": {"algorithm": "logistic-regression"}},
    "built-in XGBoost": {"training": {"algorithm": "built-in-xgboost"}},
    "LinearLearner": {"training": {"algorithm": "linear-learner"}},
    "KMeans": {"training": {"algorithm": "kmeans"}, "explain": False},
    "custom": {"training": {"algorithm": "custom", "container": {"image": _IMAGE}}},
    "custom folder": {"training": {"algorithm": "custom", "container": {"folder": "docker"}}},
    "Spot": {"training": {"use_spot": True}},
    "Spot without checkpoints": {"training": {"algorithm": "linear-learner", "use_spot": True}},
    "built-in on Spot": {"training": {"algorithm": "built-in-xgboost", "use_spot": True}},
    "GPU": {"jobs": {"train": {"instance_type": "ml.g4dn.xlarge"}}},
    "distributed": {"jobs": {"train": {"instance_count": 3}}},
    "reweighing": {"training": {"mitigation": {"method": "reweighing"}}},
    "Clarify": {"bias": {"engine": "clarify", "facets": ["customer_gender=Female", "customer_age=60:"]}},
    "no extras": {"explain": False, "batch_transform": False},
    "bias gate": {"gate": {"bias": [{"facet": "customer_gender=Female", "metric": "DPPL", "minimum": -0.3, "maximum": 0.3}]}},
}


def _build(mode: str) -> dict[str, dict[str, Any]]:
    """The steps of a mode, by name."""
    return {step["Name"]: step for step in walk(_definition(mode)["Steps"])}


def _definition(mode: str) -> dict[str, Any]:
    chosen = _chosen(mode)
    return pipeline_definition.build(chosen, local_resources.named(chosen, claims_uri="s3://d/c", customers_uri="s3://d/u"))


def _chosen(mode: str) -> settings.Settings:
    return settings.Settings.model_validate({"name": "test"} | _MODES[mode])


@pytest.mark.parametrize("mode", _MODES)
def test_it_fits_the_api(mode: str) -> None:
    assert findings(_definition(mode)) == []


@pytest.mark.parametrize("mode", _MODES)
def test_what_is_planned_is_what_the_definition_asks_for(mode: str) -> None:
    """Roles, images and code are made from the plan, before there is a definition."""
    steps = _build(mode)
    with_role = {name for name, step in steps.items() if step["Type"] in ("Processing", "Training", "Tuning", "Model")}
    assert {job.step for job in plan(_chosen(mode))} == with_role


def test_a_search_runs_beside_the_default_and_the_better_one_goes_on() -> None:
    steps = _build("bayesian")
    config, trial = (steps["Tune"]["Arguments"][key] for key in ("HyperParameterTuningJobConfig", "TrainingJobDefinition"))
    assert config["HyperParameterTuningJobObjective"] == {"Type": "Maximize", "MetricName": "out_of_fold:auc"}
    assert config["TrainingJobEarlyStoppingType"] == "Auto"
    assert {kind: [each["Name"] for each in ranges] for kind, ranges in config["ParameterRanges"].items()} == {
        "IntegerParameterRanges": ["max_depth"], "ContinuousParameterRanges": ["eta"],
    }  # fmt: skip
    assert not {"max_depth", "eta"} & set(trial["StaticHyperParameters"])
    assert "DependsOn" not in steps["Tune"]
    inputs = {entry["InputName"]: entry["S3Input"]["S3Uri"] for entry in steps["SelectModel"]["Arguments"]["ProcessingInputs"]}
    assert inputs["default"] == {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
    assert inputs["tuned"]["Std:Join"]["Values"][1:] == [
        {"Get": "Steps.Tune.TrainingJobSummaries[0].TrainingJobName"}, "output/model.tar.gz",
    ]  # fmt: skip
    for reader in ("Evaluate", "Package", "Explain"):
        model = next(e for e in steps[reader]["Arguments"]["ProcessingInputs"] if e["InputName"] == "model")
        assert model["S3Input"]["S3Uri"] == {"Get": "Steps.SelectModel.ProcessingOutputConfig.Outputs['model'].S3Output.S3Uri"}


def test_hyperband_stops_by_itself_and_knows_how_often_a_trial_speaks() -> None:
    config = _build("hyperband")["Tune"]["Arguments"]["HyperParameterTuningJobConfig"]
    assert config["TrainingJobEarlyStoppingType"] == "Off"
    assert config["StrategyConfig"] == {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": out_of_fold.FOLDS}}


@pytest.mark.parametrize(
    ("mode", "image", "content_type"),
    [
        ("logistic regression", "sagemaker-scikit-learn:1.9-0-cpu-py3", "application/x-parquet"),
        ("built-in XGBoost", "sagemaker-xgboost:3.2-0", "text/csv"),
        ("LinearLearner", "linear-learner:1", "text/csv"),
        ("KMeans", "kmeans:1", "text/csv;label_size=0"),
        ("custom", "trainer:1", "application/x-parquet"),
    ],
)
def test_each_algorithm_gets_its_image_and_the_data_that_it_reads(mode: str, image: str, content_type: str) -> None:
    steps = _build(mode)
    arguments = steps["Train"]["Arguments"]
    assert arguments["AlgorithmSpecification"]["TrainingImage"].partition("/")[2] == image
    assert arguments["InputDataConfig"][0]["ContentType"] == content_type
    is_script = mode == "logistic regression"
    assert ("sagemaker_program" in arguments["HyperParameters"]) == is_script
    # A built-in algorithm refuses definitions of metrics: it brings its own.
    assert ("MetricDefinitions" in arguments["AlgorithmSpecification"]) == is_script
    wants_csv = content_type.startswith("text/csv")
    outputs = {entry["OutputName"] for entry in steps["Preprocess"]["Arguments"]["ProcessingOutputConfig"]["Outputs"]}
    assert ("algorithm_train" in outputs) == wants_csv


def test_a_mitigation_is_compared_with_the_model_that_has_none() -> None:
    steps = _build("reweighing")
    mitigated, reference = (steps[name]["Arguments"]["HyperParameters"] for name in ("Train", "TrainReference"))
    assert mitigated == reference | {"mitigation": "reweighing", "mitigation_facet": "customer_gender=Female"}
    compared = [entry["InputName"] for entry in steps["CompareMitigation"]["Arguments"]["ProcessingInputs"]]
    assert compared == ["test", "model", "reference", "code"]


def test_instances_share_the_claims_to_train_on_and_all_see_the_validation_split() -> None:
    channels = _build("distributed")["Train"]["Arguments"]["InputDataConfig"]
    assert {each["ChannelName"]: each["DataSource"]["S3DataSource"]["S3DataDistributionType"] for each in channels} == {
        "train": "ShardedByS3Key", "validation": "FullyReplicated", "code": "FullyReplicated",
    }  # fmt: skip
    declared = {entry["Name"]: entry.get("DefaultValue") for entry in _definition("distributed")["Parameters"]}
    assert declared["TrainInstanceCount"] == 3


def test_spot_waits_as_long_as_the_service_lets_it() -> None:
    with_checkpoints = _build("Spot")["Train"]["Arguments"]
    without = _build("Spot without checkpoints")["Train"]["Arguments"]
    assert with_checkpoints["EnableManagedSpotTraining"] and with_checkpoints["CheckpointConfig"]
    assert with_checkpoints["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200}
    assert "CheckpointConfig" not in without
    assert without["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 3600}


def test_instances_with_gpus_get_no_volume_key() -> None:
    assert "VolumeKmsKeyId" not in _build("GPU")["Train"]["Arguments"]["ResourceConfig"]


def test_clarify_finds_its_orders_in_a_file() -> None:
    step = _build("Clarify")["PreTrainingBias"]["Arguments"]
    assert "ContainerEntrypoint" not in step["AppSpecification"]
    assert "sagemaker-clarify-processing:1.0" in step["AppSpecification"]["ImageUri"]
    paths = {entry["InputName"]: entry["S3Input"]["LocalPath"] for entry in step["ProcessingInputs"]}
    assert paths == {"analysis_config": "/opt/ml/processing/input/config", "dataset": "/opt/ml/processing/input/data"}
    (output,) = step["ProcessingOutputConfig"]["Outputs"]
    assert (output["OutputName"], output["S3Output"]["LocalPath"]) == ("analysis_result", "/opt/ml/processing/output")


def test_the_combined_job_writes_where_the_three_would_have_written() -> None:
    """Permissions, expiry and the reports of registered models go by the step's prefix."""
    places = {}
    for entry in _build("combined")["PrepareTrainEvaluate"]["Arguments"]["ProcessingOutputConfig"]["Outputs"]:
        places[entry["OutputName"]] = entry["S3Output"]["S3Uri"]["Std:Join"]["Values"][2]
    assert places == {
        "train": "Preprocess", "validation": "Preprocess", "test": "Preprocess", "quality": "Preprocess", "records": "Preprocess",
        "model": "Train", "evaluation": "Evaluate", "predictions": "Evaluate",
    }  # fmt: skip


def test_the_gate_reads_and_tells_each_bias_bound() -> None:
    definition = _definition("bias gate")
    declared = {entry["Name"]: entry.get("DefaultValue") for entry in definition["Parameters"]}
    assert (declared["MinimumDPPLCustomerGenderFemale"], declared["MaximumDPPLCustomerGenderFemale"]) == (-0.3, 0.3)
    steps = {step["Name"]: step for step in walk(definition["Steps"])}
    value = {
        "Std:JsonGet": {"PropertyFile": {"Get": "Steps.PostTrainingBias.PropertyFiles.Bias"}, "Path": "customer_gender_female.DPPL"}
    }
    compared = [c for c in steps["QualityGate"]["Arguments"]["Conditions"] if c["LeftValue"] == value]
    assert [c["Type"] for c in compared] == ["GreaterThanOrEqualTo", "LessThanOrEqualTo"]
    assert value in _leaves(steps["Reject"]["Arguments"]["ErrorMessage"])
    # An undefined value would fail the condition without a word: the step that measures it is told to say so.
    arguments = steps["PostTrainingBias"]["Arguments"]["AppSpecification"]["ContainerArguments"]
    assert arguments[-2:] == ["--require", "DPPL:customer_gender=Female"]


def _leaves(message: Any) -> list[Any]:
    if isinstance(message, dict) and "Std:Join" in message:
        return [leaf for part in message["Std:Join"]["Values"] for leaf in _leaves(part)]
    return [message]


@pytest.mark.parametrize("mode", ["built-in XGBoost", "built-in on Spot", "custom"])
def test_only_checkpoints_that_name_their_data_are_kept(mode: str) -> None:
    """At a stable place, others' would let a training on new data go on with the old model."""
    assert "CheckpointConfig" not in _build(mode)["Train"]["Arguments"]


@pytest.mark.parametrize("mode", [mode for mode in _MODES if mode not in ("combined", "Clarify")])
def test_nothing_looks_at_the_test_split_before_evaluate(mode: str) -> None:
    steps = _build(mode)
    waits = {name: _waits(step) for name, step in steps.items()}
    readers = {name for name, step in steps.items() if "Outputs['test']" in json.dumps(step["Arguments"]) and step["Type"] != "Condition"}
    assert "Evaluate" in readers
    for reader in readers - {"Evaluate"}:
        assert "Evaluate" in _before(reader, waits), reader


def _waits(step: dict[str, Any]) -> set[str]:
    return {each.split(".")[1] for each in references(step) if each.startswith("Steps.")} | set(step.get("DependsOn", ()))


def _before(name: str, waits: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(waits[name])
    while waiting:
        if (each := waiting.pop()) not in found:
            found.add(each)
            waiting += waits[each]
    return found
