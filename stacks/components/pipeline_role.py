"""The role of the pipeline: it alone registers models, creates these jobs, and passes these roles."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aws_cdk import aws_iam as iam
from constructs import Construct

from pipeline_definition import Network
from pipeline_definition.instances import LOCAL_DISKS
from stacks import arns
from stacks.components import policy
from stacks.components.policy import Statement
from stacks.components.step_role import list_and_get, sagemaker_of_this_account

_NAMED_BY_SERVICE = "Pipelines name their jobs pipelines-EXECUTION-STEP-SUFFIX, with long step names cut"
_JOBS = {"Processing": ("ProcessingJob", "processing-job"), "Training": ("TrainingJob", "training-job")}


class PipelineRole(Construct):
    """``role`` and its ``policies``: what it may do, and what it must not do whatever else it may."""

    def __init__(self, scope: Construct, id: str, *, pipeline: str) -> None:
        super().__init__(scope, id)
        self.role = iam.Role(self, "Role", assumed_by=sagemaker_of_this_account(), description=f"Runs {pipeline}")
        self.policies: list[iam.ManagedPolicy] = []

    def allow(
        self, *, job_types: Sequence[str], step_roles: Sequence[iam.IRole], group: str, reads: Sequence[str], key_arn: str
    ) -> None:
        """``group`` is the model package group's name; ``reads`` are ARNs of the objects that the pipeline itself looks at."""
        statements = [
            *(_jobs(job_type) for job_type in job_types),
            Statement(
                sid="PassStepRoles",
                actions=["iam:PassRole"],
                resources=[role.role_arn for role in step_roles],
                conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            ),
            _register(group),
            *list_and_get(reads),
            Statement(
                sid="DecryptObjects",
                actions=["kms:Decrypt"],
                resources=[key_arn],
                conditions={"StringEquals": {"kms:ViaService": f"s3.{arns.REGION}.amazonaws.com"}},
            ),
        ]
        self.policies.append(policy.allow(self, "Policy", role=self.role, statements=statements))

    def deny(self, *, job_types: Sequence[str], network: Network, key_arn: str, longest_seconds: int) -> None:
        """Refuse jobs that the definition would never ask for, whoever may write it."""
        actions = [f"sagemaker:Create{_JOBS[job_type][0]}" for job_type in job_types]
        statements = [
            Statement(sid=sid, actions=actions, resources=_job_arns(job_types), conditions=conditions, why=_NAMED_BY_SERVICE)
            for sid, conditions in _refused(network, key_arn, longest_seconds)
        ]
        self.policies.append(policy.deny(self, "Limits", role=self.role, statements=statements))


def _sagemaker(resource: str) -> str:
    return arns.arn("sagemaker", resource)


def _job_arns(job_types: Sequence[str]) -> list[str]:
    return [_sagemaker(f"{_JOBS[job_type][1]}/pipelines-*") for job_type in job_types]


def _jobs(job_type: str) -> Statement:
    job = _JOBS[job_type][0]
    return Statement(
        sid=f"Run{job_type}",
        # The service tags every job that a pipeline creates.
        actions=["sagemaker:AddTags", f"sagemaker:Create{job}", f"sagemaker:Describe{job}", f"sagemaker:Stop{job}"],
        resources=_job_arns([job_type]),
        why=_NAMED_BY_SERVICE,
    )


def _register(group: str) -> Statement:
    return Statement(
        sid="Register",
        # The service asks for the group before it adds to it, even where it is there already.
        actions=[
            "sagemaker:AddTags",
            "sagemaker:CreateModelPackage",
            "sagemaker:CreateModelPackageGroup",
            "sagemaker:DescribeModelPackage",
            "sagemaker:DescribeModelPackageGroup",
        ],
        resources=[_sagemaker(f"model-package-group/{group}"), _sagemaker(f"model-package/{group}/*")],
        why="Versions of the group are numbered when they are made",
    )


def _refused(network: Network, key_arn: str, longest_seconds: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each refusal as a statement id and its conditions.

    Keys in one Null block are ANDed, so that each key has a statement of its
    own; a negated operator is true where its key is absent, so that what may
    be absent has a Null beside it.
    """
    # The service refuses a key for volumes of these families, which encrypt them by themselves.
    without_disks = {"ForAnyValue:StringNotLike": {"sagemaker:InstanceTypes": list(LOCAL_DISKS)}}
    yield "DenyUnencryptedVolume", {"Null": {"sagemaker:VolumeKmsKey": "true"}, **without_disks}
    yield "DenyOtherVolumeKey", {"Null": {"sagemaker:VolumeKmsKey": "false"}, "ArnNotEquals": {"sagemaker:VolumeKmsKey": key_arn}}
    yield "DenyUnencryptedOutput", {"Null": {"sagemaker:OutputKmsKey": "true"}}
    yield "DenyOtherOutputKey", {"Null": {"sagemaker:OutputKmsKey": "false"}, "ArnNotEquals": {"sagemaker:OutputKmsKey": key_arn}}
    yield "DenyUnlimitedTime", {"Null": {"sagemaker:MaxRuntimeInSeconds": "true"}}
    yield "DenyLongTime", {"NumericGreaterThan": {"sagemaker:MaxRuntimeInSeconds": str(longest_seconds)}}
    if network.isolated:
        yield "DenyNetwork", {"BoolIfExists": {"sagemaker:NetworkIsolation": "false"}}
    if network.encrypt_between_instances:
        yield "DenyPlainTraffic", {"BoolIfExists": {"sagemaker:InterContainerTrafficEncryption": "false"}}
    if network.subnets:
        yield "DenyNoSubnet", {"Null": {"sagemaker:VpcSubnets": "true"}}
        yield "DenyOtherSubnet", {"ForAnyValue:StringNotEquals": {"sagemaker:VpcSubnets": list(network.subnets)}}
        yield "DenyNoSecurityGroup", {"Null": {"sagemaker:VpcSecurityGroupIds": "true"}}
        yield "DenyOtherSecurityGroup", {"ForAnyValue:StringNotEquals": {"sagemaker:VpcSecurityGroupIds": list(network.security_groups)}}
