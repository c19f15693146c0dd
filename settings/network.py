"""Where jobs run: outside of any VPC, in one that is there, or in one of their own."""

from typing import Annotated, Literal

from pydantic import Field

from settings.types import Frozen


class NoVpc(Frozen):
    """Jobs run in SageMaker's own network; with network isolation they cannot call out all the same."""

    mode: Literal["none"] = "none"


class ExistingVpc(Frozen):
    """Subnets and security groups that someone else provides.

    They need a gateway endpoint for S3, and for jobs on several instances a
    security group that lets all TCP through from itself.
    """

    mode: Literal["existing"]
    subnet_ids: Annotated[tuple[Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")], ...], Field(min_length=1, max_length=16)]
    security_group_ids: Annotated[tuple[Annotated[str, Field(pattern=r"^sg-[0-9a-f]{8,17}$")], ...], Field(min_length=1, max_length=5)]


class IsolatedVpc(Frozen):
    """A VPC of this environment, without a way to the internet."""

    mode: Literal["isolated"]
    cidr: Annotated[str, Field(pattern=r"^(\d{1,3}\.){3}\d{1,3}/(1[6-9]|2[0-4])$")] = "10.80.0.0/20"
    zones: Annotated[int, Field(ge=1, le=3)] = 2


Network = Annotated[NoVpc | ExistingVpc | IsolatedVpc, Field(discriminator="mode")]
