"""A Model step: creates a model that a Transform step can use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pipeline_definition.expressions import Property
from pipeline_definition.resources import Network
from pipeline_definition.steps.base import Step, vpc_config


@dataclass(frozen=True, kw_only=True)
class ModelStep(Step):
    """It has a new name in every run and is never cached, nor is what depends on it."""

    type: ClassVar[str] = "Model"
    image: str
    role: str
    model_uri: object
    network: Network
    environment: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def model_name(self) -> Property:
        return Property(self.name, "ModelName")

    def arguments(self) -> Mapping[str, Any]:
        request: dict[str, Any] = {
            "ExecutionRoleArn": self.role,
            "PrimaryContainer": {
                "Image": self.image,
                "ModelDataUrl": self.model_uri,
                "Environment": dict(self.environment),
            },
            "EnableNetworkIsolation": self.network.isolated,
        }
        if vpc := vpc_config(self.network):
            request["VpcConfig"] = vpc
        if self.tags:
            request["Tags"] = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        return request
