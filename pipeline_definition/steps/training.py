"""A Training step: one training job, in script mode or with a built-in algorithm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pipeline_definition.errors import DefinitionError
from pipeline_definition.expressions import Property
from pipeline_definition.steps.base import JobStep, vpc_config


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A named input of a training job."""

    name: str
    uri: object
    content_type: str | None = None
    sharded: bool = False

    def to_request(self) -> dict[str, Any]:
        source = {
            "S3DataType": "S3Prefix",
            "S3Uri": self.uri,
            "S3DataDistributionType": "ShardedByS3Key" if self.sharded else "FullyReplicated",
        }
        channel: dict[str, Any] = {"ChannelName": self.name, "DataSource": {"S3DataSource": source}}
        if self.content_type:
            channel["ContentType"] = self.content_type
        return channel | {"InputMode": "File"}


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure that the service scrapes from the log; the first group of ``regex`` is its value."""

    name: str
    regex: str

    def to_request(self) -> dict[str, str]:
        return {"Name": self.name, "Regex": self.regex}


@dataclass(frozen=True, kw_only=True)
class TrainingStep(JobStep):
    """``hyperparameters`` are strings or expressions that give strings.

    With ``checkpoint_uri`` the job resumes after a Spot interruption; the URI
    is part of the cache key, so it must not change from run to run.
    """

    type: ClassVar[str] = "Training"
    hyperparameters: Mapping[str, object]
    channels: Sequence[Channel]
    output_uri: object
    metrics: Sequence[Metric] = ()
    checkpoint_uri: object = None
    use_spot: bool = False
    max_wait_seconds: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in self.hyperparameters.items():
            if isinstance(value, int | float):
                raise DefinitionError(f"step {self.name}: hyperparameter {name} is {value!r}; the service takes strings")
        if self.use_spot and (self.max_wait_seconds or 0) < self.max_runtime_seconds:
            raise DefinitionError(f"step {self.name}: Spot needs max_wait_seconds of at least max_runtime_seconds")

    @property
    def model_artifacts(self) -> Property:
        """Where the model archive lies."""
        return Property(self.name, "ModelArtifacts.S3ModelArtifacts")

    def algorithm(self) -> dict[str, Any]:
        algorithm: dict[str, Any] = {"TrainingInputMode": "File", "TrainingImage": self.image}
        if self.metrics:
            algorithm["MetricDefinitions"] = [metric.to_request() for metric in self.metrics]
        return algorithm

    def stopping_condition(self) -> dict[str, int]:
        condition = {"MaxRuntimeInSeconds": self.max_runtime_seconds}
        if self.use_spot and self.max_wait_seconds:
            condition["MaxWaitTimeInSeconds"] = self.max_wait_seconds
        return condition

    def job(self) -> dict[str, Any]:
        """What a training job and the trials of a tuning job have in common."""
        output = {"S3OutputPath": self.output_uri}
        request: dict[str, Any] = {
            "AlgorithmSpecification": self.algorithm(),
            "InputDataConfig": [channel.to_request() for channel in self.channels],
            "OutputDataConfig": output | ({"KmsKeyId": self.output_key} if self.output_key else {}),
            "ResourceConfig": self.cluster(),
            "StoppingCondition": self.stopping_condition(),
            "RoleArn": self.role,
            "EnableNetworkIsolation": self.network.isolated,
            "EnableInterContainerTrafficEncryption": self.network.encrypt_between_instances,
            "EnableManagedSpotTraining": self.use_spot,
        }
        if vpc := vpc_config(self.network):
            request["VpcConfig"] = vpc
        if self.checkpoint_uri is not None:
            request["CheckpointConfig"] = {"S3Uri": self.checkpoint_uri, "LocalPath": "/opt/ml/checkpoints"}
        if self.environment:
            request["Environment"] = dict(self.environment)
        return request

    def arguments(self) -> Mapping[str, Any]:
        request = self.job() | {"HyperParameters": dict(self.hyperparameters)}
        return request | ({"Tags": self.tag_list()} if self.tags else {})
