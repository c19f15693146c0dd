"""One step type a file; each renders to the entry that SageMaker reads."""

from pipeline_definition.steps.base import Step
from pipeline_definition.steps.condition import ConditionStep
from pipeline_definition.steps.fail import FailStep
from pipeline_definition.steps.model import ModelStep
from pipeline_definition.steps.processing import Input, Output, ProcessingStep, PropertyFile
from pipeline_definition.steps.register_model import RegisterModelStep
from pipeline_definition.steps.training import Channel, Metric, TrainingStep
from pipeline_definition.steps.transform import TransformStep
from pipeline_definition.steps.tuning import Range, Strategy, TuningStep

__all__ = [
    "Channel",
    "ConditionStep",
    "FailStep",
    "Input",
    "Metric",
    "ModelStep",
    "Output",
    "ProcessingStep",
    "PropertyFile",
    "Range",
    "RegisterModelStep",
    "Step",
    "Strategy",
    "TrainingStep",
    "TransformStep",
    "TuningStep",
]
