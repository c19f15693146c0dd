"""What other accounts need to serve a model that was registered here: its package, its archive, its key."""

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker

from stacks import arns, layout


def share_models(
    accounts: Sequence[str], *, group: sagemaker.CfnModelPackageGroup, bucket: s3.Bucket, key: kms.Key
) -> None:
    """Let accounts describe and deploy the group's packages; approving stays with this one."""
    if not accounts:
        return
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="TrustedAccounts",
            principals=_roots(accounts),
            actions=["kms:Decrypt"],
            # In a key policy, this means the key.
            resources=["*"],
            conditions={"StringEquals": {"kms:ViaService": f"s3.{arns.REGION}.amazonaws.com"}},
        )
    )
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            sid="TrustedAccounts",
            principals=_roots(accounts),
            actions=["s3:GetObject"],
            resources=[bucket.arn_for_objects(f"runs/{step}/*") for step in layout.KEPT_STEPS],
        )
    )
    group.model_package_group_policy = iam.PolicyDocument(statements=_statements(accounts, str(group.model_package_group_name)))


def _statements(accounts: Sequence[str], name: str) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            sid="Group",
            principals=_roots(accounts),
            actions=["sagemaker:DescribeModelPackageGroup"],
            resources=[arns.arn("sagemaker", f"model-package-group/{name}")],
        ),
        iam.PolicyStatement(
            sid="Packages",
            principals=_roots(accounts),
            actions=["sagemaker:CreateModel", "sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"],
            resources=[arns.arn("sagemaker", f"model-package/{name}/*")],
        ),
    ]


def _roots(accounts: Sequence[str]) -> list[iam.IPrincipal]:
    return [iam.AccountPrincipal(account) for account in accounts]
