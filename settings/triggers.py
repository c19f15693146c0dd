"""What starts the pipeline without a person: nothing, unless it is set."""

from typing import Annotated

from pydantic import Field

from settings.types import Frozen


class Triggers(Frozen):
    """``schedule`` is an EventBridge expression, in UTC; ``new_data`` starts a run for each announced batch."""

    schedule: Annotated[str, Field(pattern=r"^(rate\(\d+ (minutes?|hours?|days?)\)|cron\([^ ]+( [^ ]+){5}\))$")] | None = None
    new_data: bool = False

    @property
    def are_on(self) -> bool:
        return self.new_data or self.schedule is not None
