"""From a model and its reports to a version in the model registry."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline_definition.expressions import ExecutionVariable, text, uri
from pipeline_definition.fraud_detection.assessment import bias_report
from pipeline_definition.fraud_detection.assets import NO_CHAMPION, SERVING_CODE
from pipeline_definition.fraud_detection.context import SERVING_ENVIRONMENT, Context, read
from pipeline_definition.fraud_detection.preparation import Evaluation
from pipeline_definition.policies import REQUEST_RETRIES
from pipeline_definition.steps import Input, ProcessingStep, PropertyFile, RegisterModelStep

_PACKAGE = "Package"
_JSON = "application/json"
CONTENT_TYPES = ("text/csv", "application/jsonlines", "application/json")


@dataclass(frozen=True)
class Reports:
    """The steps whose reports a registered model refers to; ``explain`` is None for a model without explanations."""

    evaluation: Evaluation
    pre_training_bias: ProcessingStep
    post_training_bias: ProcessingStep
    explain: ProcessingStep | None
    package: ProcessingStep


def package(context: Context, splits: ProcessingStep, model: object, evaluation: Evaluation) -> ProcessingStep:
    return context.processing(
        "Package",
        description="Model, inference code, threshold and schema in one archive, and the baselines for its monitoring",
        inputs=[
            read("model", model),
            read("evaluation", evaluation.report),
            read("train", splits.output("train")),
            read("serving-code", context.resources.code[SERVING_CODE].uri),
        ],
        outputs=["package", "baseline"],
        property_files=[PropertyFile(name=_PACKAGE, output="baseline", path="package.json")],
    )


def model_uri(package: ProcessingStep) -> object:
    return uri(package.output("package"), "model.tar.gz")


def model_card(context: Context, reports: Reports) -> ProcessingStep:
    parameters = context.parameters
    said = context.settings.card.model_dump(exclude_none=True)
    inputs: list[Input] = [
        read("evaluation", reports.evaluation.report),
        read("package", reports.package.output("baseline")),
        read("pre-training-bias", bias_report(reports.pre_training_bias)),
        read("post-training-bias", bias_report(reports.post_training_bias)),
    ]
    if reports.explain:
        inputs.append(read("explanations", reports.explain.output("explanations")))
    return context.processing(
        "ModelCard",
        description="Write down what the model is for, how good and how fair it is, and what it must not be used for",
        inputs=inputs,
        arguments=[
            "--name", context.resources.model_package_group,
            "--claims-uri", parameters.claims,
            "--customers-uri", parameters.customers,
            "--approval-status", parameters.approval,
            "--environment", context.settings.name,
            *(part for name, text in said.items() for part in (f"--{name.replace('_', '-')}", text)),
        ],
        outputs=["card"],
    )  # fmt: skip


def register(context: Context, reports: Reports, card: ProcessingStep) -> RegisterModelStep:
    return RegisterModelStep(
        name="Register",
        description="A new version in the model package group, with its reports and baselines",
        group=context.resources.model_package_group,
        image=context.resources.image["Package"],
        model_uri=model_uri(reports.package),
        approval_status=context.parameters.approval,
        environment=SERVING_ENVIRONMENT,
        content_types=CONTENT_TYPES,
        response_types=CONTENT_TYPES,
        instance_types=context.settings.serving_instance_types,
        metrics=_metrics(reports),
        baselines=_baselines(reports),
        metadata=_metadata(context, reports, card),
        summary="Fraud score for auto claims",
        retries=REQUEST_RETRIES,
    )


def _metrics(reports: Reports) -> Mapping[str, Any]:
    """The request's ModelMetrics: what this model was found to be."""
    found: dict[str, Any] = {
        "ModelQuality": {
            "Statistics": _source(reports.evaluation.report, "evaluation.json"),
            "Constraints": _source(reports.package.output("baseline"), "model_quality_constraints.json"),
        },
        "ModelDataQuality": {
            "Statistics": _source(reports.package.output("baseline"), "statistics.json"),
            "Constraints": _source(reports.package.output("baseline"), "constraints.json"),
        },
        "Bias": {
            "PreTrainingReport": _source(bias_report(reports.pre_training_bias), "analysis.json"),
            "PostTrainingReport": _source(bias_report(reports.post_training_bias), "analysis.json"),
        },
    }
    if reports.explain:
        found["Explainability"] = {"Report": _source(reports.explain.output("explanations"), "analysis.json")}
    return found


def _baselines(reports: Reports) -> Mapping[str, Any]:
    """The request's DriftCheckBaselines: what monitoring compares with."""
    metrics = _metrics(reports)
    found: dict[str, Any] = {
        "ModelQuality": {
            "Statistics": _source(reports.package.output("baseline"), "model_quality_statistics.json"),
            "Constraints": metrics["ModelQuality"]["Constraints"],
        },
        "ModelDataQuality": metrics["ModelDataQuality"],
        "Bias": {
            "PreTrainingConstraints": metrics["Bias"]["PreTrainingReport"],
            "PostTrainingConstraints": metrics["Bias"]["PostTrainingReport"],
        },
    }
    if reports.explain:
        found["Explainability"] = {"Constraints": metrics["Explainability"]["Report"]}
    return found


def _metadata(context: Context, reports: Reports, card: ProcessingStep) -> Mapping[str, object]:
    """What identifies the model: its data, its code, its threshold."""
    parameters = context.parameters
    code = context.resources.code
    return {
        "threshold": text(reports.evaluation.value("review.threshold")),
        "review_capacity": text(parameters.capacity),
        "claims_uri": parameters.claims,
        "customers_uri": parameters.customers,
        "execution_id": ExecutionVariable.PIPELINE_EXECUTION_ID,
        "framework": str(context.settings.training.algorithm),
        "training_data_sha256": text(reports.package.value(_PACKAGE, "training_data_sha256")),
        "model_sha256": text(reports.package.value(_PACKAGE, "model_sha256")),
        "model_card_uri": uri(card.output("card"), "model_card.json"),
        **{f"code_{name}": code[name].digest for name in sorted(code) if name != NO_CHAMPION},
    }


def _source(folder: object, file: str) -> dict[str, Any]:
    return {"ContentType": _JSON, "S3Uri": uri(folder, file)}
