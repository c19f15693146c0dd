"""What is known of one trial, while it runs and afterwards."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local_sagemaker.history import Move
from local_sagemaker.tuning.request import Trained
from local_sagemaker.tuning.search import Proposal

_ARN = "arn:aws:sagemaker:eu-west-1:000000000000:{kind}/{name}"


@dataclass
class Trial:
    """``intermediate`` are the objective's values in the order of the log, of which the search knows the
    first ``reported``. ``fault`` is SageMaker's type of a fault.
    """

    number: int
    name: str
    trained: Trained
    proposal: Proposal
    status: str = "InProgress"
    value: float | None = None
    intermediate: list[float] = field(default_factory=list)
    reported: int = 0
    reason: str = ""
    fault: str = ""
    moves: tuple[Move, ...] = ()
    started: float = field(default_factory=time.time)
    ended: float = 0.0

    def summary(self, tuning_job: str) -> dict[str, Any]:
        """As ListTrainingJobsForHyperParameterTuningJob has it, and ``IntermediateValues`` besides."""
        objective = self.trained.objective
        summary: dict[str, Any] = {
            "TrainingJobName": self.name,
            "TrainingJobArn": _ARN.format(kind="training-job", name=self.name),
            "TuningJobName": tuning_job,
            "CreationTime": time_text(self.started),
            "TrainingStartTime": time_text(self.started),
            "TrainingEndTime": time_text(self.ended),
            "TrainingJobStatus": self.status,
            "TunedHyperParameters": dict(self.proposal.hyperparameters),
            "ObjectiveStatus": "Failed" if self.value is None else "Succeeded",
            "IntermediateValues": self.intermediate,
        }
        if self.trained.name is not None:
            summary["TrainingJobDefinitionName"] = self.trained.name
        if self.reason:
            summary["FailureReason"] = self.reason
        if self.value is not None:
            summary["FinalHyperParameterTuningJobObjectiveMetric"] = {
                "Type": "Maximize" if objective.is_maximized else "Minimize",
                "MetricName": objective.metric,
                "Value": self.value,
            }
        return summary


def best_first(trials: list[Trial]) -> list[Trial]:
    """The completed by their objective, then the stopped and the failed; those that are alike in their order."""

    def place(trial: Trial) -> tuple[int, float, int]:
        if trial.status == "Completed" and trial.value is not None:
            return 0, -trial.value if trial.trained.objective.is_maximized else trial.value, trial.number
        return (1 if trial.status == "Stopped" else 2), 0.0, trial.number

    return sorted(trials, key=place)


def properties(request: Mapping[str, Any], name: str, trials: list[Trial], started: float) -> dict[str, Any]:
    """As DescribeHyperParameterTuningJob has them, with the summaries that Pipelines adds: the best is the first."""
    summaries = [trial.summary(name) for trial in best_first(trials)]
    statuses = [trial.status for trial in trials]
    measured = sum(trial.value is not None for trial in trials)
    faults = sum(trial.status == "Failed" and bool(trial.fault) for trial in trials)
    return dict(request) | {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobArn": _ARN.format(kind="hyper-parameter-tuning-job", name=name),
        "HyperParameterTuningJobStatus": "Completed",
        "CreationTime": time_text(started),
        "HyperParameterTuningEndTime": time_text(time.time()),
        "TrainingJobStatusCounters": {
            "Completed": statuses.count("Completed"),
            "InProgress": 0,
            "RetryableError": faults,
            "NonRetryableError": statuses.count("Failed") - faults,
            "Stopped": statuses.count("Stopped"),
        },
        "ObjectiveStatusCounters": {"Succeeded": measured, "Pending": 0, "Failed": len(trials) - measured},
        "ConsumedResources": {"RuntimeInSeconds": round(sum(trial.ended - trial.started for trial in trials))},
        "BestTrainingJob": summaries[0],
        "TrainingJobSummaries": summaries,
    }


def time_text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
