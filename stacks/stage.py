"""One environment: its stacks, its tags, its guardrails."""

from aws_cdk import Environment, PermissionsBoundary, Stage, Tags
from constructs import Construct

from pipeline_definition import Network
from settings import Settings
from settings.network import ExistingVpc, IsolatedVpc
from stacks.foundation import Foundation, FoundationStack
from stacks.network import NetworkStack
from stacks.pipeline import PipelineStack


class FraudDetectionStage(Stage):
    """All that one environment's settings ask for."""

    def __init__(self, scope: Construct, settings: Settings) -> None:
        self._settings = settings
        self._env = Environment(account=settings.account, region=settings.region)
        boundary = settings.permissions_boundary
        super().__init__(
            scope,
            settings.resource_name,
            env=self._env,
            permissions_boundary=PermissionsBoundary.from_name(boundary) if boundary else None,
        )
        foundation = FoundationStack(self, "foundation", settings=settings, env=self._env)
        network = self._network(foundation)
        pipeline = PipelineStack(self, "pipeline", settings=settings, foundation=Foundation(settings), network=network, env=self._env)
        pipeline.add_stack_dependency(foundation)
        for key, value in settings.tags.items():
            Tags.of(self).add(key, value)

    def _network(self, foundation: FoundationStack) -> Network:
        """Where the jobs run: outside of a VPC, in someone else's, or in one that this makes."""
        chosen, isolated = self._settings.network, self._settings.network_isolation
        if isinstance(chosen, ExistingVpc):
            return Network(isolated=isolated, subnets=chosen.subnet_ids, security_groups=chosen.security_group_ids)
        if isinstance(chosen, IsolatedVpc):
            stack = NetworkStack(
                self, "network", settings=self._settings, shape=chosen, foundation=Foundation(self._settings), env=self._env
            )
            stack.add_stack_dependency(foundation)
            own = stack.isolated
            return Network(isolated=isolated, subnets=own.subnet_ids, security_groups=[own.security_group.security_group_id])
        return Network(isolated=isolated)
