"""From raw claims to encoded splits; with ``combine_steps``, to a model and its evaluation as well."""

from dataclasses import dataclass

from pipeline_definition.expressions import text
from pipeline_definition.fraud_detection.context import PROCESSING, Context, read
from pipeline_definition.steps import Input, ProcessingStep, PropertyFile
from settings.training import Algorithm

EVALUATION = "Evaluation"
"""The property file of the step that evaluates."""

_ALGORITHM_INPUT = {Algorithm.BUILT_IN_XGBOOST: "plain", Algorithm.LINEAR_LEARNER: "scaled", Algorithm.KMEANS: "scaled-unlabelled"}
_SPLITS = ["train", "validation", "test", "quality"]


@dataclass(frozen=True)
class Evaluation:
    """The ``step`` that has evaluated, whichever it is."""

    step: ProcessingStep

    @property
    def report(self) -> object:
        return self.step.output("evaluation")

    @property
    def predictions(self) -> object:
        return self.step.output("predictions")

    def value(self, path: str) -> object:
        """A figure of ``evaluation.json``."""
        return self.step.value(EVALUATION, path)


def preprocess(context: Context) -> ProcessingStep:
    arguments, outputs = _preprocess_arguments(context), [*_SPLITS]
    if algorithm_input := _ALGORITHM_INPUT.get(context.settings.training.algorithm):
        arguments += ["--algorithm-input", algorithm_input]
        outputs += ["algorithm_train", "algorithm_validation"]
    if context.settings.batch_transform:
        outputs.append("records")
    if context.settings.bias.engine == "clarify":
        # Its container wants its orders in a file of one certain name, which nothing that is uploaded by content has.
        arguments += ["--clarify", *context.facet_arguments()]
        outputs += ["clarify_pre", "clarify_post"]
    return context.processing(
        "Preprocess",
        description="Join claims to customers, quarantine bad rows, encode, split by policy",
        inputs=_raw(context),
        arguments=arguments,
        outputs=outputs,
    )


def prepare_train_evaluate(context: Context) -> ProcessingStep:
    """One job in place of three: for small data, starting machines takes longer than using them."""
    outputs = [*_SPLITS, "model", "evaluation", "predictions"]
    if context.settings.batch_transform:
        outputs.append("records")
    return context.processing(
        "PrepareTrainEvaluate",
        description="Preprocess, train and evaluate, one after the other",
        inputs=[*_raw(context), read("champion", context.parameters.champion)],
        arguments=[
            *_preprocess_arguments(context),
            *(part for name, value in script_hyperparameters(context).items() for part in (f"--{name}", value)),
            *evaluate_arguments(context),
        ],
        outputs=outputs,
        property_files=[evaluation_file()],
    )


def evaluate(context: Context, splits: ProcessingStep, model: object) -> ProcessingStep:
    return context.processing(
        "Evaluate",
        description="Score the untouched test split, beside the champion, and find the threshold for the review capacity",
        inputs=[
            read("test", splits.output("test")),
            read("model", model),
            read("champion", context.parameters.champion),
        ],
        arguments=evaluate_arguments(context),
        outputs=["evaluation", "predictions"],
        property_files=[evaluation_file()],
    )


def evaluate_arguments(context: Context) -> list[object]:
    arguments: list[object] = ["--review-capacity", text(context.parameters.capacity)]
    if context.settings.bias.engine == "clarify":
        # Clarify's container looks for facets among the columns of its one dataset.
        arguments.append("--with-features")
    return arguments


def script_hyperparameters(context: Context, *, is_reference: bool = False) -> dict[str, str]:
    """What the training script is told, beyond what the container itself reads; a reference is trained without mitigation."""
    training = context.settings.training
    found = {name: str(value) for name, value in training.hyperparameters.items()}
    if training.algorithm is Algorithm.LOGISTIC_REGRESSION:
        found["framework"] = "logistic_regression"
    if training.tuning:
        # Told to the default too, which is compared with the best trial by it.
        found["tuning_objective"] = training.tuning.objective
    if training.mitigation.is_on and not is_reference:
        found |= {"mitigation": training.mitigation.method, "mitigation_facet": training.mitigation.facet}
    return found


def evaluation_file() -> PropertyFile:
    return PropertyFile(name=EVALUATION, output="evaluation", path="evaluation.json")


def _raw(context: Context) -> list[Input]:
    parameters = context.parameters
    return [
        # Every instance takes its share of the claims, and all customers.
        Input(name="claims", uri=parameters.claims, path=f"{PROCESSING}/input/claims", sharded=True),
        read("customers", parameters.customers),
        read("wheelhouse", context.resources.wheelhouse_uri),
    ]


def _preprocess_arguments(context: Context) -> list[object]:
    settings = context.settings
    arguments: list[object] = [
        "--salt", settings.split.salt,
        "--validation", str(settings.split.validation),
        "--test", str(settings.split.test),
        "--max-quarantined", str(settings.max_quarantined),
    ]  # fmt: skip
    if settings.batch_transform:
        arguments.append("--records")
    return arguments
