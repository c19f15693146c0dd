"""The settings of an environment: typed, frozen, validated once.

A setting needs a deploy to change. What may differ from run to run is a
pipeline parameter, whose default stands here.
"""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from settings.jobs import Gate, Jobs, Split, Training
from settings.network import Network, NoVpc
from settings.storage import Storage
from settings.triggers import Triggers
from settings.types import AccountId, Duration, Frozen, InstanceType, Region, Share

PROJECT = "fraud-detection"

CollectionName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,60}$")]
_TAG = r"^[\w\s.:/=+@-]+$"
_DAYS = {"Y": 365, "M": 31, "W": 7, "D": 1}


class Settings(Frozen):
    """One environment.

    ``account`` and ``region`` are where it may be deployed; without them, in
    whatever account and region the credentials are for. ``collections`` is
    the path of collections that holds the model package group, from the
    outermost one; their names get the environment's name, because they are
    unique in an account.
    """

    name: Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$")]
    account: AccountId | None = None
    region: Region | None = None
    network: Network = NoVpc()
    storage: Storage = Storage()
    triggers: Triggers = Triggers()
    permissions_boundary: Annotated[str, Field(pattern=r"^[A-Za-z0-9_+=,.@/-]+$", max_length=512)] | None = None
    trusted_accounts: tuple[AccountId, ...] = ()
    collections: Annotated[tuple[CollectionName, ...], Field(min_length=1, max_length=4)] = ("insurance", "auto-claims")
    jobs: Jobs = Jobs()
    max_parallel_steps: Annotated[int, Field(ge=1, le=50)] = 4
    split: Split = Split()
    training: Training = Training()
    gate: Gate = Gate()
    review_capacity: Share = 0.1
    max_quarantined: Share = 0.05
    approval_status: Literal["PendingManualApproval", "Approved", "Rejected"] = "PendingManualApproval"
    cache_for: Duration = "P30D"
    network_isolation: bool = True
    serving_instance_types: tuple[InstanceType, ...] = ("ml.m5.large", "ml.m5.xlarge")
    tags: Annotated[
        dict[Annotated[str, Field(pattern=_TAG, max_length=128)], Annotated[str, Field(pattern=_TAG, max_length=256)]],
        Field(max_length=40),
    ] = {}

    @property
    def resource_name(self) -> str:
        """What the pipeline, the model package group and the stacks of this environment are called."""
        return f"{PROJECT}-{self.name}"

    def stack_name(self, part: Literal["foundation", "network", "pipeline"]) -> str:
        return f"{self.resource_name}-{part}"

    @model_validator(mode="after")
    def _account_and_region_go_together(self) -> "Settings":
        if (self.account is None) != (self.region is None):
            raise ValueError("account and region: give both, or neither for whatever the credentials are for")
        return self

    @model_validator(mode="after")
    def _what_the_cache_points_to_is_kept(self) -> "Settings":
        # A hit on a deleted output would fail the steps behind it.
        cached = sum(int(number) * _DAYS[unit] for number, unit in re.findall(r"(\d+)([YMWD])", self.cache_for.partition("T")[0])) + 1
        for key in ("intermediate_days", "noncurrent_days"):
            # A batch that was announced before is known by the old versions of its announcement.
            if getattr(self.storage, key) <= cached:
                raise ValueError(f"storage.{key}: must be more than {cached}, because steps are reused for {self.cache_for} (cache_for)")
        return self

    @field_validator("collections", "trusted_accounts")
    @classmethod
    def _nothing_is_there_twice(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError(f"{', '.join(sorted({each for each in value if value.count(each) > 1}))} is there twice")
        return value

    @field_validator("tags")
    @classmethod
    def _tags_are_ours(cls, value: dict[str, str]) -> dict[str, str]:
        if reserved := [key for key in value if key.lower().startswith(("aws:", "sagemaker:"))]:
            raise ValueError(f"{', '.join(reserved)}: keys of AWS's own cannot be set")
        return value
