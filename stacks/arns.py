"""ARNs of what lies in this account, made of CloudFormation's pseudo parameters.

These are fetched once: each look at ``aws_cdk.Aws`` is a call to another process.
"""

import re
from collections.abc import Iterable

from aws_cdk import Aws

ACCOUNT_ID = Aws.ACCOUNT_ID
PARTITION = Aws.PARTITION
REGION = Aws.REGION
URL_SUFFIX = Aws.URL_SUFFIX

_HASH = re.compile(r"[0-9a-f]{64}")
_TOKEN = re.compile(r"\$\{Token\[[^\]]*\]\}")


def arn(service: str, resource: str, *, account: str = ACCOUNT_ID, region: str = REGION) -> str:
    """The ARN of something of this account in this region, unless others are given."""
    return f"arn:{PARTITION}:{service}:{region}:{account}:{resource}"


def bucket_arn(name: str) -> str:
    return f"arn:{PARTITION}:s3:::{name}"


def ordered(found: Iterable[str]) -> list[str]:
    """ARNs in an order that depends neither on the numbers of tokens, which differ from synth to synth, nor on the content of code."""
    return sorted(found, key=lambda arn: (_HASH.sub("", _TOKEN.sub("", arn)), _TOKEN.sub("", arn)))


def object_arn(place: str) -> str:
    """The ARN of the objects at an ``s3://`` pattern; one that ends with a slash stands for all below it."""
    return bucket_arn(place.removeprefix("s3://")) + ("*" if place.endswith("/") else "")
