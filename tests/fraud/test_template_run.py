"""``fraud run --template``: what a synth has written, executed."""

from pathlib import Path

import pytest

from tests.support import synth
from tests.support.claims import Tables
from tests.support.cli import fraud


@pytest.fixture(scope="module")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synth.assembly("dev", tmp_path_factory).templates[0].file.parent


def test_the_deployed_definition_does_what_the_local_one_does(synthesized: Path, real: Tables, tmp_path: Path) -> None:
    data = ("--claims", real.claims, "--customers", real.customers, "--json")
    local = fraud("run", *data, "--home", tmp_path / "local")
    template = synthesized / "fraud-detection-dev-pipeline.template.json"
    deployed = fraud("run", *data, "--home", tmp_path / "deployed", "--template", template)
    assert (local.code, deployed.code) == (0, 0), deployed.error
    assert local.json["metrics"] == deployed.json["metrics"]
    assert [step["name"] for step in local.json["steps"]] == [step["name"] for step in deployed.json["steps"]]
    assert deployed.json["model_package_arn"].endswith("model-package/fraud-detection-dev/1")
    again = fraud("run", *data, "--home", tmp_path / "deployed", "--template", synthesized)
    assert [step["cached"] for step in again.json["steps"][:4]] == [True] * 4


def test_the_champion_is_the_approved_model_of_the_highest_version(synthesized: Path, synthetic: Tables, tmp_path: Path) -> None:
    arguments = (
        "run", "--claims", synthetic.claims, "--customers", synthetic.customers, "--home", tmp_path, "--template", synthesized, "--json",
        *(f"--param=Minimum{name}=0.001" for name in ("AucLowerBound", "AveragePrecision", "RecallAtCapacity")),
        "--param=MaximumCDDPLCustomerGenderFemale=1",
    )  # fmt: skip
    first = fraud(*arguments)
    assert first.code == 0, first.out + first.error
    assert fraud("models", "approve", first.json["model_package_arn"], "--home", tmp_path).code == 0
    second = fraud(*arguments)
    assert second.code == 0
    third = fraud(*arguments)
    assert fraud("models", "approve", second.json["model_package_arn"], "--home", tmp_path).code == 0
    assert fraud("models", "reject", third.json["model_package_arn"], "--home", tmp_path).code == 0
    described = fraud("models", "describe", second.json["model_package_arn"], "--home", tmp_path, "--json").out
    from fraud import local_champion
    from local_sagemaker import Home

    champion = local_champion.uri(Home(tmp_path), "fraud-detection-dev")
    assert Home(tmp_path).path(champion).is_file()
    assert champion in described
    assert local_champion.uri(Home(tmp_path), "another-group") == ""


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("fraud-detection-dev-foundation.template.json", "should have one SageMaker pipeline; it has none"),
        ("other.template.json", "is not one of the templates that"),
    ],
)
def test_a_template_without_a_pipeline_is_a_clear_error(synthesized: Path, path: str, message: str, tmp_path: Path) -> None:
    done = fraud("run", "--template", synthesized / path, "--home", tmp_path)
    assert (done.code, message in done.error) == (2, True), done.error


def test_a_folder_that_no_synth_has_written_is_a_clear_error(tmp_path: Path) -> None:
    done = fraud("run", "--template", tmp_path, "--home", tmp_path / "home")
    assert (done.code, "there is no manifest.json" in done.error) == (2, True)


def test_two_ways_to_say_what_runs_are_one_too_many(tmp_path: Path) -> None:
    done = fraud("run", "--template", tmp_path, "--definition", tmp_path, "--home", tmp_path)
    assert (done.code, "give one" in done.error) == (2, True)
