"""A Fail step: ends the run as failed, with a message."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pipeline_definition.steps.base import Step


@dataclass(frozen=True, kw_only=True)
class FailStep(Step):
    type: ClassVar[str] = "Fail"
    message: object

    def arguments(self) -> Mapping[str, Any]:
        return {"ErrorMessage": self.message}
