"""The steps of the pipeline, and which follow from which."""

from typing import Any, TypeVar

from pipeline_definition.fraud_detection import assessment, batch, gate, preparation, registration, training
from pipeline_definition.fraud_detection.context import Context
from pipeline_definition.fraud_detection.preparation import Evaluation
from pipeline_definition.fraud_detection.registration import Reports
from pipeline_definition.pipeline import Pipeline
from pipeline_definition.resources import Resources
from pipeline_definition.steps import ProcessingStep, Step
from settings import Settings

_S = TypeVar("_S", bound=Step)
_BEFORE_THE_GATE = ("PreTrainingBias", "PostTrainingBias", "Explain", "Package", "CompareMitigation")
"""What must have succeeded before a model is registered."""


def build(settings: Settings, resources: Resources) -> dict[str, Any]:
    """The definition as JSON-ready data.

    Raises:
        DefinitionError: settings and resources do not make a valid pipeline.
    """
    return _Graph(Context(settings, resources)).pipeline().to_definition()


class _Graph:
    """Collects the steps before the gate, in the order in which a reader wants them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._settings = context.settings
        self._steps: list[Step] = []

    def pipeline(self) -> Pipeline:
        context = self._context
        splits, model, evaluation = self._combined() if self._settings.combine_steps else self._separate()
        reference = self._add(training.train_reference(context, splits)) if self._settings.training.mitigation.is_on else None
        reports = Reports(
            evaluation=evaluation,
            pre_training_bias=self._add(assessment.pre_training_bias(context, splits)),
            post_training_bias=self._add(assessment.post_training_bias(context, splits, evaluation)),
            explain=self._add(assessment.explain(context, splits, model, evaluation)) if self._settings.explain else None,
            package=self._add(registration.package(context, splits, model, evaluation)),
        )
        if reference:
            self._add(assessment.compare_mitigation(context, splits, model, reference.model_artifacts, evaluation))
        before = [step for step in self._steps if step.name in _BEFORE_THE_GATE]
        wanted = gate.criteria(context, evaluation, reports.post_training_bias)
        self._add(gate.quality_gate(wanted, then=self._behind_the_gate(splits, reports), waits_for=before))
        return Pipeline(parameters=context.parameters.all(), steps=self._steps)

    def _separate(self) -> tuple[ProcessingStep, object, Evaluation]:
        """Splits, model and evaluation from a job each."""
        context = self._context
        splits = self._add(preparation.preprocess(context))
        default = self._add(training.train(context, splits))
        model: object = default.model_artifacts
        if self._settings.training.tuning:
            tuned = training.tune(context, splits)
            self._add(tuned.step)
            model = self._add(training.select_model(context, default, tuned)).output("model")
        evaluation = Evaluation(self._add(preparation.evaluate(context, splits, model)))
        return splits, model, evaluation

    def _combined(self) -> tuple[ProcessingStep, object, Evaluation]:
        """The same from one job."""
        step = self._add(preparation.prepare_train_evaluate(self._context))
        return step, step.output("model"), Evaluation(step)

    def _behind_the_gate(self, splits: ProcessingStep, reports: Reports) -> list[Step]:
        context = self._context
        card = registration.model_card(context, reports)
        steps: list[Step] = [card, registration.register(context, reports, card)]
        if self._settings.batch_transform:
            model = batch.create_model(context, reports.package)
            steps += [model, batch.transform(context, model, splits)]
        return steps

    def _add(self, step: _S) -> _S:
        self._steps.append(step)
        return step
