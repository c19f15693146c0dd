"""What values may be, wherever they stand in the settings."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(gt=0, lt=1)]
Days = Annotated[int, Field(ge=1, le=3650)]
InstanceType = Annotated[str, Field(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]
# An ISO 8601 duration has at least one part, and a T only before parts of a day. (The pattern is Rust's: no look-ahead.)
_DAY, _TIME = r"(\d+Y)?(\d+M)?(\d+W)?(\d+D)?", r"T(\d+H(\d+M)?(\d+S)?|\d+M(\d+S)?|\d+S)"
Duration = Annotated[str, Field(pattern=rf"^P({_DAY}{_TIME}|\d+Y(\d+M)?(\d+W)?(\d+D)?|\d+M(\d+W)?(\d+D)?|\d+W(\d+D)?|\d+D)$")]
AccountId = Annotated[str, Field(pattern=r"^\d{12}$", description="12 digits, in quotes")]
Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]


class Frozen(BaseModel):
    """Values that never change once read; a key that nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
