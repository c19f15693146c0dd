"""Rules on buckets and on whatever else holds data."""

from collections.abc import Iterator, Mapping
from typing import Any

from cloud_assembly import Resource, Template
from stacks.guardrails.rules import Finding, Subject, rule

STATEFUL = ("AWS::KMS::Key", "AWS::S3::Bucket", "AWS::SageMaker::ModelPackageGroup")

_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_ENCRYPTION = "s3:x-amz-server-side-encryption"


@rule("bucket-tls-only", "Claims would go over the wire for all to read")
def tls_only(subject: Subject) -> Iterator[Finding]:
    for template, bucket in subject.assembly.resources("AWS::S3::Bucket"):
        if not any(_denies_plain(statement) for statement in _policy(subject, template, bucket)):
            yield Finding(template, bucket, "BucketPolicy", "no statement denies requests without TLS; set enforce_ssl")


@rule("bucket-key-enforced", "Objects under another key are readable by whoever has that key, and lost with it")
def key_enforced(subject: Subject) -> Iterator[Finding]:
    for template, bucket in subject.assembly.resources("AWS::S3::Bucket"):
        if bucket.logical_id in _log_buckets(subject):
            continue
        rules = bucket.properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
        if not rules or "KMSMasterKeyID" not in rules[0].get("ServerSideEncryptionByDefault", {}):
            yield Finding(template, bucket, "BucketEncryption", "has no key of ours as its default")
        denied = {
            key
            for statement in _policy(subject, template, bucket)
            if statement["Effect"] == "Deny" and "s3:PutObject" in statement["Action"]
            for block in statement.get("Condition", {}).values()
            for key in block
        }
        for way in (_ENCRYPTION, f"{_ENCRYPTION}-aws-kms-key-id", f"{_ENCRYPTION}-customer-algorithm"):
            if way not in denied:
                yield Finding(template, bucket, "BucketPolicy", f"does not deny objects with another {way}")


@rule("bucket-private", "A bucket policy written in haste must not open it to the world")
def private(subject: Subject) -> Iterator[Finding]:
    for template, bucket in subject.assembly.resources("AWS::S3::Bucket"):
        blocked = bucket.properties.get("PublicAccessBlockConfiguration", {})
        if missing := [block for block in _BLOCKS if blocked.get(block) is not True]:
            yield Finding(template, bucket, "PublicAccessBlockConfiguration", f"lacks {', '.join(missing)}")


@rule("bucket-versioned", "What a mistake overwrites is gone without versions")
def versioned(subject: Subject) -> Iterator[Finding]:
    for template, bucket in subject.assembly.resources("AWS::S3::Bucket"):
        if bucket.properties.get("VersioningConfiguration", {}).get("Status") != "Enabled":
            yield Finding(template, bucket, "VersioningConfiguration", "is not Enabled")


@rule("stateful-retained", "Claims, models and the key that opens both outlive a mistaken destroy")
def retained(subject: Subject) -> Iterator[Finding]:
    wanted = {"retain": "Retain", "destroy": "Delete"}[subject.settings.storage.retention]
    for kind in STATEFUL:
        for template, resource in subject.assembly.resources(kind):
            for field in ("DeletionPolicy", "UpdateReplacePolicy"):
                if (found := resource.body.get(field)) != wanted:
                    yield Finding(template, resource, field, f"is {found}; storage.retention in settings means {wanted}")


def _policy(subject: Subject, template: Template, bucket: Resource) -> Iterator[Mapping[str, Any]]:
    """The statements of the policies of a bucket."""
    for policy in template.resources("AWS::S3::BucketPolicy"):
        if policy.properties.get("Bucket") == {"Ref": bucket.logical_id}:
            yield from subject.assembly.resolved(policy, template)["PolicyDocument"]["Statement"]


def _denies_plain(statement: Mapping[str, Any]) -> bool:
    return bool(
        statement["Effect"] == "Deny"
        and statement["Action"] == "s3:*"
        and statement.get("Principal") in ({"AWS": "*"}, "*")
        and statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport") == "false"
    )


def _log_buckets(subject: Subject) -> set[str]:
    """Buckets that S3 delivers access logs to, which can have S3's own encryption only."""
    return {
        target["Ref"]
        for _, bucket in subject.assembly.resources("AWS::S3::Bucket")
        if "Ref" in (target := bucket.properties.get("LoggingConfiguration", {}).get("DestinationBucketName", {}))
    }


RULES = (tls_only, key_enforced, private, versioned, retained)
