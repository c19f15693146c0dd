"""ARNs of what lies in this account, made of CloudFormation's pseudo parameters.

These are fetched once: each look at ``aws_cdk.Aws`` is a call to another process.
"""

from aws_cdk import Aws

ACCOUNT_ID = Aws.ACCOUNT_ID
PARTITION = Aws.PARTITION
REGION = Aws.REGION
URL_SUFFIX = Aws.URL_SUFFIX


def arn(service: str, resource: str, *, account: str = ACCOUNT_ID) -> str:
    """The ARN of something in this region, of this account unless another is given."""
    return f"arn:{PARTITION}:{service}:{REGION}:{account}:{resource}"


def bucket_arn(name: str) -> str:
    return f"arn:{PARTITION}:s3:::{name}"


def object_arn(place: str) -> str:
    """The ARN of the objects at an ``s3://`` pattern; one that ends with a slash stands for all below it."""
    return bucket_arn(place.removeprefix("s3://")) + ("*" if place.endswith("/") else "")
