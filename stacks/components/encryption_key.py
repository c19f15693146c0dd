"""The customer-managed key that encrypts everything of an environment."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks import arns


class EncryptionKey(Construct):
    """A key with yearly rotation, which the environment's log groups may use too."""

    def __init__(self, scope: Construct, id: str, *, name: str, removal_policy: RemovalPolicy) -> None:
        super().__init__(scope, id)
        self.key = kms.Key(
            self,
            "Key",
            alias=name,
            description=f"Encrypts data, models and logs of {name}",
            enable_key_rotation=True,
            pending_window=Duration.days(7 if removal_policy is RemovalPolicy.DESTROY else 30),
            removal_policy=removal_policy,
        )
        self.key.add_to_resource_policy(_logs_may_use_it(name))


def _logs_may_use_it(name: str) -> iam.PolicyStatement:
    """CloudWatch Logs has no role of its own: the key has to trust it, for log groups of this environment alone."""
    groups = arns.arn("logs", f"log-group:/{name}/*")
    return iam.PolicyStatement(
        sid="LogGroups",
        principals=[iam.ServicePrincipal(f"logs.{arns.REGION}.amazonaws.com")],
        actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"],
        # In a key policy, this means the key.
        resources=["*"],
        conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
    )
