"""The role of the pipeline: it alone registers models, creates these jobs, and passes these roles."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
_PREFIX = ("pipelines-*",)


@dataclass(frozen=True)
class _Job:
    """How the API calls a kind of job, what its names look like, and which condition keys a request for one has."""

    name: str
    resource: str
    names: Sequence[str] = _PREFIX
    keys: frozenset[str] = frozenset()
    can_stop: bool = True
    more: Sequence[str] = ()


_NETWORK = frozenset({"NetworkIsolation", "VpcSubnets", "VpcSecurityGroupIds"})
_ALL = _NETWORK | {"VolumeKmsKey", "OutputKmsKey", "MaxRuntimeInSeconds", "InterContainerTrafficEncryption"}
_JOBS = {
    "Processing": _Job("ProcessingJob", "processing-job", keys=_ALL),
    "Training": _Job("TrainingJob", "training-job", keys=_ALL),
    # Their names are too short for the prefix; an ARN may have them in lower case. The list tells which trial was the best.
    "Tuning": _Job(
        "HyperParameterTuningJob", "hyper-parameter-tuning-job", names=("*Tune-*", "*tune-*"), keys=_ALL,
        more=("ListTrainingJobsForHyperParameterTuningJob",),
    ),
    "Transform": _Job("TransformJob", "transform-job", keys=frozenset({"VolumeKmsKey", "OutputKmsKey"})),
    "Model": _Job("Model", "model", keys=_NETWORK, can_stop=False),
}  # fmt: skip
"""After "Actions, resources, and condition keys for Amazon SageMaker AI" in the service authorization reference."""


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
        statements = []
        for refusal in _refused(network, key_arn, longest_seconds):
            # A request that has no such key would be refused whatever it says.
            asked = [_JOBS[job_type] for job_type in job_types if refusal.key in _JOBS[job_type].keys]
            if asked:
                statements.append(
                    Statement(
                        sid=refusal.sid,
                        actions=[f"sagemaker:Create{job.name}" for job in asked],
                        resources=[arn for job in asked for arn in _job_arns(job)],
                        conditions=refusal.conditions,
                        why=_NAMED_BY_SERVICE,
                    )
                )
        self.policies.append(policy.deny(self, "Limits", role=self.role, statements=statements))


def _sagemaker(resource: str) -> str:
    return arns.arn("sagemaker", resource)


def _job_arns(job: _Job) -> list[str]:
    return [_sagemaker(f"{job.resource}/{name}") for name in job.names]


def _jobs(job_type: str) -> Statement:
    job = _JOBS[job_type]
    actions = ["AddTags", f"Create{job.name}", f"Describe{job.name}", *([f"Stop{job.name}"] if job.can_stop else []), *job.more]
    return Statement(
        sid=f"Run{job_type}",
        # The service tags every job that a pipeline creates.
        actions=[f"sagemaker:{action}" for action in actions],
        resources=_job_arns(job),
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


@dataclass(frozen=True)
class _Refusal:
    """What a request must not say: ``tests`` are values by operator, of the condition key ``key``."""

    sid: str
    key: str
    tests: Mapping[str, Any]
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def conditions(self) -> Mapping[str, Any]:
        return {operator: {f"sagemaker:{self.key}": value} for operator, value in self.tests.items()} | dict(self.more)


def _refused(network: Network, key_arn: str, longest_seconds: int) -> Iterator[_Refusal]:
    """What is refused, one statement each.

    Keys in one Null block are ANDed, so that each key has a statement of its
    own; a negated operator is true where its key is absent, so that what may
    be absent has a Null beside it.
    """
    # The service refuses a key for volumes of these families, which encrypt them by themselves.
    without_disks = {"ForAnyValue:StringNotLike": {"sagemaker:InstanceTypes": list(LOCAL_DISKS)}}
    yield _Refusal("DenyUnencryptedVolume", "VolumeKmsKey", {"Null": "true"}, without_disks)
    yield _Refusal("DenyOtherVolumeKey", "VolumeKmsKey", {"Null": "false", "ArnNotEquals": key_arn})
    yield _Refusal("DenyUnencryptedOutput", "OutputKmsKey", {"Null": "true"})
    yield _Refusal("DenyOtherOutputKey", "OutputKmsKey", {"Null": "false", "ArnNotEquals": key_arn})
    yield _Refusal("DenyUnlimitedTime", "MaxRuntimeInSeconds", {"Null": "true"})
    yield _Refusal("DenyLongTime", "MaxRuntimeInSeconds", {"NumericGreaterThan": str(longest_seconds)})
    if network.isolated:
        yield _Refusal("DenyNetwork", "NetworkIsolation", {"BoolIfExists": "false"})
    if network.encrypt_between_instances:
        yield _Refusal("DenyPlainTraffic", "InterContainerTrafficEncryption", {"BoolIfExists": "false"})
    if network.subnets:
        yield _Refusal("DenyNoSubnet", "VpcSubnets", {"Null": "true"})
        yield _Refusal("DenyOtherSubnet", "VpcSubnets", {"ForAnyValue:StringNotEquals": list(network.subnets)})
        yield _Refusal("DenyNoSecurityGroup", "VpcSecurityGroupIds", {"Null": "true"})
        yield _Refusal("DenyOtherSecurityGroup", "VpcSecurityGroupIds", {"ForAnyValue:StringNotEquals": list(network.security_groups)})
