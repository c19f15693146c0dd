"""Log groups of this environment: named, encrypted, and kept for a set time."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

_RETENTION = {
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    60: logs.RetentionDays.TWO_MONTHS,
    90: logs.RetentionDays.THREE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
    731: logs.RetentionDays.TWO_YEARS,
}


def log_group(scope: Construct, id: str, *, environment: str, name: str, key: kms.IKey, days: int) -> logs.LogGroup:
    """``/ENVIRONMENT/NAME``: what the key's policy lets CloudWatch Logs encrypt."""
    return logs.LogGroup(
        scope,
        id,
        log_group_name=f"/{environment}/{name}",
        encryption_key=key,
        retention=_RETENTION[days],
        removal_policy=RemovalPolicy.DESTROY,
    )
