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
    assert set(jobs) == {"Preprocess", "Train", "Evaluate", "Package"}
    code = local_resources.named(settings.load("dev")).code["Evaluate"].uri
    assert jobs["Evaluate"] == Access(
        reads=frozenset({code, f"{_BUCKET}/runs/Preprocess/*/test/", f"{_BUCKET}/runs/Train/*/*/output/model.tar.gz"}),
        writes=frozenset({f"{_BUCKET}/runs/Evaluate/*/evaluation/"}),
    )
    assert jobs["Preprocess"].parameters == {"ClaimsUri", "CustomersUri"}
    assert f"{_BUCKET}/checkpoints/Train/" in jobs["Train"].reads & jobs["Train"].writes


def test_the_pipeline_reads_what_it_decides_by_and_what_it_registers() -> None:
    assert data_access.of_pipeline(_definition()).reads == {
        f"{_BUCKET}/runs/Evaluate/*/evaluation/evaluation.json", f"{_BUCKET}/runs/Package/*/package/model.tar.gz",
    }  # fmt: skip


def test_a_new_input_is_a_new_permission() -> None:
    definition = _definition()
    package = next(step for step in definition["Steps"] if step["Name"] == "Package")
    uri = {"Get": "Steps.Preprocess.ProcessingOutputConfig.Outputs['quality'].S3Output.S3Uri"}
    package["Arguments"]["ProcessingInputs"].append({"InputName": "quality", "S3Input": {"S3Uri": uri}})
    before, after = (data_access.of_jobs(each)["Package"].reads for each in (_definition(), definition))
    assert after - before == {f"{_BUCKET}/runs/Preprocess/*/quality/"}


@pytest.mark.parametrize("target", ["Train.TrainingJobName", "Preprocess.ProcessingOutputConfig.Outputs['gone'].S3Output.S3Uri"])
def test_an_input_from_nobody_knows_where_is_an_error(target: str) -> None:
    definition = _definition()
    definition["Steps"][3]["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3Uri"] = {"Get": f"Steps.{target}"}
    with pytest.raises(DefinitionError):
        data_access.of_jobs(definition)
