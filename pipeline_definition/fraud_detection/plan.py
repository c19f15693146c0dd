"""Which steps need a role, an image, code and a machine, as the settings have it."""

from collections.abc import Iterator
from dataclasses import dataclass

from settings import Settings
from settings.jobs import Job
from settings.training import Algorithm

CUSTOM_IMAGE = "Custom"
"""In place of a managed image's name: the one that the settings name."""

_XGBOOST = "XGBoost"
_TRAINING_IMAGES = {
    Algorithm.XGBOOST: _XGBOOST,
    Algorithm.LOGISTIC_REGRESSION: "ScikitLearn",
    Algorithm.BUILT_IN_XGBOOST: _XGBOOST,
    Algorithm.LINEAR_LEARNER: "LinearLearner",
    Algorithm.KMEANS: "KMeans",
    Algorithm.CUSTOM: CUSTOM_IMAGE,
}


@dataclass(frozen=True)
class JobPlan:
    """A step that runs in a container.

    ``image`` is a name in ``pipeline_definition.images``; ``code`` the name of
    its archive among the assets, None without one; ``machine`` names its entry
    in ``settings.jobs``, None for a model, which runs on its transform's.
    """

    step: str
    image: str = _XGBOOST
    code: str | None = None
    machine: str | None = None


def plan(settings: Settings) -> tuple[JobPlan, ...]:
    """Every step with a role of its own, in the order of the pipeline."""
    return tuple(_steps(settings))


def job(settings: Settings, machine: str) -> Job:
    found = getattr(settings.jobs, machine)
    assert isinstance(found, Job)
    return found


def machines(settings: Settings) -> tuple[str, ...]:
    """The entries of ``settings.jobs`` that are used, each once."""
    found = [entry.machine for entry in plan(settings) if entry.machine]
    if settings.batch_transform:
        found.append("batch_transform")
    return tuple(dict.fromkeys(found))


def _steps(settings: Settings) -> Iterator[JobPlan]:
    training = settings.training
    is_clarify = settings.bias.engine == "clarify"
    bias_image = "Clarify" if is_clarify else _XGBOOST
    image = _TRAINING_IMAGES[training.algorithm]
    code = "Train" if training.algorithm.is_script else None
    if settings.combine_steps:
        yield _script("PrepareTrainEvaluate", "prepare_train_evaluate")
    else:
        yield _script("Preprocess", "preprocess")
        yield JobPlan("Train", image, code, "train")
    if training.tuning:
        yield JobPlan("Tune", image, code, "train")
        yield _script("SelectModel", "select_model")
    if training.mitigation.is_on:
        yield JobPlan("TrainReference", image, code, "train")
    yield JobPlan("PreTrainingBias", bias_image, None if is_clarify else "PreTrainingBias", "pre_training_bias")
    if not settings.combine_steps:
        yield _script("Evaluate", "evaluate")
    yield JobPlan("PostTrainingBias", bias_image, None if is_clarify else "PostTrainingBias", "post_training_bias")
    if settings.explain:
        yield _script("Explain", "explain")
    if training.mitigation.is_on:
        yield _script("CompareMitigation", "compare_mitigation")
    yield _script("Package", "package")
    yield _script("ModelCard", "model_card")
    if settings.batch_transform:
        yield JobPlan("CreateModel")


def _script(step: str, machine: str) -> JobPlan:
    return JobPlan(step, code=step, machine=machine)
