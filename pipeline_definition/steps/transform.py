"""A Transform step: batch predictions with a model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pipeline_definition.steps.base import Step


@dataclass(frozen=True, kw_only=True)
class TransformStep(Step):
    """``max_payload_mb`` and the strategy are always said: a script-mode container does not tell them."""

    type: ClassVar[str] = "Transform"
    model_name: object
    input_uri: object
    output_uri: object
    instance_type: object
    instance_count: object = 1
    volume_key: str | None = None
    output_key: str | None = None
    content_type: str = "text/csv"
    accept: str = "text/csv"
    max_payload_mb: int = 6
    environment: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    def arguments(self) -> Mapping[str, Any]:
        source = {"S3DataType": "S3Prefix", "S3Uri": self.input_uri}
        resources: dict[str, Any] = {"InstanceType": self.instance_type, "InstanceCount": self.instance_count}
        output: dict[str, Any] = {"S3OutputPath": self.output_uri, "Accept": self.accept, "AssembleWith": "Line"}
        if self.volume_key:
            resources["VolumeKmsKeyId"] = self.volume_key
        if self.output_key:
            output["KmsKeyId"] = self.output_key
        request: dict[str, Any] = {
            "ModelName": self.model_name,
            "TransformInput": {
                "DataSource": {"S3DataSource": source},
                "ContentType": self.content_type,
                "SplitType": "Line",
            },
            "TransformOutput": output,
            "TransformResources": resources,
            "BatchStrategy": "MultiRecord",
            "MaxPayloadInMB": self.max_payload_mb,
        }
        if self.environment:
            request["Environment"] = dict(self.environment)
        if self.tags:
            request["Tags"] = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        return request
