"""The pipeline itself: valid for every environment, cached by content, drawn as it is."""

import json
from typing import Any

import pytest

import pipeline_definition
import settings
from fraud import local_resources
from pipeline_definition import code_archives, picture
from pipeline_definition.fraud_detection import assets
from pipeline_definition.instances import has_local_disks
from pipeline_definition.pipeline import walk
from pipeline_definition.validation import findings


def _definition(env: str = "dev") -> dict[str, Any]:
    return _built(settings.load(env))


def _built(chosen: settings.Settings) -> dict[str, Any]:
    return pipeline_definition.build(chosen, local_resources.named(chosen, claims_uri="s3://d/c", customers_uri="s3://d/u"))


@pytest.mark.parametrize("env", settings.environments())
def test_it_fits_the_api_in_every_environment(env: str) -> None:
    assert findings(_definition(env)) == []


def test_it_is_a_pure_function() -> None:
    assert json.dumps(_definition()) == json.dumps(_definition())


def test_jobs_are_isolated_encrypted_limited_and_have_their_own_role() -> None:
    jobs = [step for step in walk(_definition()["Steps"]) if step["Type"] in ("Processing", "Training")]
    assert [step["Name"] for step in jobs] == [
        "Preprocess", "Train", "Evaluate", "PreTrainingBias", "PostTrainingBias", "Explain", "Package", "ModelCard",
    ]  # fmt: skip
    assert len({step["Arguments"]["RoleArn"] for step in jobs}) == len(jobs)
    for step in jobs:
        arguments = step["Arguments"]
        network = arguments.get("NetworkConfig", arguments)
        cluster = arguments.get("ResourceConfig") or arguments["ProcessingResources"]["ClusterConfig"]
        output = arguments.get("OutputDataConfig") or arguments["ProcessingOutputConfig"]
        assert network["EnableNetworkIsolation"] and network["EnableInterContainerTrafficEncryption"]
        assert cluster["VolumeKmsKeyId"] and output["KmsKeyId"]
        assert arguments["StoppingCondition"]["MaxRuntimeInSeconds"] <= 7200
        assert step["CacheConfig"] == {"Enabled": True, "ExpireAfter": "P30D"}
        assert step["RetryPolicies"]


def test_instances_with_disks_of_their_own_get_no_volume_key() -> None:
    """The service refuses one there."""
    chosen = settings.load("dev")
    job = chosen.jobs.train.model_copy(update={"instance_type": "ml.g4dn.xlarge"})
    changed = chosen.model_copy(update={"jobs": chosen.jobs.model_copy(update={"train": job})})
    steps = pipeline_definition.build(changed, local_resources.named(changed))["Steps"]
    assert "VolumeKmsKeyId" not in steps[1]["Arguments"]["ResourceConfig"]
    assert "KmsKeyId" in steps[1]["Arguments"]["OutputDataConfig"]
    assert all(map(has_local_disks, ("ml.m5d.large", "ml.c6gd.large", "ml.g5.xlarge", "ml.p4d.24xlarge")))
    assert not any(map(has_local_disks, ("ml.m5.large", "ml.c5.xlarge", "ml.p3.2xlarge", "ml.r5.large")))


def test_iam_and_we_mean_the_same_families_by_disks_of_their_own() -> None:
    """The patterns stand in a policy: each type that the API knows falls on one side, by its family."""
    import botocore.loaders

    model = botocore.loaders.Loader().load_service_model("sagemaker", "service-2")
    types = model["shapes"]["TrainingInstanceType"]["enum"]
    with_disks = {name.split(".")[1] for name in types if has_local_disks(name)}
    assert {"g4dn", "g5", "g6", "p4d", "p4de", "p5", "c5n", "m5", "m6i", "c7i", "r5d", "t3", "p3", "p2", "trn1"} & with_disks == {
        "g4dn", "g5", "g6", "p4d", "p4de", "p5", "r5d", "trn1",
    }  # fmt: skip


def test_no_cache_key_holds_an_execution_variable() -> None:
    """Whatever changes from run to run would defeat the cache of the step and of all behind it."""
    keys = {
        "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
        "Training": ("AlgorithmSpecification", "CheckpointConfig", "Environment", "HyperParameters", "InputDataConfig"),
        "Tuning": ("HyperParameterTuningJobConfig",),
    }
    tuned = settings.Settings.model_validate({"name": "tuned", "training": {"tuning": {"ranges": {"max_depth": {"low": 1, "high": 4}}}}})
    trial = ("AlgorithmSpecification", "InputDataConfig", "StaticHyperParameters")
    # What stands behind the gate is not reused: its model is new each time, and a search's best model has no name before.
    for step in walk([*_definition()["Steps"], *_built(tuned)["Steps"]]):
        arguments = step["Arguments"]
        found = [arguments.get(name) for name in keys.get(step["Type"], ())]
        found += [arguments["TrainingJobDefinition"][name] for name in trial if step["Type"] == "Tuning"]
        assert "Execution." not in json.dumps(found) or step["Name"] == "SelectModel", step["Name"]


def test_every_step_has_only_the_code_that_it_imports() -> None:
    evaluate = code_archives.modules("training_code.evaluate.__main__")
    assert "training_code/evaluate/report.py" in evaluate
    assert not [path for path in evaluate if "/preprocess/" in path or "/train/" in path]
    for step in ("preprocess", "train", "package"):
        assert not [path for path in code_archives.modules(f"training_code.{step}.__main__") if "/evaluate/" in path]


def test_archives_are_the_same_bytes_each_time() -> None:
    first = {name: archive.digest for name, archive in assets(settings.load("dev")).items()}
    for made in (code_archives.executable, code_archives.serving, code_archives.source_distribution):
        made.cache_clear()
    assert {name: archive.digest for name, archive in assets(settings.load("dev")).items()} == first


def test_the_picture_shows_every_step_and_what_waits_for_what() -> None:
    graph = picture.Graph.of(_definition())
    assert [(edge.source, edge.target, edge.label) for edge in graph.edges] == [
        ("Preprocess", "Train", ""),
        ("Train", "Evaluate", ""),
        ("Preprocess", "PreTrainingBias", ""),
        ("Evaluate", "PostTrainingBias", ""),
        ("Evaluate", "Explain", ""),
        ("Evaluate", "Package", ""),
        ("PreTrainingBias", "QualityGate", ""),
        ("PostTrainingBias", "QualityGate", ""),
        ("Explain", "QualityGate", ""),
        ("Package", "QualityGate", ""),
        ("QualityGate", "ModelCard", "yes"),
        ("ModelCard", "Register", ""),
        ("QualityGate", "CreateModel", "yes"),
        ("CreateModel", "BatchTransform", ""),
        ("QualityGate", "Reject", "no"),
    ]
    drawn = picture.svg(graph, {"Train": picture.Mark("#ff0000", "failed, <1 s")})
    assert all(f">{node.name}</text>" in drawn for node in graph.nodes)
    assert "failed, &lt;1 s" in drawn
    assert "QualityGate -->|yes| ModelCard" in picture.mermaid(graph)


def test_no_arrow_runs_behind_a_step() -> None:
    """An arrow over several columns takes a place of its own in each of them."""
    graph = picture.Graph.of(_definition())
    taken = {(node.column, node.row) for node in graph.nodes}
    columns = {node.name: node.column for node in graph.nodes}
    crossings = [
        (columns[edge.source] + 1 + step, row) for edge in graph.edges for step, row in enumerate(edge.via)
    ]
    assert len(crossings) == sum(columns[edge.target] - columns[edge.source] - 1 for edge in graph.edges) > 0
    assert not taken & set(crossings)
    assert len(set(crossings)) == len(crossings)
