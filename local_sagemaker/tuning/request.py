"""A tuning job's request: its limits, and the training job that each trial is a variation of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_sagemaker import metrics
from local_sagemaker.errors import StepFailedError
from local_sagemaker.tuning import ranges
from local_sagemaker.tuning.search import Search

_OF_TUNING = (
    "DefinitionName", "TuningObjective", "HyperParameterRanges", "StaticHyperParameters", "RetryStrategy",
    "HyperParameterTuningResourceConfig",
)  # fmt: skip
_WITHOUT_COUNTERPART = ("WarmStartConfig", "Autotune")


@dataclass(frozen=True)
class Objective:
    metric: str
    is_maximized: bool

    def is_better(self, value: float, other: float) -> bool:
        return value > other if self.is_maximized else value < other


@dataclass(frozen=True)
class Trained:
    """One TrainingJobDefinition with its own search; ``name`` is None where there is only one."""

    name: str | None
    objective: Objective
    search: Search
    attempts: int
    definition: Mapping[str, Any]

    def training_job(self, tuned: Mapping[str, str]) -> dict[str, Any]:
        """CreateTrainingJob's request of a trial."""
        static = self.definition.get("StaticHyperParameters") or {}
        request = {name: value for name, value in self.definition.items() if name not in _OF_TUNING}
        if "ResourceConfig" not in request:
            request["ResourceConfig"] = _resources(self.definition.get("HyperParameterTuningResourceConfig") or {})
        return request | {"HyperParameters": {**static, **tuned, "_tuning_objective_metric": self.objective.metric}}


@dataclass(frozen=True)
class Limits:
    """Where a tuning job ends, besides the end of its trials."""

    trials: int
    parallel: int
    seconds: float
    target: float | None
    not_improving: int | None


def limits(request: Mapping[str, Any], trained: list[Trained]) -> Limits:
    config = request["HyperParameterTuningJobConfig"]
    resources = config["ResourceLimits"]
    criteria = config.get("TuningJobCompletionCriteria") or {}
    if (criteria.get("ConvergenceDetected") or {}).get("CompleteOnConvergence") == "Enabled":
        raise StepFailedError("ConvergenceDetected has no local counterpart: limit the number of trials")
    sizes = [entry.search.size for entry in trained]
    grid = None if None in sizes else sum(size or 0 for size in sizes)
    wanted = resources.get("MaxNumberOfTrainingJobs")
    if wanted is None and grid is None:
        raise StepFailedError("ResourceLimits has no MaxNumberOfTrainingJobs, which only a Grid can do without")
    trials = min(number for number in (None if wanted is None else int(wanted), grid) if number is not None)
    parallel = int(resources["MaxParallelTrainingJobs"])
    if trials < 1 or parallel < 1:
        raise StepFailedError(f"ResourceLimits are {trials} trials, {parallel} side by side: both must be at least 1")
    target, patience = criteria.get("TargetObjectiveMetricValue"), criteria.get("BestObjectiveNotImproving") or {}
    not_improving = patience.get("MaxNumberOfTrainingJobsNotImproving")
    return Limits(
        trials=trials,
        parallel=min(parallel, trials),
        seconds=float(resources.get("MaxRuntimeInSeconds") or float("inf")),
        target=None if target is None else float(target),
        not_improving=None if not_improving is None else int(not_improving),
    )


def definitions(request: Mapping[str, Any]) -> list[Trained]:
    """The training jobs to vary.

    Raises:
        StepFailedError: what the request asks for is wrong, or has no local counterpart.
    """
    for name in _WITHOUT_COUNTERPART:
        if request.get(name):
            raise StepFailedError(f"{name} has no local counterpart")
    config = request["HyperParameterTuningJobConfig"]
    several = request.get("TrainingJobDefinitions") or []
    if not several:
        return [_trained(request["TrainingJobDefinition"], config, 0, is_alone=True)]
    found = [_trained(entry, config, number, is_alone=False) for number, entry in enumerate(several)]
    if len({entry.objective.is_maximized for entry in found}) > 1:
        raise StepFailedError("some of its definitions maximize and others minimize: their trials cannot be compared")
    return found


def _trained(definition: Mapping[str, Any], config: Mapping[str, Any], number: int, *, is_alone: bool) -> Trained:
    said = definition.get("TuningObjective") or config.get("HyperParameterTuningJobObjective")
    if not said:
        raise StepFailedError("it has no HyperParameterTuningJobObjective")
    if not is_alone and "DefinitionName" not in definition:
        raise StepFailedError(f"TrainingJobDefinitions[{number}] has no DefinitionName, which only a single one can do without")
    objective = Objective(said["MetricName"], said["Type"] == "Maximize")
    known = metrics.definitions(definition["AlgorithmSpecification"])
    if objective.metric not in known:
        there_are = ", ".join(known) or "none"
        raise StepFailedError(f"no metric definition is called {objective.metric}, the objective; there are {there_are}")
    strategy, seed = config["Strategy"], config.get("RandomSeed")
    wanted = config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    search = Search(
        ranges.read(definition.get("HyperParameterRanges") or config.get("ParameterRanges") or {}),
        strategy=strategy,
        is_maximized=objective.is_maximized,
        # Several definitions with one seed would draw the same numbers.
        seed=None if seed is None else int(seed) + number,
        size=None if wanted is None else int(wanted),
        stops_early=config.get("TrainingJobEarlyStoppingType") == "Auto",
        resources=(config.get("StrategyConfig") or {}).get("HyperbandStrategyConfig") or {},
    )
    attempts = 1 + int((definition.get("RetryStrategy") or {}).get("MaximumRetryAttempts", 0))
    return Trained(None if is_alone else definition["DefinitionName"], objective, search, attempts, definition)


def _resources(config: Mapping[str, Any]) -> dict[str, Any]:
    """A ResourceConfig out of what tuning jobs may have in its place: the first choice of several."""
    first = (config.get("InstanceConfigs") or [config])[0]
    if "InstanceType" not in first:
        raise StepFailedError("a training job definition has no ResourceConfig")
    return {"InstanceType": first["InstanceType"], "InstanceCount": first.get("InstanceCount", 1)}
