"""A Condition step: one of two branches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pipeline_definition.conditions import Condition
from pipeline_definition.steps.base import Step


@dataclass(frozen=True, kw_only=True)
class ConditionStep(Step):
    """``then`` runs if all conditions hold, ``otherwise`` if one does not."""

    type: ClassVar[str] = "Condition"
    conditions: Sequence[Condition]
    then: Sequence[Step] = ()
    otherwise: Sequence[Step] = ()

    def arguments(self) -> Mapping[str, Any]:
        return {
            "Conditions": [condition.to_request() for condition in self.conditions],
            "IfSteps": [step.to_request() for step in self.then],
            "ElseSteps": [step.to_request() for step in self.otherwise],
        }
