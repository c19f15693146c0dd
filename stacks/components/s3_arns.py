"""ARNs of what lies in S3."""

from aws_cdk import Aws


def object_arn(place: str) -> str:
    """The ARN of the objects at an ``s3://`` pattern; one that ends with a slash stands for all below it."""
    path = place.removeprefix("s3://")
    return f"arn:{Aws.PARTITION}:s3:::{path}{'*' if path.endswith('/') else ''}"


def bucket_arn(name: str) -> str:
    return f"arn:{Aws.PARTITION}:s3:::{name}"
