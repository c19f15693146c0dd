"""What each job reads and writes, told from the definition: the permissions follow it."""

from typing import Any

import pytest

import pipeline_definition
import settings
from fraud import local_resources
from pipeline_definition import data_access
from pipeline_definition.data_access import Access
from pipeline_definition.errors import DefinitionError

_BUCKET = "s3://fraud-detection-artifacts"


def _definition() -> dict[str, Any]:
    chosen = settings.load("dev")
    return pipeline_definition.build(chosen, local_resources.named(chosen))


def test_a_step_reads_what_earlier_ones_wrote_and_writes_its_own() -> None:
    jobs = data_access.of_jobs(_definition())
    assert set(jobs) == {
        "Preprocess", "Train", "Evaluate", "PreTrainingBias", "PostTrainingBias", "Explain", "Package", "ModelCard", "CreateModel",
    }  # fmt: skip
    code = local_resources.named(settings.load("dev")).code["Evaluate"].uri
    assert jobs["Evaluate"] == Access(
        reads=frozenset({code, f"{_BUCKET}/runs/Preprocess/*/test/", f"{_BUCKET}/runs/Train/*/*/output/model.tar.gz"}),
        writes=frozenset({f"{_BUCKET}/runs/Evaluate/*/evaluation/", f"{_BUCKET}/runs/Evaluate/*/predictions/"}),
        parameters=frozenset({"ChampionModelUri"}),
    )
    assert jobs["Preprocess"].parameters == {"ClaimsUri", "CustomersUri"}
    assert f"{_BUCKET}/checkpoints/Train/" in jobs["Train"].reads & jobs["Train"].writes


def test_a_model_reads_and_writes_for_the_transforms_that_use_it() -> None:
    assert data_access.of_jobs(_definition())["CreateModel"] == Access(
        reads=frozenset({f"{_BUCKET}/runs/Package/*/package/model.tar.gz", f"{_BUCKET}/runs/Preprocess/*/records/"}),
        writes=frozenset({f"{_BUCKET}/runs/BatchTransform/*/"}),
    )


def test_a_search_reads_and_writes_for_its_trials_and_the_best_one_can_be_read() -> None:
    tuning = {"tuning": {"ranges": {"max_depth": {"low": 1, "high": 4}}}}
    chosen = settings.Settings.model_validate({"name": "tuned", "training": tuning})
    jobs = data_access.of_jobs(pipeline_definition.build(chosen, local_resources.named(chosen)))
    code = local_resources.named(chosen).code["Train"].uri
    assert jobs["Tune"] == Access(
        reads=frozenset(
            {code, f"{_BUCKET}/runs/Preprocess/*/train/", f"{_BUCKET}/runs/Preprocess/*/validation/", f"{_BUCKET}/checkpoints/Tune/"}
        ),
        writes=frozenset({f"{_BUCKET}/runs/Tune/*/", f"{_BUCKET}/checkpoints/Tune/"}),
    )
    assert f"{_BUCKET}/runs/Tune/*/*/output/model.tar.gz" in jobs["SelectModel"].reads


def test_the_pipeline_reads_what_it_decides_by_and_what_it_registers() -> None:
    assert data_access.of_pipeline(_definition()).reads == {
        f"{_BUCKET}/runs/Evaluate/*/evaluation/evaluation.json",
        f"{_BUCKET}/runs/Package/*/package/model.tar.gz",
        f"{_BUCKET}/runs/Package/*/baseline/package.json",
        f"{_BUCKET}/runs/Package/*/baseline/statistics.json",
        f"{_BUCKET}/runs/Package/*/baseline/constraints.json",
        f"{_BUCKET}/runs/Package/*/baseline/model_quality_constraints.json",
        f"{_BUCKET}/runs/Package/*/baseline/model_quality_statistics.json",
        f"{_BUCKET}/runs/PreTrainingBias/*/bias/analysis.json",
        f"{_BUCKET}/runs/PostTrainingBias/*/bias/analysis.json",
        f"{_BUCKET}/runs/PostTrainingBias/*/bias/bias.json",
        f"{_BUCKET}/runs/Explain/*/explanations/analysis.json",
    }


def test_a_new_input_is_a_new_permission() -> None:
    definition = _definition()
    package = next(step for step in definition["Steps"] if step["Name"] == "Package")
    uri = {"Get": "Steps.Preprocess.ProcessingOutputConfig.Outputs['quality'].S3Output.S3Uri"}
    package["Arguments"]["ProcessingInputs"].append({"InputName": "quality", "S3Input": {"S3Uri": uri}})
    before, after = (data_access.of_jobs(each)["Package"].reads for each in (_definition(), definition))
    assert after - before == {f"{_BUCKET}/runs/Preprocess/*/quality/"}


@pytest.mark.parametrize("target", ["Train.TrainingJobStatus", "Preprocess.ProcessingOutputConfig.Outputs['gone'].S3Output.S3Uri"])
def test_an_input_from_nobody_knows_where_is_an_error(target: str) -> None:
    definition = _definition()
    definition["Steps"][3]["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3Uri"] = {"Get": f"Steps.{target}"}
    with pytest.raises(DefinitionError):
        data_access.of_jobs(definition)
