"""Builds the fraud-detection pipeline with the SageMaker SDK v3 and prints its definition.

Runs in the oracle's own virtual environment, without credentials and without
a network: every client that the SDK makes is a stand-in that fails when used.

    python build_with_sdk.py < names.json > definition.json

``names.json`` holds what both builders are given: image, roles, key, code
locations, buckets and defaults. What the pipeline looks like is written here
a second time, in the SDK's words.
"""

import json
import logging
import os
import socket
import sys
import types
import warnings
from typing import Any

REGION = "eu-west-1"
os.environ |= {
    "AWS_DEFAULT_REGION": REGION,  # importing the SDK's resources builds a client
    "SAGEMAKER_VALIDATE_ROLE": "false",  # no look-up of the role's policies
    "AWS_EC2_METADATA_DISABLED": "true",
}
warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)


def _refuse(*arguments: Any, **more: Any) -> Any:
    raise RuntimeError(f"the SDK tried to reach {arguments}")


socket.socket.connect = _refuse  # type: ignore[method-assign]

from sagemaker.core.drift_check_baselines import DriftCheckBaselines  # noqa: E402
from sagemaker.core.model_metrics import MetricsSource, ModelMetrics  # noqa: E402
from sagemaker.core.network import NetworkConfig  # noqa: E402
from sagemaker.core.processing import Processor  # noqa: E402
from sagemaker.core.shapes import (  # noqa: E402
    Channel,
    CheckpointConfig,
    DataSource,
    MetricDefinition,
    OutputDataConfig,
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
    S3DataSource,
    StoppingCondition,
    Tag,
    TransformResources,
)
from sagemaker.core.transformer import Transformer  # noqa: E402
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo, ConditionLessThanOrEqualTo  # noqa: E402
from sagemaker.core.workflow.execution_variables import ExecutionVariables  # noqa: E402
from sagemaker.core.workflow.functions import Join, JsonGet  # noqa: E402
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString  # noqa: E402
from sagemaker.core.workflow.pipeline_context import PipelineSession  # noqa: E402
from sagemaker.core.workflow.properties import PropertyFile  # noqa: E402
from sagemaker.mlops.workflow.condition_step import ConditionStep  # noqa: E402
from sagemaker.mlops.workflow.fail_step import FailStep  # noqa: E402
from sagemaker.mlops.workflow.model_step import ModelStep  # noqa: E402
from sagemaker.mlops.workflow.pipeline import Pipeline  # noqa: E402
from sagemaker.mlops.workflow.retry import (  # noqa: E402
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep, TransformStep  # noqa: E402
from sagemaker.serve.model_builder import ModelBuilder  # noqa: E402
from sagemaker.train.configs import Compute, Networking  # noqa: E402
from sagemaker.train.model_trainer import ModelTrainer  # noqa: E402

# The SDK lets every count be a pipeline parameter but this one.
TransformResources.model_fields["instance_count"].annotation = Any
TransformResources.model_rebuild(force=True)


class _Client:
    def __init__(self) -> None:
        self._user_agent_creator = types.SimpleNamespace(to_string=lambda: "")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *arguments, **more: _refuse(name)


class _Boto:
    region_name = REGION

    def client(self, *arguments: Any, **more: Any) -> _Client:
        return _Client()

    resource = client


def _session() -> PipelineSession:
    # Given a configuration, the SDK reads no file; opted out of telemetry, it starts no thread.
    config = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}
    session = PipelineSession(boto_session=_Boto(), sagemaker_config=config)
    session._default_bucket = "unused"
    return session


class Builder:
    """The pipeline in the SDK's words; ``n`` are the names that both builders share."""

    def __init__(self, n: dict[str, Any]) -> None:
        self.n = n
        self.session = _session()
        self.capacity = ParameterFloat("ReviewCapacity", default_value=n["review_capacity"])
        self.approval = ParameterString(
            "ModelApprovalStatus", default_value="PendingManualApproval", enum_values=["PendingManualApproval", "Approved", "Rejected"]
        )
        self.champion = ParameterString("ChampionModelUri", default_value=n["code"]["NoChampion"]["uri"])
        self.claims = ParameterString("ClaimsUri", default_value=n["claims_uri"])
        self.customers = ParameterString("CustomersUri", default_value=n["customers_uri"])
        self.bounds = [ParameterFloat(name, default_value=value) for name, value in n["bounds"].items()]
        self.types = {step: ParameterString(f"{step}InstanceType", default_value=kind) for step, kind in n["instance_types"].items()}
        several = ("Preprocess", "Train", "BatchTransform")
        self.counts = {step: ParameterInteger(f"{step}InstanceCount", default_value=1) for step in several}
        self.evaluation = PropertyFile(name="Evaluation", output_name="evaluation", path="evaluation.json")
        self.packaged = PropertyFile(name="Package", output_name="baseline", path="package.json")
        self.bias = PropertyFile(name="Bias", output_name="bias", path="bias.json")

    def pipeline(self) -> Pipeline:
        n = self.n
        facets = n["facet_arguments"]
        pre = self.processing(
            "Preprocess", [("claims", self.claims, "ShardedByS3Key"), ("customers", self.customers), ("wheelhouse", n["wheelhouse_uri"])],
            ["train", "validation", "test", "quality", "records"], n["preprocess_arguments"], count=self.counts["Preprocess"],
        )  # fmt: skip
        train = self.train(pre)
        model = train.properties.ModelArtifacts.S3ModelArtifacts
        evaluate = self.processing(
            "Evaluate", [("test", _output(pre, "test")), ("model", model), ("champion", self.champion)], ["evaluation", "predictions"],
            ["--review-capacity", self.capacity.to_string()], files=[self.evaluation],
        )  # fmt: skip
        report = _output(evaluate, "evaluation")
        before = self.processing("PreTrainingBias", [("train", _output(pre, "train"))], ["bias"], facets)
        after = self.processing(
            "PostTrainingBias", [("test", _output(pre, "test")), ("predictions", _output(evaluate, "predictions"))], ["bias"],
            [*facets, *n["required"]], files=[self.bias],
        )  # fmt: skip
        explain = self.processing(
            "Explain", [("data", _output(pre, "test")), ("model", model), ("evaluation", report)], ["explanations"], []
        )
        package = self.processing(
            "Package",
            [("model", model), ("evaluation", report), ("train", _output(pre, "train")), ("serving-code", n["code"]["Serve"]["uri"])],
            ["package", "baseline"], [], files=[self.packaged],
        )  # fmt: skip
        gate = self.gate([before, after, explain, package], self.accepted(pre, evaluate, before, after, explain, package))
        own = [self.claims, self.customers, self.capacity, self.approval, self.champion]
        return Pipeline(
            name="fraud-detection", sagemaker_session=self.session, pipeline_experiment_config=None,
            parameters=[*own, *self.bounds, *self.types.values(), *self.counts.values()],
            steps=[pre, train, evaluate, before, after, explain, package, gate],
        )  # fmt: skip

    def gate(self, waits_for: list[Any], accepted: list[Any]) -> ConditionStep:
        """Each criterion as its name, its value, and what it is compared by."""
        conditions, told = [], []
        bounds = iter(self.bounds)
        for name, step, path, kinds in self.n["criteria"]:
            value = JsonGet(step_name=step, property_file=self.evaluation if step == "Evaluate" else self.bias, json_path=path)
            words: list[Any] = [name, " is ", value, " and must be "]
            for kind in kinds:
                bound = next(bounds)
                compare = ConditionGreaterThanOrEqualTo if kind == "at least" else ConditionLessThanOrEqualTo
                conditions.append(compare(left=value, right=bound))
                words += [*([" and "] if kind != kinds[0] else []), f"{kind} ", bound]
            told.append(Join(on="", values=words))
        reject = FailStep(
            "Reject", error_message=Join(on="", values=["The model did not pass the quality gate: ", Join(on="; ", values=told)]),
            description="Name each criterion, its value and its bound",
        )  # fmt: skip
        return ConditionStep(
            "QualityGate", description=self.n["descriptions"]["QualityGate"], conditions=conditions, if_steps=accepted, else_steps=[reject],
            depends_on=waits_for,
        )  # fmt: skip

    def accepted(self, pre: Any, evaluate: Any, before: Any, after: Any, explain: Any, package: Any) -> list[Any]:
        baseline = _output(package, "baseline")
        card = self.processing(
            "ModelCard",
            [("evaluation", _output(evaluate, "evaluation")), ("package", baseline), ("pre-training-bias", _output(before, "bias")),
             ("post-training-bias", _output(after, "bias")), ("explanations", _output(explain, "explanations"))],
            ["card"],
            ["--name", self.n["group"], "--claims-uri", self.claims, "--customers-uri", self.customers,
             "--approval-status", self.approval, "--environment", "dev"],
        )  # fmt: skip
        sources = {
            "model_statistics": _source(_output(evaluate, "evaluation"), "evaluation.json"),
            "model_constraints": _source(baseline, "model_quality_constraints.json"),
            "model_data_statistics": _source(baseline, "statistics.json"),
            "model_data_constraints": _source(baseline, "constraints.json"),
        }
        outputs = ((before, "bias"), (after, "bias"), (explain, "explanations"))
        reports = [_source(_output(step, name), "analysis.json") for step, name in outputs]
        metrics = ModelMetrics(**sources, bias_pre_training=reports[0], bias_post_training=reports[1], explainability=reports[2])
        watched = sources | {"model_statistics": _source(baseline, "model_quality_statistics.json")}
        baselines = DriftCheckBaselines(
            **watched, bias_pre_training_constraints=reports[0], bias_post_training_constraints=reports[1],
            explainability_constraints=reports[2],
        )  # fmt: skip
        register = self.register(package, card, metrics, baselines)
        model = self.model(package)
        return [card, register, model, self.transform(model, pre)]

    def model(self, package: Any) -> ModelStep:
        n = self.n
        builder = ModelBuilder(
            image_uri=n["image"], role_arn=n["roles"]["CreateModel"], sagemaker_session=self.session, dependencies={},
            s3_model_data_url=Join(on="/", values=[_output(package, "package"), "model.tar.gz"]), env_vars=n["serving_environment"],
        )  # fmt: skip
        builder._enable_network_isolation = True
        builder._tags = [{"Key": key, "Value": value} for key, value in n["tags"].items()]
        return ModelStep(
            "CreateModel", description=n["descriptions"]["CreateModel"], step_args=builder.build(), retry_policies=[_step_retry()]
        )

    def transform(self, model: ModelStep, pre: Any) -> TransformStep:
        n = self.n
        transformer = Transformer(
            model_name=model.properties.ModelName, instance_count=self.counts["BatchTransform"], instance_type=self.types["BatchTransform"],
            strategy="MultiRecord", assemble_with="Line", output_path=self.run_uri("BatchTransform"), output_kms_key=n["key"],
            accept="text/csv", max_payload=6, volume_kms_key=n["key"], sagemaker_session=self.session,
            tags=[{"Key": key, "Value": value} for key, value in n["tags"].items()],
        )  # fmt: skip
        return TransformStep(
            "BatchTransform", description=n["descriptions"]["BatchTransform"], retry_policies=_retries(),
            cache_config=CacheConfig(enable_caching=True, expire_after="P30D"),
            step_args=transformer.transform(_output(pre, "records"), content_type="text/csv", split_type="Line"),
        )  # fmt: skip

    def processing(
        self, name: str, inputs: list[Any], outputs: list[str], arguments: list[Any], *, files: list[Any] | None = None, count: Any = 1
    ) -> ProcessingStep:
        n = self.n
        processor = Processor(
            role=n["roles"][name], image_uri=n["image"], instance_count=count, instance_type=self.types[name],
            entrypoint=["python3", f"/opt/ml/processing/input/code/{n['code'][name]['file_name']}"], volume_size_in_gb=30,
            volume_kms_key=n["key"], output_kms_key=n["key"], max_runtime_in_seconds=n["limits"][name], sagemaker_session=self.session,
            tags=[{"Key": key, "Value": value} for key, value in n["tags"].items()],
            network_config=NetworkConfig(enable_network_isolation=True, encrypt_inter_container_traffic=True),
        )  # fmt: skip
        return ProcessingStep(
            name, description=n["descriptions"][name], property_files=files,
            cache_config=CacheConfig(enable_caching=True, expire_after="P30D"), retry_policies=_retries(), step_args=processor.run(
                inputs=[_input(*entry) for entry in [*inputs, ("code", n["code"][name]["uri"])]],
                outputs=[self.output(name, output) for output in outputs], arguments=arguments or None,
            ),
        )  # fmt: skip

    def output(self, step: str, name: str) -> ProcessingOutput:
        target = ProcessingS3Output(
            s3_uri=self.run_uri(step, name), local_path=f"/opt/ml/processing/output/{name}", s3_upload_mode="EndOfJob"
        )
        return ProcessingOutput(output_name=name, s3_output=target)

    def run_uri(self, *parts: str) -> Join:
        return Join(on="/", values=[f"s3://{self.n['bucket']}", "runs", parts[0], ExecutionVariables.PIPELINE_EXECUTION_ID, *parts[1:]])

    def train(self, pre: ProcessingStep) -> TrainingStep:
        n = self.n
        trainer = ModelTrainer(
            sagemaker_session=self.session, role=n["roles"]["Train"], training_image=n["image"], training_input_mode="File",
            source_code=None, hyperparameters=n["hyperparameters"], environment={"PIP_NO_BUILD_ISOLATION": "0"},
            compute=Compute(
                instance_type=self.types["Train"], instance_count=self.counts["Train"], volume_size_in_gb=30, volume_kms_key_id=n["key"],
                enable_managed_spot_training=False,
            ),
            networking=Networking(enable_network_isolation=True, enable_inter_container_traffic_encryption=True),
            stopping_condition=StoppingCondition(max_runtime_in_seconds=n["limits"]["Train"]),
            output_data_config=OutputDataConfig(s3_output_path=self.run_uri("Train"), kms_key_id=n["key"]),
            checkpoint_config=CheckpointConfig(
                s3_uri=Join(on="/", values=[f"s3://{n['bucket']}", "checkpoints", "Train"]), local_path="/opt/ml/checkpoints"
            ),
            input_data_config=[
                _channel("train", _output(pre, "train"), "application/x-parquet", "ShardedByS3Key"),
                _channel("validation", _output(pre, "validation"), "application/x-parquet"),
                _channel("code", n["code"]["Train"]["uri"], None),
            ],
            tags=[Tag(key=key, value=value) for key, value in n["tags"].items()],
        ).with_metric_definitions([MetricDefinition(name=name, regex=rf"{name}=([0-9.]+)") for name in n["metrics"]])  # fmt: skip
        return TrainingStep(
            "Train", step_args=trainer.train(), description=n["descriptions"]["Train"], retry_policies=_retries(),
            cache_config=CacheConfig(enable_caching=True, expire_after="P30D"),
        )  # fmt: skip

    def register(self, package: Any, card: Any, metrics: ModelMetrics, baselines: DriftCheckBaselines) -> ModelStep:
        n = self.n
        builder = ModelBuilder(
            image_uri=n["image"], role_arn=n["roles"]["Train"], sagemaker_session=self.session, dependencies={},
            s3_model_data_url=Join(on="/", values=[_output(package, "package"), "model.tar.gz"]), env_vars=n["serving_environment"],
        )  # fmt: skip
        types = ["text/csv", "application/jsonlines", "application/json"]
        threshold = JsonGet(step_name="Evaluate", property_file=self.evaluation, json_path="review.threshold")
        hashes = {
            name: Join(on="", values=[JsonGet(step_name="Package", property_file=self.packaged, json_path=name)])
            for name in ("training_data_sha256", "model_sha256")
        }
        return ModelStep(
            "Register", description=n["descriptions"]["Register"], step_args=builder.register(
                content_types=types, response_types=types, inference_instances=n["serving_types"],
                transform_instances=n["serving_types"], model_package_group_name=n["group"], approval_status=self.approval,
                description="Fraud score for auto claims", model_metrics=metrics, drift_check_baselines=baselines,
                customer_metadata_properties={
                    "threshold": Join(on="", values=[threshold]),
                    "review_capacity": self.capacity.to_string(),
                    "claims_uri": self.claims,
                    "customers_uri": self.customers,
                    "execution_id": ExecutionVariables.PIPELINE_EXECUTION_ID,
                    "framework": "xgboost",
                    **hashes,
                    "model_card_uri": Join(on="/", values=[_output(card, "card"), "model_card.json"]),
                    **{f"code_{name}": code["digest"] for name, code in n["code"].items() if name != "NoChampion"},
                },
            ),
            retry_policies=[_step_retry()],
        )  # fmt: skip


def _step_retry() -> StepRetryPolicy:
    faults = [StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING]
    return StepRetryPolicy(exception_types=faults, interval_seconds=10, backoff_rate=2.0, max_attempts=4)


def _retries() -> list[Any]:
    kinds = SageMakerJobExceptionTypeEnum
    return [
        _step_retry(),
        SageMakerJobStepRetryPolicy(
            exception_types=[kinds.INTERNAL_ERROR, kinds.CAPACITY_ERROR], interval_seconds=60, backoff_rate=2.0, max_attempts=3
        ),
        SageMakerJobStepRetryPolicy(
            exception_types=[kinds.RESOURCE_LIMIT], interval_seconds=300, backoff_rate=2.0, expire_after_mins=120
        ),
    ]


def _input(name: str, uri: Any, distribution: str = "FullyReplicated") -> ProcessingInput:
    source = ProcessingS3Input(
        s3_uri=uri, local_path=f"/opt/ml/processing/input/{name}", s3_data_type="S3Prefix", s3_input_mode="File",
        s3_data_distribution_type=distribution, s3_compression_type="None",
    )  # fmt: skip
    return ProcessingInput(input_name=name, s3_input=source)


def _channel(name: str, uri: Any, content_type: str | None, distribution: str = "FullyReplicated") -> Channel:
    source = S3DataSource(s3_data_type="S3Prefix", s3_uri=uri, s3_data_distribution_type=distribution)
    more = {"content_type": content_type} if content_type else {}
    return Channel(channel_name=name, input_mode="File", data_source=DataSource(s3_data_source=source), **more)


def _source(folder: Any, file: str) -> MetricsSource:
    return MetricsSource(content_type="application/json", s3_uri=Join(on="/", values=[folder, file]))


def _output(step: Any, name: str) -> Any:
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


if __name__ == "__main__":
    print(Builder(json.load(sys.stdin)).pipeline().definition())
