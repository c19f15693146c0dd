"""One environment: its stacks, its tags."""

from aws_cdk import App, Stack, Tags

from pipeline_definition import Network
from settings import Settings
from settings.network import ExistingVpc, IsolatedVpc
from stacks.foundation import Foundation, FoundationStack
from stacks.network import NetworkStack
from stacks.pipeline import PipelineStack


def compose(app: App, settings: Settings) -> None:
    """Give the app all that one environment's settings ask for.

    The app is the environment's stage: ``cdk deploy --all`` does not look into
    stages below it.
    """
    foundation = FoundationStack(app, settings.stack_name("foundation"), settings=settings)
    exports = Foundation(settings)
    above: Stack = foundation
    network = Network(isolated=settings.network_isolation)
    match settings.network:
        case ExistingVpc() as vpc:
            network = Network(isolated=settings.network_isolation, subnets=vpc.subnet_ids, security_groups=vpc.security_group_ids)
        case IsolatedVpc() as shape:
            own = NetworkStack(app, settings.stack_name("network"), settings=settings, shape=shape, foundation=exports)
            own.add_stack_dependency(foundation)
            network = own.for_jobs
            above = own
    pipeline = PipelineStack(app, settings.stack_name("pipeline"), settings=settings, foundation=exports, network=network)
    pipeline.add_stack_dependency(above)
    for key, value in settings.tags.items():
        Tags.of(app).add(key, value)
