"""What is looked at before a model may be registered: bias, reasons, and what a mitigation does."""

from collections.abc import Sequence

from pipeline_definition.expressions import text
from pipeline_definition.fraud_detection.context import PROCESSING, Context, read
from pipeline_definition.fraud_detection.preparation import Evaluation
from pipeline_definition.steps import Input, Output, ProcessingStep, PropertyFile
from settings.training import Algorithm
from training_code.claims.facets import Facet

BIAS = "Bias"
"""The property file of PostTrainingBias."""


def pre_training_bias(context: Context, splits: ProcessingStep) -> ProcessingStep:
    name, description = "PreTrainingBias", "Compare the groups of the training data before a model learns from them"
    if context.settings.bias.engine == "clarify":
        return _clarify(context, name, description=description, config=splits.output("clarify_pre"), dataset=splits.output("train"))
    return context.processing(
        name,
        description=description,
        inputs=[read("train", splits.output("train"))],
        arguments=context.facet_arguments(),
        outputs=["bias"],
    )


def post_training_bias(context: Context, splits: ProcessingStep, evaluation: Evaluation) -> ProcessingStep:
    name, description = "PostTrainingBias", "Compare how the groups of the test split are treated at the review capacity"
    if context.settings.bias.engine == "clarify":
        return _clarify(context, name, description=description, config=splits.output("clarify_post"), dataset=evaluation.predictions)
    required = [text for bound in context.settings.bias_bounds for text in ("--require", f"{bound.metric}:{bound.facet}")]
    return context.processing(
        name,
        description=description,
        inputs=[read("test", splits.output("test")), read("predictions", evaluation.predictions)],
        arguments=[*context.facet_arguments(), *required],
        outputs=["bias"],
        property_files=[PropertyFile(name=BIAS, output="bias", path="bias.json")],
    )


def bias_value(step: ProcessingStep, *, facet: str, metric: str) -> object:
    """A bias metric as conditions can read it."""
    return step.value(BIAS, f"{Facet.parse(facet).slug}.{metric}")


def explain(context: Context, splits: ProcessingStep, model: object, evaluation: Evaluation) -> ProcessingStep:
    inputs = [read("data", splits.output("test")), read("model", model), read("evaluation", evaluation.report)]
    if context.settings.training.algorithm is Algorithm.LINEAR_LEARNER:
        # Its file does not say what claims usually look like, which contributions are measured from.
        inputs.append(read("train", splits.output("train")))
    return context.processing(
        "Explain",
        description="Say what drives the scores: exact SHAP values, in all and claim by claim",
        inputs=inputs,
        outputs=["explanations"],
    )


def compare_mitigation(
    context: Context, splits: ProcessingStep, model: object, reference: object, evaluation: Evaluation
) -> ProcessingStep:
    return context.processing(
        "CompareMitigation",
        description="Show what the mitigation costs, and whether it helps",
        inputs=[read("test", splits.output("test")), read("model", model), read("reference", reference)],
        arguments=["--review-capacity", text(context.parameters.capacity), *context.facet_arguments()],
        outputs=["mitigation"],
        # No step looks at the test split before Evaluate.
        depends_on=[evaluation.step],
    )


def bias_report(step: ProcessingStep) -> object:
    """The folder of a bias step's ``analysis.json``, whoever has written it."""
    return step.output(step.outputs[0].name)


def _clarify(context: Context, name: str, *, description: str, config: object, dataset: object) -> ProcessingStep:
    """SageMaker Clarify's container, which runs by itself, and knows inputs and output by these names alone."""
    inputs: Sequence[Input] = [
        Input(name="analysis_config", uri=config, path=f"{PROCESSING}/input/config"),
        Input(name="dataset", uri=dataset, path=f"{PROCESSING}/input/data"),
    ]
    output = Output(name="analysis_result", uri=context.run_uri(name, "bias"), path=f"{PROCESSING}/output")
    return context.container(name, description=description, entrypoint=[], arguments=[], inputs=inputs, outputs=[output])
