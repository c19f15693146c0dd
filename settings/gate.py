"""What a model must reach to be registered."""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from settings.types import Frozen, Share
from training_code.claims.facets import Facet

Bound = Annotated[float, Field(ge=-100, le=100)]
BIAS_METRICS = ("AD", "CDDPL", "DAR", "DCA", "DCR", "DI", "DPPL", "DRR", "FT", "GE", "RD", "SD", "TE")


class BiasBound(Frozen):
    """A post-training bias metric of a facet, and what it may be."""

    facet: str
    metric: str
    minimum: Bound
    maximum: Bound

    @field_validator("facet")
    @classmethod
    def _is_a_facet(cls, value: str) -> str:
        return str(Facet.parse(value))

    @field_validator("metric")
    @classmethod
    def _is_a_metric(cls, value: str) -> str:
        if value not in BIAS_METRICS:
            raise ValueError(f"{value!r} is none of {', '.join(BIAS_METRICS)}")
        return value

    @model_validator(mode="after")
    def _leaves_room(self) -> "BiasBound":
        if self.minimum >= self.maximum:
            raise ValueError("minimum must be below maximum")
        return self


class Gate(Frozen):
    """The defaults of the gate's parameters.

    On 5,000 claims the test split has some 25 frauds. A model trained on
    shuffled labels has an AUC of 0.5 whose lower bound lies near 0.4, and a
    recall of about the reviewed share; a good one has 0.7 and 0.35.
    ``maximum_auc_loss`` is how far the AUC may lie below the champion's.

    The bias bounds are those that sound models keep at a review capacity of
    10 %, and that one which flags by gender or by youth alone does not: over
    eight splits of the 5,000 claims, CDDPL of women was .08 to .39, and .45 to
    .53 for a model that flags men only; DPPL below 25 was -.34 to -.09, and
    -.98 for one that flags the young. At another capacity other bounds fit.
    """

    minimum_auc_lower_bound: Share = 0.62
    minimum_average_precision: Share = 0.05
    minimum_recall: Share = 0.16
    maximum_auc_loss: Annotated[float, Field(ge=0, lt=1)] = 0.02
    bias: Annotated[tuple[BiasBound, ...], Field(max_length=20)] = (
        BiasBound(facet="customer_gender=Female", metric="CDDPL", minimum=-0.44, maximum=0.44),
        BiasBound(facet="customer_age=:25", metric="DPPL", minimum=-0.45, maximum=0.45),
    )

    @field_validator("bias")
    @classmethod
    def _nothing_is_bounded_twice(cls, value: tuple[BiasBound, ...]) -> tuple[BiasBound, ...]:
        named = [f"{bound.metric} of {bound.facet}" for bound in value]
        if twice := sorted({name for name in named if named.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} is bounded twice")
        return value
