"""How the model is trained: by which algorithm, with what values, on which image."""

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from settings.types import Frozen
from training_code.claims.facets import Facet

HyperparameterName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_\-]{0,255}$")]
_IMAGE = r"^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/([a-z0-9][a-z0-9._/-]*)(:[\w.-]+|@sha256:[0-9a-f]{64})$"


_OURS = ("framework", "mitigation", "mitigation_facet", "tuning_objective")


class Algorithm(StrEnum):
    """What trains. The first two are this project's scripts, the next three are SageMaker's own, without a script."""

    XGBOOST = "xgboost"
    LOGISTIC_REGRESSION = "logistic-regression"
    BUILT_IN_XGBOOST = "built-in-xgboost"
    LINEAR_LEARNER = "linear-learner"
    KMEANS = "kmeans"
    CUSTOM = "custom"

    @property
    def is_script(self) -> bool:
        return self in (Algorithm.XGBOOST, Algorithm.LOGISTIC_REGRESSION)

    @property
    def has_checkpoints(self) -> bool:
        """Whether an interrupted job goes on from where it was."""
        # Only the script marks its checkpoints by data and hyperparameters: others would go on with another run's model.
        return self is Algorithm.XGBOOST

    @property
    def is_built_in(self) -> bool:
        return self in (Algorithm.BUILT_IN_XGBOOST, Algorithm.LINEAR_LEARNER, Algorithm.KMEANS)


class Range(Frozen):
    """The values of one hyperparameter: from ``low`` to ``high``, or ``choices``."""

    low: int | float | None = None
    high: int | float | None = None
    scaling: Literal["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"] = "Auto"
    choices: Annotated[tuple[str, ...], Field(max_length=30)] = ()

    @field_validator("choices", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        # What a list of numbers in YAML is; the service takes text.
        return tuple(str(entry) for entry in value) if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def _one_or_the_other(self) -> "Range":
        if self.choices and (self.low is not None or self.high is not None):
            raise ValueError("give choices, or low and high")
        if not self.choices and (self.low is None or self.high is None or self.low >= self.high):
            raise ValueError("give low and a greater high, or choices")
        if self.scaling == "Logarithmic" and (self.low or 0) <= 0:
            raise ValueError("a logarithmic range begins above 0")
        if self.scaling == "ReverseLogarithmic" and ((self.low or 0) < 0 or (self.high or 0) >= 1):
            raise ValueError("a reverse logarithmic range lies from 0 to below 1")
        return self


class Tuning(Frozen):
    """Automatic model tuning: training jobs over ``ranges``, beside one with the default hyperparameters.

    ``objective`` is measured out of fold by default: a validation split of
    5,000 claims has some 25 frauds, too few to tell trials apart.
    """

    strategy: Literal["Bayesian", "Random", "Grid", "Hyperband"] = "Bayesian"
    objective: Literal["out_of_fold:auc", "out_of_fold:average_precision", "validation:auc"] = "out_of_fold:auc"
    max_trials: Annotated[int, Field(ge=1, le=750)] = 20
    parallel_trials: Annotated[int, Field(ge=1, le=100)] = 2
    early_stopping: bool = True
    ranges: Annotated[dict[HyperparameterName, Range], Field(min_length=1, max_length=30)]
    seed: Annotated[int, Field(ge=0)] = 7

    @model_validator(mode="after")
    def _trials_can_be_stopped(self) -> "Tuning":
        if self.objective == "validation:auc" and (self.early_stopping or self.strategy == "Hyperband"):
            raise ValueError(
                "validation:auc is known at the end of a trial only: choose an objective out of fold, or early_stopping: false "
                "and another strategy than Hyperband"
            )
        if reserved := [name for name in self.ranges if name in _OURS or name.startswith("sagemaker_")]:
            raise ValueError(f"ranges: {', '.join(reserved)}: set by this project itself")
        return self

    @model_validator(mode="after")
    def _grid_takes_choices(self) -> "Tuning":
        if self.strategy == "Grid":
            if numeric := [name for name, entry in self.ranges.items() if not entry.choices]:
                raise ValueError(f"a grid takes choices only; {', '.join(numeric)} has low and high")
            size = 1
            for entry in self.ranges.values():
                size *= len(entry.choices)
            if size != self.max_trials:
                raise ValueError(f"the grid has {size} points: set max_trials: {size}")
        return self


class Container(Frozen):
    """An image of one's own: the URI of one in ECR, or a folder with a Dockerfile, which a deploy builds and uploads.

    It gets the encoded splits as the channels ``train`` and ``validation``,
    and leaves ``model.ubj`` or ``linear.json`` in ``/opt/ml/model``.
    """

    image: Annotated[str, Field(pattern=_IMAGE)] | None = None
    folder: str | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "Container":
        if (self.image is None) == (self.folder is None):
            raise ValueError("give image or folder")
        return self

    @property
    def repository(self) -> tuple[str, str, str]:
        """Account, region and name of the image's repository."""
        match = re.match(_IMAGE, self.image or "")
        assert match
        return match[1], match[2], match[3]


class Mitigation(Frozen):
    """What is done about bias in the training data; a comparison page shows what it costs and whether it helps."""

    method: Literal["none", "reweighing", "resampling"] = "none"
    facet: str = "customer_gender=Female"

    @field_validator("facet")
    @classmethod
    def _is_a_facet(cls, value: str) -> str:
        return str(Facet.parse(value))

    @property
    def is_on(self) -> bool:
        return self.method != "none"


class Training(Frozen):
    """Hyperparameters have the algorithm's own names; what is not given has the script's or the algorithm's default."""

    algorithm: Algorithm = Algorithm.XGBOOST
    hyperparameters: dict[HyperparameterName, int | float | str] = {}
    use_spot: bool = False
    mitigation: Mitigation = Mitigation()
    tuning: Tuning | None = None
    container: Container | None = None

    @model_validator(mode="after")
    def _fits_the_algorithm(self) -> "Training":
        algorithm = self.algorithm
        if reserved := [name for name in self.hyperparameters if name in _OURS or name.startswith("sagemaker_")]:
            raise ValueError(f"hyperparameters: {', '.join(reserved)}: set by this project itself")
        if (algorithm is Algorithm.CUSTOM) != (self.container is not None):
            raise ValueError("container and algorithm: custom go together")
        if self.mitigation.is_on and not algorithm.is_script:
            raise ValueError(f"mitigation: {algorithm} takes no weights per claim; only xgboost and logistic-regression do")
        if self.tuning and not algorithm.is_script:
            raise ValueError(
                f"tuning: the best trial is compared with the default, and {algorithm} leaves no record of its objective; "
                "only xgboost and logistic-regression can be tuned"
            )
        if self.tuning and self.mitigation.is_on:
            raise ValueError("tuning and mitigation: tune first, and set what was found as hyperparameters, to compare like with like")
        return self
