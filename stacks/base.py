"""What all stacks of an environment have in common."""

from aws_cdk import Environment, PermissionsBoundary, Stack
from constructs import Construct

from settings import Settings


class EnvironmentStack(Stack):
    """A stack in the account and region of its settings, whose roles have their boundary."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, description: str, is_protected: bool = False) -> None:
        boundary = settings.permissions_boundary
        super().__init__(
            scope,
            id,
            env=Environment(account=settings.account, region=settings.region),
            description=f"{description} of {settings.resource_name}",
            permissions_boundary=PermissionsBoundary.from_name(boundary) if boundary else None,
            termination_protection=is_protected,
        )
