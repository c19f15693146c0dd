"""Buckets with all that a template says of them, and the policies of buckets and queues."""

import json
import types
from typing import Any

from moto.cloudformation import parsing
from moto.s3 import models as s3

from tests.deployment.emulated_account import calls
from tests.deployment.emulated_account.resource import Resource
from tests.deployment.emulated_account.resource import install as install_type


def install() -> None:
    install_type(BucketPolicy)
    install_type(QueuePolicy)
    _keep_what_moto_drops()
    _refuse_to_delete_full_buckets()
    _skip_conditional_denies()


class BucketPolicy(Resource):
    type = "AWS::S3::BucketPolicy"

    def create(self, properties: dict[str, Any], name: str) -> None:
        self.physical_id = properties["Bucket"]
        self.update(properties)

    def update(self, properties: dict[str, Any]) -> None:
        self.client("s3").put_bucket_policy(Bucket=properties["Bucket"], Policy=json.dumps(properties["PolicyDocument"]))

    def delete(self, properties: dict[str, Any]) -> None:
        # moto deletes in any order: the bucket may be gone already.
        if self.physical_id in s3.s3_backends[self.account]["aws"].buckets:
            self.client("s3").delete_bucket_policy(Bucket=self.physical_id)


class QueuePolicy(Resource):
    type = "AWS::SQS::QueuePolicy"

    def create(self, properties: dict[str, Any], name: str) -> None:
        self.physical_id = name
        self.update(properties)

    def update(self, properties: dict[str, Any]) -> None:
        for queue in properties["Queues"]:
            attributes = {"Policy": json.dumps(properties["PolicyDocument"])}
            self.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes=attributes)

    def delete(self, properties: dict[str, Any]) -> None:
        """It goes with its queue."""


def _keep_what_moto_drops() -> None:
    create = s3.FakeBucket.create_from_cloudformation_json.__func__

    def created(cls: Any, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any) -> Any:
        bucket = create(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)
        _configure(bucket, cloudformation_json.get("Properties", {}), account_id, region_name)
        return bucket

    def updated(
        cls: Any, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> Any:
        # moto's own looks for a name, which a template need not give.
        _configure(original_resource, cloudformation_json.get("Properties", {}), account_id, region_name)
        return original_resource

    s3.FakeBucket.create_from_cloudformation_json = classmethod(created)
    s3.FakeBucket.update_from_cloudformation_json = classmethod(updated)


def _configure(bucket: Any, properties: dict[str, Any], account: str, region: str) -> None:
    client, name = calls.client("s3", account, region), bucket.name
    if found := properties.get("VersioningConfiguration"):
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": found["Status"]})
    if found := properties.get("PublicAccessBlockConfiguration"):
        blocks = {key: str(value).lower() == "true" for key, value in found.items()}
        client.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=blocks)
    if found := properties.get("OwnershipControls"):
        client.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": found["Rules"]})
    if found := properties.get("LoggingConfiguration"):
        # The API asks for the policy of the target, which CloudFormation attaches later.
        bucket.logging = {"TargetBucket": found["DestinationBucketName"], "TargetPrefix": found.get("LogFilePrefix", "")}
    if found := properties.get("LifecycleConfiguration"):
        rules = [_lifecycle(number, rule) for number, rule in enumerate(found["Rules"])]
        client.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    if "EventBridgeConfiguration" in properties.get("NotificationConfiguration", {}):
        client.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}})


def _lifecycle(number: int, rule: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"ID": rule.get("Id", f"rule{number}"), "Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if days := rule.get("ExpirationInDays"):
        found["Expiration"] = {"Days": int(days)}
    if noncurrent := rule.get("NoncurrentVersionExpiration"):
        found["NoncurrentVersionExpiration"] = {"NoncurrentDays": int(noncurrent["NoncurrentDays"])}
    if multipart := rule.get("AbortIncompleteMultipartUpload"):
        found["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": int(multipart["DaysAfterInitiation"])}
    return found


def _refuse_to_delete_full_buckets() -> None:
    """moto says nothing and keeps the bucket."""
    delete = s3.FakeBucket.delete_from_cloudformation_json.__func__

    def deleted(cls: Any, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str) -> None:
        bucket = s3.s3_backends[account_id]["aws"].buckets.get(resource_name)
        if bucket is not None and list(bucket.keys.keys()):
            raise parsing.ValidationError(message=f"The bucket you tried to delete is not empty ({resource_name})")
        delete(cls, resource_name, cloudformation_json, account_id, region_name)

    s3.FakeBucket.delete_from_cloudformation_json = classmethod(deleted)


def _skip_conditional_denies() -> None:
    """moto ignores conditions: "deny without TLS" would shut everyone out."""
    decide = s3.FakeBucket.get_permission

    def decided(self: Any, action: str, resource: str) -> Any:
        if not self.policy:
            return decide(self, action, resource)
        document = json.loads(self.policy)
        unconditional = [statement for statement in document["Statement"] if not statement.get("Condition")]
        stand_in = types.SimpleNamespace(policy=json.dumps(document | {"Statement": unconditional}).encode())
        return decide(stand_in, action, resource)

    s3.FakeBucket.get_permission = decided
