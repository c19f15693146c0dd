"""Where jobs run: outside of any VPC, in one that is there, or in one of their own."""

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field, field_validator

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
    """A VPC of this environment, without a way to the internet.

    Jobs hold on to its subnets: to change ``cidr`` or to lessen ``zones``,
    deploy ``mode: none`` first, delete the network's stack, and deploy anew.
    """

    mode: Literal["isolated"]
    cidr: str = "10.80.0.0/20"
    zones: Annotated[int, Field(ge=1, le=3)] = 2

    @field_validator("cidr")
    @classmethod
    def _is_a_network(cls, value: str) -> str:
        try:
            network = IPv4Network(value)
        except ValueError as error:
            raise ValueError(f"{error}; expected e.g. 10.80.0.0/20") from error
        if not 16 <= network.prefixlen <= 24:
            raise ValueError(f"a /{network.prefixlen} is too large or too small; a VPC here is a /16 to a /24")
        return value


NETWORKS = (NoVpc, ExistingVpc, IsolatedVpc)

Network = Annotated[NoVpc | ExistingVpc | IsolatedVpc, Field(discriminator="mode")]
