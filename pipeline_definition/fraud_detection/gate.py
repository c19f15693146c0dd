"""The quality gate: what a model must reach, and what a run says where it does not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline_definition.conditions import Condition, at_least, at_most
from pipeline_definition.expressions import Join
from pipeline_definition.fraud_detection.assessment import bias_value
from pipeline_definition.fraud_detection.context import Context
from pipeline_definition.fraud_detection.preparation import Evaluation
from pipeline_definition.steps import ConditionStep, FailStep, ProcessingStep, Step

_METRICS = "binary_classification_metrics"


@dataclass(frozen=True)
class Criterion:
    """A figure and its bounds, of which there is at least one."""

    name: str
    value: object
    minimum: object = None
    maximum: object = None

    def conditions(self) -> Iterator[Condition]:
        if self.minimum is not None:
            yield at_least(self.value, self.minimum)
        if self.maximum is not None:
            yield at_most(self.value, self.maximum)

    def said(self) -> Join:
        """The criterion in words, with its value and its bounds."""
        parts: list[object] = [self.name, " is ", self.value, " and must be "]
        if self.minimum is not None:
            parts += ["at least ", self.minimum]
        if self.maximum is not None:
            parts += [" and " if self.minimum is not None else "", "at most ", self.maximum]
        return Join("", [part for part in parts if part != ""])


def criteria(context: Context, evaluation: Evaluation, bias: ProcessingStep) -> list[Criterion]:
    parameters = context.parameters
    return [
        Criterion("AUC's lower bound", evaluation.value(f"{_METRICS}.auc.lower"), minimum=parameters.auc),
        Criterion("average precision", evaluation.value(f"{_METRICS}.au_prc.value"), minimum=parameters.average_precision),
        Criterion("recall at the review capacity", evaluation.value("review.recall"), minimum=parameters.recall),
        Criterion("AUC lost against the champion", evaluation.value("champion.auc_loss"), maximum=parameters.auc_loss),
        *(
            Criterion(f"{bound.metric} of {bound.facet}", bias_value(bias, facet=bound.facet, metric=bound.metric), low, high)
            for bound, (low, high) in parameters.bias.items()
        ),
    ]


def quality_gate(wanted: Sequence[Criterion], *, then: Sequence[Step], waits_for: Sequence[Step]) -> ConditionStep:
    """``waits_for`` are the steps that must have succeeded, whether or not the gate reads their figures."""
    reject = FailStep(
        name="Reject",
        description="Name each criterion, its value and its bound",
        message=Join("", ["The model did not pass the quality gate: ", Join("; ", [criterion.said() for criterion in wanted])]),
    )
    return ConditionStep(
        name="QualityGate",
        description="Register only what is good enough, fair enough, and no worse than the champion",
        conditions=[condition for criterion in wanted for condition in criterion.conditions()],
        then=then,
        otherwise=[reject],
        depends_on=waits_for,
    )
