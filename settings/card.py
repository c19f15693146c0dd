"""What only people know of the model, for its card."""

from typing import Annotated, Literal

from pydantic import Field

from settings.types import Frozen

# A container's argument has no more.
Line = Annotated[str, Field(min_length=1, max_length=256)]


class Card(Frozen):
    """What is not given, the card calls unknown, or says in this project's words."""

    owner: Line | None = None
    stakeholders: Line | None = None
    data_origin: Line | None = None
    data_period: Line | None = None
    intended_use: Line | None = None
    not_intended_use: Line | None = None
    limitation: Line | None = None
    risk_rating: Literal["High", "Medium", "Low", "Unknown"] | None = None
    risk_explanation: Line | None = None
