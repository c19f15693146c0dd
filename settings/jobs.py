"""The machines of the jobs, and their limits."""

from typing import Annotated

from pydantic import Field, model_validator

from settings.types import Frozen, InstanceType, Share


class Job(Frozen):
    """The machine and the time limit of one step's job."""

    instance_type: InstanceType = "ml.m5.xlarge"
    instance_count: Annotated[int, Field(ge=1, le=100)] = 1
    volume_gb: Annotated[int, Field(ge=1, le=16384)] = 30
    max_runtime_minutes: Annotated[int, Field(ge=1, le=40320)] = 60


class Jobs(Frozen):
    """By step. ``train`` is the machine of every training job: of the default, of each trial, of the reference.

    ``batch_transform`` takes no time limit: SageMaker ends a transform when its input is done.
    """

    preprocess: Job = Job()
    train: Job = Job()
    select_model: Job = Job(instance_type="ml.m5.large", max_runtime_minutes=20)
    evaluate: Job = Job()
    pre_training_bias: Job = Job()
    post_training_bias: Job = Job()
    explain: Job = Job()
    compare_mitigation: Job = Job()
    package: Job = Job(instance_type="ml.m5.large", max_runtime_minutes=20)
    model_card: Job = Job(instance_type="ml.m5.large", max_runtime_minutes=20)
    batch_transform: Job = Job()
    prepare_train_evaluate: Job = Job()

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

    @model_validator(mode="after")
    def _something_is_left_to_train_on(self) -> "Split":
        if self.validation + self.test >= 1:
            raise ValueError(f"validation and test take {self.validation + self.test:g} of the policies: nothing is left to train on")
        return self
