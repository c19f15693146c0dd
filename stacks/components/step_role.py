"""The execution role of one step: what its job reads and writes, and nothing else.

After "How to use SageMaker AI execution roles" in SageMaker's developer guide;
the sets of actions are those of a job with a key, in a VPC.
"""

from collections.abc import Iterator, Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct

from pipeline_definition import Network
from pipeline_definition.data_access import Access
from stacks import arns
from stacks.components import policy
from stacks.components.policy import Statement

LOG_GROUPS = {
    "Processing": "/aws/sagemaker/ProcessingJobs",
    "Training": "/aws/sagemaker/TrainingJobs",
    "Tuning": "/aws/sagemaker/TrainingJobs",
    # A model's role is that of the transforms that use it.
    "Model": "/aws/sagemaker/TransformJobs",
}
_STREAMS = {
    # A trial has the name of its tuning job, which has no prefix where names are short.
    "Tuning": "*Tune-*",
}

_INTERFACES = (
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
)
_DESCRIBE_NETWORK = (
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)


class StepRole(Construct):
    """``role``, and the ``policy`` that ``allow`` fills once the definition is known."""

    def __init__(self, scope: Construct, id: str, *, step: str, pipeline: str) -> None:
        super().__init__(scope, id)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=sagemaker_of_this_account(),
            description=f"Runs the jobs of {step} in {pipeline}",
        )

    def allow(
        self,
        *,
        job: str,
        access: Access,
        parameter_reads: Sequence[str],
        key_arn: str,
        repository_arn: str,
        network: Network,
    ) -> iam.ManagedPolicy:
        """``parameter_reads`` are ARNs of objects: what the step's parameters may point to."""
        reads = [*(arns.object_arn(place) for place in access.reads), *parameter_reads]
        writes = [arns.object_arn(place) for place in access.writes]
        statements = [
            *list_and_get(reads),
            _write(writes),
            *_keys(key_arn),
            *_logs(LOG_GROUPS[job], _STREAMS.get(job, "pipelines-*")),
            *_image(repository_arn),
            *(_network(network) if network.subnets else ()),
        ]
        return policy.allow(self, "Policy", role=self.role, statements=statements)


def sagemaker_of_this_account() -> iam.IPrincipal:
    """The service, on behalf of this account only."""
    return iam.ServicePrincipal("sagemaker.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": arns.ACCOUNT_ID}})


def list_and_get(reads: Sequence[str]) -> Iterator[Statement]:
    """``GetObject`` on object ARNs, and ``ListBucket`` on their buckets with their prefixes."""
    yield Statement(
        sid="ReadInputs",
        actions=["s3:GetObject"],
        resources=arns.ordered(reads),
        why="Inputs lie under a hash, a batch's name, or the id of the execution that made them",
    )
    prefixes: dict[str, list[str]] = {}
    for arn in arns.ordered(reads):
        bucket, _, key = arn.partition("/")
        prefixes.setdefault(bucket, []).append(key)
    for number, (bucket, keys) in enumerate(prefixes.items()):
        yield Statement(
            sid=f"ListInputs{number}",
            actions=["s3:ListBucket"],
            resources=[bucket],
            # A job lists an input by its prefix, with or without the slash behind it.
            conditions={"StringLike": {"s3:prefix": [key.removesuffix("/*") + "*" if key.endswith("/*") else key for key in keys]}},
        )


def _write(writes: Sequence[str]) -> Statement:
    return Statement(
        sid="WriteOutputs",
        actions=["s3:AbortMultipartUpload", "s3:PutObject"],
        resources=arns.ordered(writes),
        why="Outputs lie under the id of their execution, which is made when it starts",
    )


def _keys(key_arn: str) -> Iterator[Statement]:
    yield Statement(
        sid="EncryptObjects",
        actions=["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
        resources=[key_arn],
        conditions={"StringEquals": {"kms:ViaService": f"s3.{arns.REGION}.amazonaws.com"}},
    )
    yield Statement(
        sid="EncryptVolumes",
        actions=["kms:CreateGrant"],
        resources=[key_arn],
        conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
    )


def _logs(group: str, streams: str) -> Iterator[Statement]:
    group_arn = arns.arn("logs", f"log-group:{group}")
    yield Statement(
        sid="FindLogGroup",
        actions=["logs:CreateLogGroup", "logs:DescribeLogStreams"],
        resources=[group_arn, f"{group_arn}:*"],
        why="A log group is named with and without its streams",
    )
    yield Statement(
        sid="WriteLogs",
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resources=[f"{group_arn}:log-stream:{streams}"],
        why="Log streams have the names of jobs, which are made when they start",
    )
    yield Statement(
        sid="WriteMetrics",
        actions=["cloudwatch:PutMetricData"],
        resources=["*"],
        conditions={"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}},
        why="Metrics have no ARN; their namespace is limited",
    )


def _image(repository_arn: str) -> Iterator[Statement]:
    yield Statement(
        sid="PullImage",
        actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        resources=[repository_arn],
    )
    yield Statement(
        sid="LogInToRegistry", actions=["ecr:GetAuthorizationToken"], resources=["*"], why="A token is the account's, not a repository's"
    )


def _network(network: Network) -> Iterator[Statement]:
    yield Statement(
        sid="AttachToVpc",
        actions=_INTERFACES,
        resources=[
            arns.arn("ec2", "network-interface/*"),
            *(arns.arn("ec2", f"subnet/{subnet}") for subnet in network.subnets),
            *(arns.arn("ec2", f"security-group/{group}") for group in network.security_groups),
        ],
        why="The service makes the interfaces of a job",
    )
    yield Statement(sid="DescribeVpc", actions=_DESCRIBE_NETWORK, resources=["*"], why="EC2 describes all or nothing")
