"""What all steps share."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pipeline_definition.errors import DefinitionError
from pipeline_definition.expressions import render
from pipeline_definition.policies import Caching, RetryPolicy
from pipeline_definition.resources import Network

_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")


@dataclass(frozen=True, kw_only=True)
class Step(ABC):
    """A named entry of the definition.

    ``depends_on`` names steps to wait for beyond those whose properties are
    used; the latter need no mention.
    """

    type: ClassVar[str]
    name: str
    description: str = ""
    depends_on: Sequence["Step"] = ()
    retries: Sequence[RetryPolicy] = ()
    caching: Caching | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise DefinitionError(f"step {self.name!r}: a name is 1 to 64 letters, digits, - and _")

    @abstractmethod
    def arguments(self) -> Mapping[str, Any]:
        """The request that the step makes, expressions included."""

    def extras(self) -> Mapping[str, Any]:
        """Entries beside the arguments."""
        return {}

    def to_request(self) -> dict[str, Any]:
        request: dict[str, Any] = {"Name": self.name, "Type": self.type, "Arguments": render(self.arguments())}
        if self.depends_on:
            request["DependsOn"] = [step.name for step in self.depends_on]
        if self.description:
            request["Description"] = self.description
        if self.retries:
            request["RetryPolicies"] = [policy.to_request() for policy in self.retries]
        if self.caching:
            request["CacheConfig"] = self.caching.to_request()
        return request | dict(self.extras())


@dataclass(frozen=True, kw_only=True)
class JobStep(Step):
    """A step that runs a job: its image and role, its machine, its limits, its network."""

    image: str
    role: str
    instance_type: object
    instance_count: object = 1
    volume_gb: int = 30
    volume_key: str | None = None
    output_key: str | None = None
    max_runtime_seconds: int = 3600
    environment: Mapping[str, str] = field(default_factory=dict)
    network: Network
    tags: Mapping[str, str] = field(default_factory=dict)

    def cluster(self) -> dict[str, Any]:
        """Instances and their volume."""
        cluster: dict[str, Any] = {
            "InstanceType": self.instance_type,
            "InstanceCount": self.instance_count,
            "VolumeSizeInGB": self.volume_gb,
        }
        if self.volume_key:
            cluster["VolumeKmsKeyId"] = self.volume_key
        return cluster

    def tag_list(self) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in self.tags.items()]


def vpc_config(network: Network) -> dict[str, Any] | None:
    """The VPC that a job runs in, or None outside of one."""
    if not network.subnets:
        return None
    return {"SecurityGroupIds": list(network.security_groups), "Subnets": list(network.subnets)}
