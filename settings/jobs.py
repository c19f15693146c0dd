"""Machines, limits and what the steps are told."""

from typing import Annotated

from pydantic import Field

from settings.types import Frozen, InstanceType, Share


class Job(Frozen):
    """The machine and the time limit of one step's job."""

    instance_type: InstanceType = "ml.m5.xlarge"
    instance_count: Annotated[int, Field(ge=1, le=100)] = 1
    volume_gb: Annotated[int, Field(ge=1, le=16384)] = 30
    max_runtime_minutes: Annotated[int, Field(ge=1, le=40320)] = 60


class Jobs(Frozen):
    preprocess: Job = Job()
    train: Job = Job()
    evaluate: Job = Job()
    package: Job = Job(instance_type="ml.m5.large", max_runtime_minutes=20)

    @property
    def longest_seconds(self) -> int:
        """The longest that any of them may run."""
        jobs: list[Job] = [getattr(self, name) for name in type(self).model_fields]
        return 60 * max(job.max_runtime_minutes for job in jobs)


class Split(Frozen):
    """Shares of policies; ``salt`` names the split."""

    salt: str = "1"
    validation: Share = 0.15
    test: Share = 0.15


class Training(Frozen):
    """Hyperparameters by XGBoost's own names; what is not given has the script's default."""

    hyperparameters: dict[str, int | float | str] = {}
    use_spot: bool = False


class Gate(Frozen):
    """What a model must reach to be registered: the defaults of the gate's parameters.

    On 5,000 claims the test split has some 25 frauds. A model trained on
    shuffled labels has an AUC of 0.5 whose lower bound lies near 0.4, and a
    recall of about the reviewed share; a good one has 0.7 and 0.35.
    """

    minimum_auc_lower_bound: Share = 0.62
    minimum_average_precision: Share = 0.05
    minimum_recall: Share = 0.16
