"""A Tuning step: many training jobs over ranges of hyperparameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from pipeline_definition.errors import DefinitionError
from pipeline_definition.expressions import Join, Property
from pipeline_definition.steps.base import Step
from pipeline_definition.steps.training import TrainingStep


class Strategy(StrEnum):
    BAYESIAN = "Bayesian"
    RANDOM = "Random"
    GRID = "Grid"
    HYPERBAND = "Hyperband"


@dataclass(frozen=True, kw_only=True)
class Range:
    """Values to try: ``low`` to ``high``, or a list of ``choices``."""

    name: str
    low: float | int | None = None
    high: float | int | None = None
    choices: Sequence[str] = ()
    scaling: str = "Auto"

    @property
    def kind(self) -> str:
        if self.choices:
            return "Categorical"
        return "Integer" if isinstance(self.low, int) and isinstance(self.high, int) else "Continuous"

    def to_request(self) -> dict[str, Any]:
        if self.choices:
            return {"Name": self.name, "Values": list(self.choices)}
        return {"Name": self.name, "MinValue": str(self.low), "MaxValue": str(self.high), "ScalingType": self.scaling}


@dataclass(frozen=True, kw_only=True)
class TuningStep(Step):
    """``trial`` is the training job of which every trial is a variation; its name is not used.

    ``resources`` are how often a trial tells its objective at least and at
    most, between which Hyperband decides how far a trial may go.
    """

    type: ClassVar[str] = "Tuning"
    trial: TrainingStep
    ranges: Sequence[Range]
    objective: str
    maximize: bool = True
    strategy: Strategy = Strategy.BAYESIAN
    max_jobs: int = 20
    max_parallel_jobs: int = 2
    early_stopping: bool = True
    resources: tuple[int, int] = (1, 10)
    seed: int = 7

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.objective not in {metric.name for metric in self.trial.metrics}:
            raise DefinitionError(f"step {self.name}: no metric definition of the trial is called {self.objective!r}")
        if self.strategy is Strategy.GRID and any(not entry.choices for entry in self.ranges):
            raise DefinitionError(f"step {self.name}: a grid takes lists of choices only")

    def best_model(self, *output_uri: object) -> Join:
        """The archive of the best trial, below the trials' output URI, given in parts."""
        name = Property(self.name, "TrainingJobSummaries[0].TrainingJobName")
        return Join("/", [*output_uri, name, "output/model.tar.gz"])

    def arguments(self) -> Mapping[str, Any]:
        by_kind: dict[str, list[dict[str, Any]]] = {}
        for entry in self.ranges:
            by_kind.setdefault(f"{entry.kind}ParameterRanges", []).append(entry.to_request())
        # Hyperband stops trials by itself and refuses to be told.
        stops = self.early_stopping and self.strategy is not Strategy.HYPERBAND
        config: dict[str, Any] = {
            "Strategy": str(self.strategy),
            "ResourceLimits": {"MaxNumberOfTrainingJobs": self.max_jobs, "MaxParallelTrainingJobs": self.max_parallel_jobs},
            "HyperParameterTuningJobObjective": {
                "Type": "Maximize" if self.maximize else "Minimize",
                "MetricName": self.objective,
            },
            "ParameterRanges": by_kind,
            "TrainingJobEarlyStoppingType": "Auto" if stops else "Off",
            "RandomSeed": self.seed,
        }
        if self.strategy is Strategy.HYPERBAND:
            low, high = self.resources
            config["StrategyConfig"] = {"HyperbandStrategyConfig": {"MinResource": low, "MaxResource": high}}
        tuned = {entry.name for entry in self.ranges}
        static = {name: value for name, value in self.trial.hyperparameters.items() if name not in tuned}
        job = self.trial.job()
        request: dict[str, Any] = {
            "HyperParameterTuningJobConfig": config,
            "TrainingJobDefinition": job | {"StaticHyperParameters": static},
        }
        return request | ({"Tags": self.trial.tag_list()} if self.trial.tags else {})
