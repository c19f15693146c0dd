"""Builds a pipeline of check steps with the SageMaker SDK v3, as others write theirs, and prints it with what it uploads.

    python build_checks_with_sdk.py > built.json

``built.json`` is {"definition": …, "uploads": {URI: text}}. Four checks write the baselines that the model package
at the end is registered with; whether they check and whether a violation fails them are parameters.
"""

import json
from pathlib import Path
from typing import Any

from build_with_sdk import _session
from sagemaker.core import s3
from sagemaker.core.clarify import BiasConfig, DataConfig, ModelConfig, SHAPConfig
from sagemaker.core.drift_check_baselines import DriftCheckBaselines
from sagemaker.core.model_metrics import MetricsSource
from sagemaker.core.model_monitor.dataset_format import DatasetFormat
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterBoolean, ParameterString
from sagemaker.mlops.workflow.check_job_config import CheckJobConfig
from sagemaker.mlops.workflow.clarify_check_step import ClarifyCheckStep, DataBiasCheckConfig, ModelExplainabilityCheckConfig
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.quality_check_step import DataQualityCheckConfig, ModelQualityCheckConfig, QualityCheckStep
from sagemaker.mlops.workflow.steps import CacheConfig
from sagemaker.serve.model_builder import ModelBuilder

ROLE = "arn:aws:iam::123456789012:role/Job"
GROUP = "claims"
IMAGE = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:3.2-0"

uploads: dict[str, str] = {}


def _upload_file(local_path: str, desired_s3_uri: str, **more: Any) -> str:
    uri = f"{desired_s3_uri.rstrip('/')}/{Path(local_path).name}"
    uploads[uri] = Path(local_path).read_text()
    return uri


def _upload_text(body: str, desired_s3_uri: str, **more: Any) -> str:
    uploads[desired_s3_uri] = body
    return desired_s3_uri


s3.S3Uploader.upload = staticmethod(_upload_file)
s3.S3Uploader.upload_string_as_file_body = staticmethod(_upload_text)


def build() -> Pipeline:
    session = _session()
    data, scored = ParameterString("DataUri"), ParameterString("ScoredUri")
    skip, register = ParameterBoolean("SkipCheck", default_value=True), ParameterBoolean("RegisterNewBaseline", default_value=True)
    fail = ParameterBoolean("FailOnViolation", default_value=True)
    job = CheckJobConfig(role=ROLE, instance_type="ml.m5.large", sagemaker_session=session, output_kms_key="alias/key")
    common: dict[str, Any] = {
        "check_job_config": job, "skip_check": skip, "register_new_baseline": register, "fail_on_violation": fail,
        "model_package_group_name": GROUP, "cache_config": CacheConfig(enable_caching=True, expire_after="P30D"),
    }  # fmt: skip

    def target(step: str) -> Join:
        return Join(on="/", values=["s3://runs", ExecutionVariables.PIPELINE_EXECUTION_ID, step])

    def clarify(step: str) -> DataConfig:
        return DataConfig(
            s3_data_input_path=data, s3_output_path=target(step), s3_analysis_config_output_path=f"s3://configs/{step}",
            label="fraud", headers=["fraud", "gender", "amount"], dataset_type="text/csv",
        )  # fmt: skip

    bias = ClarifyCheckStep(
        "DataBias", clarify_check_config=DataBiasCheckConfig(
            clarify("DataBias"), data_bias_config=BiasConfig(label_values_or_threshold=[1], facet_name="gender"), methods=["CI", "DPL"],
        ), **common,
    )  # fmt: skip
    explanation = ClarifyCheckStep(
        "Explanation", clarify_check_config=ModelExplainabilityCheckConfig(
            clarify("Explanation"), model_config=ModelConfig(model_name="m", instance_count=1, instance_type="ml.m5.large"),
            explainability_config=SHAPConfig(baseline=[[0, 0]], num_samples=10, agg_method="mean_abs"),
        ), **common,
    )  # fmt: skip
    quality = QualityCheckStep(
        "DataQuality", quality_check_config=DataQualityCheckConfig(
            baseline_dataset=data, dataset_format=DatasetFormat.csv(header=True), output_s3_uri=target("DataQuality")
        ), **common,
    )  # fmt: skip
    model_quality = QualityCheckStep(
        "ModelQuality", quality_check_config=ModelQualityCheckConfig(
            baseline_dataset=scored, dataset_format=DatasetFormat.json(lines=True), output_s3_uri=target("ModelQuality"),
            problem_type="BinaryClassification", probability_attribute="score", ground_truth_attribute="fraud",
            probability_threshold_attribute=0.5,
        ), **common,
    )  # fmt: skip
    checks = [bias, explanation, quality, model_quality]
    register_step = ModelStep(
        "Register", step_args=ModelBuilder(
            image_uri=IMAGE, role_arn=ROLE, sagemaker_session=session, dependencies={}, s3_model_data_url="s3://models/model.tar.gz",
        ).register(
            content_types=["text/csv"], response_types=["text/csv"], inference_instances=["ml.m5.large"],
            transform_instances=["ml.m5.large"], model_package_group_name=GROUP, approval_status="Approved",
            drift_check_baselines=_baselines(*checks),
        ),
    )  # fmt: skip
    return Pipeline("checks", parameters=[data, scored, skip, register, fail], steps=[*checks, register_step], sagemaker_session=session)


def _baselines(
    bias: ClarifyCheckStep, explanation: ClarifyCheckStep, quality: QualityCheckStep, model_quality: QualityCheckStep
) -> DriftCheckBaselines:
    def source(step: Any, name: str) -> MetricsSource:
        return MetricsSource(content_type="application/json", s3_uri=getattr(step.properties, f"BaselineUsedForDriftCheck{name}"))

    return DriftCheckBaselines(
        bias_pre_training_constraints=source(bias, "Constraints"),
        explainability_constraints=source(explanation, "Constraints"),
        model_data_constraints=source(quality, "Constraints"),
        model_data_statistics=source(quality, "Statistics"),
        model_constraints=source(model_quality, "Constraints"),
        model_statistics=source(model_quality, "Statistics"),
    )


if __name__ == "__main__":
    print(json.dumps({"definition": json.loads(build().definition()), "uploads": uploads}))
