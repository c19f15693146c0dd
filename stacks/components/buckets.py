"""The buckets: what comes in, what runs make of it, and who has looked."""

from typing import Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from settings.storage import Storage
from stacks import layout
from stacks.components import policy

_ENCRYPTION = "s3:x-amz-server-side-encryption"
_KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"
_CUSTOMER_KEY = "s3:x-amz-server-side-encryption-customer-algorithm"
_NO_KEY = "S3 delivers access logs to buckets with its own encryption only"
_NO_REPLICA = "Claims stay in their region; versions protect against deletion, and runs can be repeated"


class Buckets(Construct):
    """``data``, ``artifacts`` and the ``access_logs`` of both."""

    def __init__(
        self, scope: Construct, id: str, *, key: kms.IKey, storage: Storage, removal_policy: RemovalPolicy, announces_data: bool
    ) -> None:
        super().__init__(scope, id)
        self._storage, self._removal_policy = storage, removal_policy
        self.access_logs = self._access_logs()
        self.data = self._encrypted("Data", key)
        self.artifacts = self._encrypted("Artifacts", key)
        for each in (self.data, self.artifacts, self.access_logs):
            assert each.policy
            each.policy.apply_removal_policy(removal_policy)
            policy.acknowledge(each, "NIST.800.53.R5-S3BucketReplicationEnabled", _NO_REPLICA)
        policy.acknowledge(self.access_logs, "NIST.800.53.R5-S3DefaultEncryptionKMS", _NO_KEY)
        for step in layout.INTERMEDIATE_STEPS:
            self._expire_intermediates(f"runs/{step}/")
        self._expire_intermediates("checkpoints/")
        if announces_data:
            # The L2 construct would deploy a Lambda function just to set this.
            bucket = self.data.node.default_child
            assert isinstance(bucket, s3.CfnBucket)
            bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
                event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
            )

    def _encrypted(self, id: str, key: kms.IKey) -> s3.Bucket:
        """A bucket whose objects are encrypted by our key, whatever a request says."""
        bucket = s3.Bucket(
            self,
            id,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            server_access_logs_bucket=self.access_logs,
            server_access_logs_prefix=f"{id.lower()}/",
            lifecycle_rules=[self._housekeeping()],
            **self._protection(),
        )
        for statement in _only_our_key(bucket, key):
            bucket.add_to_resource_policy(statement)
        return bucket

    def _access_logs(self) -> s3.Bucket:
        """S3 delivers access logs to buckets with its own encryption only."""
        expiry = s3.LifecycleRule(id="expire", expiration=Duration.days(self._storage.access_log_days))
        return s3.Bucket(
            self,
            "AccessLogs",
            encryption=s3.BucketEncryption.S3_MANAGED,
            lifecycle_rules=[expiry, self._housekeeping()],
            **self._protection(),
        )

    def _protection(self) -> dict[str, Any]:
        return {
            "block_public_access": s3.BlockPublicAccess.BLOCK_ALL,
            "enforce_ssl": True,
            "minimum_tls_version": 1.2,
            "object_ownership": s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            "removal_policy": self._removal_policy,
            "versioned": True,
        }

    def _housekeeping(self) -> s3.LifecycleRule:
        return s3.LifecycleRule(
            id="housekeeping",
            noncurrent_version_expiration=Duration.days(self._storage.noncurrent_days),
            abort_incomplete_multipart_upload_after=Duration.days(7),
        )

    def _expire_intermediates(self, prefix: str) -> None:
        days = Duration.days(self._storage.intermediate_days)
        self.artifacts.add_lifecycle_rule(id=f"expire-{prefix.strip('/').replace('/', '-')}", prefix=prefix, expiration=days)


def _only_our_key(bucket: s3.Bucket, key: kms.IKey) -> list[iam.PolicyStatement]:
    """Without headers the bucket's default applies, which is our key; each way around it is denied.

    A negated operator is true where its key is absent, hence the Null beside it.
    """
    ways: dict[str, dict[str, dict[str, str]]] = {
        "DenyOtherEncryption": {"Null": {_ENCRYPTION: "false"}, "StringNotEquals": {_ENCRYPTION: "aws:kms"}},
        "DenyOtherKey": {"Null": {_KEY: "false"}, "StringNotEquals": {_KEY: key.key_arn}},
        # The account's own key for S3 applies to requests that ask for KMS and name no key.
        "DenyUnnamedKey": {"Null": {_KEY: "true"}, "StringEquals": {_ENCRYPTION: "aws:kms"}},
        "DenyCustomerKey": {"Null": {_CUSTOMER_KEY: "false"}},
    }
    return [
        iam.PolicyStatement(
            sid=sid,
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=["s3:PutObject"],
            resources=[bucket.arn_for_objects("*")],
            conditions=conditions,
        )
        for sid, conditions in ways.items()
    ]
