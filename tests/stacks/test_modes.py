"""Other ways to train and to judge, deployed: checked by all guardrails, with the permissions that they need."""

from pathlib import Path
from typing import Any

import pytest

import cloud_assembly
import settings
from cloud_assembly import Assembly
from pipeline_definition.fraud_detection import plan
from tests.support import synth

_OWN = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/trainer:1"
_MODES = {
    "tuned": "network: {mode: isolated}\njobs: {train: {instance_count: 2}}\n"
    "training: {use_spot: true, tuning: {ranges: {max_depth: {low: 1, high: 4}}}}",
    "own": f"training: {{algorithm: custom, container: {{image: '{_OWN}'}}}}",
    "mitigated": "training: {algorithm: logistic-regression, mitigation: {method: resampling}}",
    "combined": "combine_steps: true\nbatch_transform: false",
    "clarify": "bias: {engine: clarify, facets: [customer_gender=Female]}\nexplain: false\ntraining: {algorithm: kmeans}",
    "gpu": "jobs: {train: {instance_type: ml.g5.xlarge}}",
}


@pytest.fixture(scope="module", params=_MODES)
def mode(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[settings.Settings, Assembly]:
    folder = tmp_path_factory.mktemp(request.param)
    file = folder / f"{request.param}.yaml"
    file.write_text(_MODES[request.param])
    done = synth.synthesize(str(file), folder / "out", has_guardrails=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return settings.read(file), cloud_assembly.read(folder / "out")


def _statements(assembly: Assembly, role: str) -> list[dict[str, Any]]:
    (pipeline,) = assembly.pipelines()
    found: list[dict[str, Any]] = []
    for policy in pipeline.template.resources("AWS::IAM::ManagedPolicy"):
        resolved = assembly.resolved(policy, pipeline.template)
        if any(name.startswith(role) for name in resolved["Roles"]):
            found += resolved["PolicyDocument"]["Statement"]
    return found


def _resources(assembly: Assembly, role: str, action: str) -> set[str]:
    found: set[str] = set()
    for statement in _statements(assembly, role):
        actions, resources = (each if isinstance(each, list) else [each] for each in (statement["Action"], statement["Resource"]))
        if statement["Effect"] == "Allow" and action in actions:
            found |= set(resources)
    return found


def test_every_guardrail_passes_and_every_step_has_its_role(mode: tuple[settings.Settings, Assembly]) -> None:
    chosen, assembly = mode
    for job in plan(chosen):
        assert _statements(assembly, job.step), job.step
    types = {
        "Tune": "HyperParameterTuningJob", "Train": "TrainingJob", "CreateModel": "Model", "Package": "ProcessingJob",
    }  # fmt: skip
    steps = {job.step for job in plan(chosen)}
    for step, name in types.items():
        assert bool(_resources(assembly, "Pipeline", f"sagemaker:Create{name}")) == (step in steps), name
    assert bool(_resources(assembly, "Pipeline", "sagemaker:CreateTransformJob")) == chosen.batch_transform


def test_what_a_mode_needs_is_there(mode: tuple[settings.Settings, Assembly]) -> None:
    chosen, assembly = mode
    pulled = {arn.partition("repository/")[2] for arn in _resources(assembly, "Train", "ecr:BatchGetImage")}
    match chosen.name:
        case "tuned":
            assert {arn.partition("/")[2] for arn in _resources(assembly, "SelectModel", "s3:GetObject")} >= {
                "runs/Tune/*/*/output/model.tar.gz", "runs/Train/*/*/output/model.tar.gz",
            }  # fmt: skip
            assert _resources(assembly, "Pipeline", "sagemaker:ListTrainingJobsForHyperParameterTuningJob")
            # The names of trials begin with that of their job, which has no common prefix.
            (streams,) = _resources(assembly, "Tune", "logs:PutLogEvents")
            assert streams.endswith("log-stream:*Tune-*")
            denied = [each for each in _statements(assembly, "Pipeline") if each.get("Sid") == "DenyUnencryptedVolume"]
            assert "sagemaker:CreateHyperParameterTuningJob" in denied[0]["Action"]
        case "own":
            assert pulled == {"team/trainer"}
        case "mitigated":
            assert pulled == {"sagemaker-scikit-learn"}
            assert "runs/TrainReference/*/*/output/model.tar.gz" in {
                arn.partition("/")[2] for arn in _resources(assembly, "CompareMitigation", "s3:GetObject")
            }
        case "clarify":
            assert pulled == {"kmeans"}
            (image,) = {arn.partition("repository/")[2] for arn in _resources(assembly, "PreTrainingBias", "ecr:BatchGetImage")}
            assert image == "sagemaker-clarify-processing"
        case "combined":
            writes = {arn.partition("/")[2] for arn in _resources(assembly, "PrepareTrainEvaluate", "s3:PutObject")}
            assert {"runs/Train/*/model/*", "runs/Evaluate/*/evaluation/*", "runs/Preprocess/*/train/*"} <= writes
        case "gpu":
            assert pulled == {"sagemaker-xgboost"}


def test_an_image_of_ones_own_is_built_from_its_folder(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.mkdir()
    file = tmp_path / "built.yaml"
    file.write_text(f"training: {{algorithm: custom, container: {{folder: '{docker}'}}}}")
    refused = synth.synthesize(str(file), tmp_path / "refused")
    assert refused.returncode == 2
    assert "training.container.folder: there is no Dockerfile in" in refused.stderr
    (docker / "Dockerfile").write_text("FROM scratch\n")
    done = synth.synthesize(str(file), tmp_path / "out", has_guardrails=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assembly = cloud_assembly.read(tmp_path / "out")
    (pulled,) = _resources(assembly, "Train", "ecr:BatchGetImage")
    assert "container-assets" in pulled
