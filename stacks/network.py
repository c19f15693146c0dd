"""The network that jobs run in, where it is this environment's own."""

from aws_cdk import CfnOutput, DefaultStackSynthesizer, Fn
from aws_cdk import aws_kms as kms
from constructs import Construct

from pipeline_definition import Network
from settings import Settings
from settings.network import IsolatedVpc as Shape
from stacks import arns
from stacks.base import EnvironmentStack
from stacks.components.isolated_vpc import IsolatedVpc
from stacks.foundation import Foundation


class NetworkStack(EnvironmentStack):
    """An isolated VPC that reaches this environment's buckets and the bucket of its code."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, shape: Shape, foundation: Foundation) -> None:
        super().__init__(scope, id, settings=settings, description="Network of the jobs")
        vpc = IsolatedVpc(
            self,
            "Isolated",
            environment=settings.resource_name,
            shape=shape,
            bucket_arns=[arns.bucket_arn(name) for name in (foundation.data_bucket, foundation.artifact_bucket, _code_bucket())],
            key=kms.Key.from_key_arn(self, "Key", foundation.key_arn),
            log_days=settings.storage.log_days,
        )
        told = {f"Subnet{number}": subnet for number, subnet in enumerate(vpc.subnet_ids, 1)}
        told["SecurityGroup"] = vpc.security_group.security_group_id
        for name, value in told.items():
            CfnOutput(self, name, value=value, export_name=f"{settings.resource_name}-{name}")
        imported = {name: Fn.import_value(f"{settings.resource_name}-{name}") for name in told}
        self.for_jobs = Network(
            isolated=settings.network_isolation, security_groups=[imported.pop("SecurityGroup")], subnets=list(imported.values())
        )

    @property
    def availability_zones(self) -> list[str]:
        """As CloudFormation knows them; CDK would look them up in the account, at synth."""
        return [Fn.select(index, Fn.get_azs()) for index in range(3)]


def _code_bucket() -> str:
    """The bucket that `cdk bootstrap` made for code."""
    qualifier = DefaultStackSynthesizer.DEFAULT_QUALIFIER
    return f"cdk-{qualifier}-assets-{arns.ACCOUNT_ID}-{arns.REGION}"
