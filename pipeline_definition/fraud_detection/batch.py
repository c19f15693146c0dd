"""Batch predictions with the model that has passed the gate."""

from pipeline_definition.fraud_detection.context import SERVING_ENVIRONMENT, Context
from pipeline_definition.fraud_detection.registration import model_uri
from pipeline_definition.policies import JOB_RETRIES, REQUEST_RETRIES
from pipeline_definition.steps import ModelStep, ProcessingStep, TransformStep


def create_model(context: Context, package: ProcessingStep) -> ModelStep:
    """Behind the gate, so that no run leaves a model that nobody wants."""
    return ModelStep(
        name="CreateModel",
        description="A model for the batch transform",
        image=context.resources.image["CreateModel"],
        role=context.resources.role["CreateModel"],
        model_uri=model_uri(package),
        network=context.resources.network,
        environment=SERVING_ENVIRONMENT,
        tags=context.resources.tags,
        retries=REQUEST_RETRIES,
    )


def transform(context: Context, model: ModelStep, splits: ProcessingStep) -> TransformStep:
    """Scores the test split from its raw records, as a nightly batch would be scored."""
    job = context.job("batch_transform")
    return TransformStep(
        name="BatchTransform",
        description="Score the raw records of the test split through the inference code",
        model_name=model.model_name,
        input_uri=splits.output("records"),
        output_uri=context.run_uri("BatchTransform"),
        instance_type=context.parameters.types["batch_transform"],
        instance_count=context.parameters.counts["batch_transform"],
        volume_key=context.volume_key(job),
        output_key=context.resources.key,
        tags=context.resources.tags,
        retries=JOB_RETRIES,
        caching=context.caching,
    )
