"""Which groups of claims are compared, and by what."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from settings.types import Frozen
from training_code.bias.analysis_config import analysis_config
from training_code.claims import schema
from training_code.claims.facets import Facet


class Bias(Frozen):
    """``facets`` are compared with all other claims; ``group`` is the column within whose levels CDDL and CDDPL compare.

    With ``engine: clarify`` SageMaker Clarify's container does it, which AWS
    has closed to new customers; it takes levels and bands without an end.
    """

    engine: Literal["script", "clarify"] = "script"
    facets: Annotated[tuple[str, ...], Field(min_length=1, max_length=20)] = (
        "customer_gender=Female",
        "customer_age=:25",
        "customer_age=25:40",
        "customer_age=40:60",
        "customer_age=60:",
    )
    group: str = "policy_state"

    @field_validator("facets")
    @classmethod
    def _are_facets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        facets = tuple(str(Facet.parse(text)) for text in value)
        if len(set(facets)) < len(facets):
            raise ValueError("a facet is there twice")
        return facets

    @model_validator(mode="after")
    def _clarify_can_look_at_them(self) -> "Bias":
        if self.engine == "clarify":
            for kind in ("pre", "post"):
                # Raises what it cannot express.
                analysis_config(kind, [Facet.parse(text) for text in self.facets], self.group)
        return self

    @field_validator("group")
    @classmethod
    def _is_categorical(cls, value: str) -> str:
        names = [column.name for column in schema.COLUMNS if column.is_categorical]
        if value not in names:
            raise ValueError(f"{value!r} is none of the categorical columns {', '.join(names)}")
        return value
