"""The definition equals the one that the SageMaker SDK v3 builds for the same pipeline."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

import pipeline_definition
import settings
from fraud import local_resources
from pipeline_definition.pipeline import walk

PROJECT = Path(__file__).parent.parent.parent
PYTHON = PROJECT / ".venv-oracle" / "bin" / "python"

_MACHINES = (
    "Preprocess", "Train", "PreTrainingBias", "Evaluate", "PostTrainingBias", "Explain", "Package", "ModelCard", "BatchTransform",
)  # fmt: skip


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _names(definition: dict[str, Any], resources: pipeline_definition.Resources, chosen: settings.Settings) -> dict[str, Any]:
    """What both builders are given; the shape of the pipeline is not among it."""
    steps = {step["Name"]: step for step in walk(definition["Steps"])}
    jobs = chosen.jobs
    return {
        "bucket": resources.artifact_bucket,
        "key": resources.key,
        "image": resources.image["Train"],
        "roles": dict(resources.role),
        "code": {step: {"uri": code.uri, "file_name": code.file_name, "digest": code.digest} for step, code in resources.code.items()},
        "wheelhouse_uri": resources.wheelhouse_uri,
        "claims_uri": resources.claims_uri,
        "customers_uri": resources.customers_uri,
        "group": resources.model_package_group,
        "tags": dict(resources.tags),
        "review_capacity": chosen.review_capacity,
        "bounds": {
            "MinimumAucLowerBound": chosen.gate.minimum_auc_lower_bound,
            "MinimumAveragePrecision": chosen.gate.minimum_average_precision,
            "MinimumRecallAtCapacity": chosen.gate.minimum_recall,
            "MaximumAucLoss": chosen.gate.maximum_auc_loss,
            "MinimumCDDPLCustomerGenderFemale": -0.44,
            "MaximumCDDPLCustomerGenderFemale": 0.44,
            "MinimumDPPLCustomerAgeBelow25": -0.45,
            "MaximumDPPLCustomerAgeBelow25": 0.45,
        },
        "criteria": [
            ("AUC's lower bound", "Evaluate", "binary_classification_metrics.auc.lower", ["at least"]),
            ("average precision", "Evaluate", "binary_classification_metrics.au_prc.value", ["at least"]),
            ("recall at the review capacity", "Evaluate", "review.recall", ["at least"]),
            ("AUC lost against the champion", "Evaluate", "champion.auc_loss", ["at most"]),
            ("CDDPL of customer_gender=Female", "PostTrainingBias", "customer_gender_female.CDDPL", ["at least", "at most"]),
            ("DPPL of customer_age=:25", "PostTrainingBias", "customer_age_below_25.DPPL", ["at least", "at most"]),
        ],
        "instance_types": {name: getattr(jobs, _snake(name)).instance_type for name in _MACHINES},
        "limits": {name: getattr(jobs, _snake(name)).max_runtime_minutes * 60 for name in _MACHINES},
        "preprocess_arguments": ["--salt", "1", "--validation", "0.15", "--test", "0.15", "--max-quarantined", "0.05", "--records"],
        "facet_arguments": [*(text for facet in chosen.bias.facets for text in ("--facet", facet)), "--group", "policy_state"],
        "required": ["--require", "CDDPL:customer_gender=Female", "--require", "DPPL:customer_age=:25"],
        "hyperparameters": {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": "/opt/ml/input/data/code/sourcedir.tar.gz",
        },
        "metrics": ["validation:auc", "validation:logloss", "out_of_fold:auc", "out_of_fold:average_precision"],
        "serving_environment": {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            "PIP_NO_BUILD_ISOLATION": "0",
        },
        "serving_types": list(chosen.serving_instance_types),
        "descriptions": {name: step["Description"] for name, step in steps.items()},
    }


@pytest.fixture(scope="module")
def both() -> tuple[dict[str, Any], dict[str, Any]]:
    """The definition as this project builds it, and as the SDK does."""
    if not PYTHON.exists():
        pytest.fail("the oracle's environment is missing: run `make test`, which makes it")
    chosen = settings.load("dev")
    resources = local_resources.named(chosen, claims_uri="s3://data/claims", customers_uri="s3://data/customers")
    own = pipeline_definition.build(chosen, resources)
    command = [str(PYTHON), str(Path(__file__).with_name("build_with_sdk.py"))]
    done = subprocess.run(
        command, input=json.dumps(_names(own, resources, chosen)), capture_output=True, text=True, check=False, cwd=Path(__file__).parent
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return own, json.loads(done.stdout)


def _normal(definition: dict[str, Any]) -> dict[str, Any]:
    """Without the differences that remain, each of which is meant.

    - ``MlflowConfig: null`` is the SDK's way of not using MLflow; absent means the same.
    - ``SkipModelValidation: None`` is the API's default, which the SDK spells out.
    - ``CompressionType: GZIP`` is the API's default, which the SDK spells out.
    """
    copy: dict[str, Any] = json.loads(json.dumps(definition))
    assert copy.pop("MlflowConfig", None) is None
    for step in walk(copy["Steps"]):
        arguments = step["Arguments"]
        assert arguments.pop("SkipModelValidation", "None") == "None"
        if step["Type"] == "Training":
            assert arguments["OutputDataConfig"].pop("CompressionType", "GZIP") == "GZIP"
    return copy


def test_the_sdk_builds_the_same_definition(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    own, sdk = both
    assert _normal(own) == _normal(sdk)


def test_the_comparison_would_see_a_difference(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    own, sdk = both
    changed = json.loads(json.dumps(own))
    changed["Steps"][1]["Arguments"]["EnableNetworkIsolation"] = False
    assert _normal(changed) != _normal(sdk)
