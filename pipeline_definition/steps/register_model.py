"""A RegisterModel step: a new version in a model package group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pipeline_definition.expressions import Property
from pipeline_definition.steps.base import Step


@dataclass(frozen=True, kw_only=True)
class RegisterModelStep(Step):
    """The pipeline's own role makes the request; the step has none.

    ``metrics`` is the request's ``ModelMetrics``, ``baselines`` its
    ``DriftCheckBaselines``; ``metadata`` values are strings.
    """

    type: ClassVar[str] = "RegisterModel"
    group: str
    image: str
    model_uri: object
    approval_status: object
    environment: Mapping[str, str] = field(default_factory=dict)
    content_types: Sequence[str]
    response_types: Sequence[str]
    instance_types: Sequence[str]
    metrics: Mapping[str, Any]
    baselines: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, object] = field(default_factory=dict)
    summary: str = ""

    @property
    def arn(self) -> Property:
        return Property(self.name, "ModelPackageArn")

    def arguments(self) -> Mapping[str, Any]:
        request: dict[str, Any] = {
            "ModelPackageGroupName": self.group,
            "ModelMetrics": self.metrics,
            "InferenceSpecification": {
                "Containers": [
                    {"Image": self.image, "ModelDataUrl": self.model_uri, "Environment": dict(self.environment)}
                ],
                "SupportedContentTypes": list(self.content_types),
                "SupportedResponseMIMETypes": list(self.response_types),
                "SupportedRealtimeInferenceInstanceTypes": list(self.instance_types),
                "SupportedTransformInstanceTypes": list(self.instance_types),
            },
            "ModelApprovalStatus": self.approval_status,
        }
        if self.baselines:
            request["DriftCheckBaselines"] = self.baselines
        if self.summary:
            request["ModelPackageDescription"] = self.summary
        if self.metadata:
            request["CustomerMetadataProperties"] = dict(self.metadata)
        return request
