"""Rules on buckets and on whatever else holds data."""

from collections.abc import Iterator, Mapping
from typing import Any

from cloud_assembly import Resource, Template
from stacks.guardrails.jobs import keys
from stacks.guardrails.rules import Finding, Subject, rule

STATEFUL = ("AWS::KMS::Key", "AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::SageMaker::ModelPackageGroup")
"""A bucket that stays without its policy would be open to what the policy denies."""

_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_ENCRYPTION = "s3:x-amz-server-side-encryption"
_KEY = f"{_ENCRYPTION}-aws-kms-key-id"


@rule("bucket-tls-only", "Claims would go over the wire for all to read")
def tls_only(subject: Subject) -> Iterator[Finding]:
    for template, bucket in subject.assembly.resources("AWS::S3::Bucket"):
        arn = subject.assembly.resolver(template).resolve({"Fn::GetAtt": [bucket.logical_id, "Arn"]})
        if not any(_denies_plain(statement, arn) for statement in _policy(subject, template, bucket)):
            yield Finding(template, bucket, "BucketPolicy", "no statement denies requests without TLS; set enforce_ssl")


@rule("bucket-key-enforced", "Objects under another key are readable by whoever has that key, and lost with it")
def key_enforced(subject: Subject) -> Iterator[Finding]:
    for template, bucket in subject.assembly.resources("AWS::S3::Bucket"):
        if bucket.logical_id in _log_buckets(subject):
            continue
        rules = subject.assembly.resolved(bucket, template).get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
        key = rules[0].get("ServerSideEncryptionByDefault", {}).get("KMSMasterKeyID") if rules else None
        if key not in keys(subject):
            yield Finding(template, bucket, "BucketEncryption", "has no key of ours as its default")
        objects = subject.assembly.resolver(template).resolve({"Fn::GetAtt": [bucket.logical_id, "Arn"]}) + "/*"
        denied = [
            statement.get("Condition", {})
            for statement in _policy(subject, template, bucket)
            if statement["Effect"] == "Deny" and statement["Action"] == "s3:PutObject" and statement["Resource"] == objects
        ]
        for way, condition in _ways_around(key).items():
            if condition not in denied:
                yield Finding(template, bucket, "BucketPolicy", f"does not deny objects with {way}")


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


@rule("key-rotates", "A key that never changes opens everything that it ever encrypted")
def rotates(subject: Subject) -> Iterator[Finding]:
    for template, key in subject.assembly.resources("AWS::KMS::Key"):
        if key.properties.get("EnableKeyRotation") is not True:
            yield Finding(template, key, "EnableKeyRotation", "is not true")


def _ways_around(key: str | None) -> dict[str, dict[str, dict[str, Any]]]:
    """What would put objects under another key than ours, and the conditions that deny it."""
    return {
        "another kind of encryption": {"Null": {_ENCRYPTION: "false"}, "StringNotEquals": {_ENCRYPTION: "aws:kms"}},
        "another key": {"Null": {_KEY: "false"}, "StringNotEquals": {_KEY: key}},
        "no key named": {"Null": {_KEY: "true"}, "StringEquals": {_ENCRYPTION: "aws:kms"}},
        "a key of the caller's": {"Null": {f"{_ENCRYPTION}-customer-algorithm": "false"}},
    }


def _policy(subject: Subject, template: Template, bucket: Resource) -> Iterator[Mapping[str, Any]]:
    """The statements of the policies of a bucket."""
    for policy in template.resources("AWS::S3::BucketPolicy"):
        if policy.properties.get("Bucket") == {"Ref": bucket.logical_id}:
            yield from subject.assembly.resolved(policy, template)["PolicyDocument"]["Statement"]


def _denies_plain(statement: Mapping[str, Any], arn: str) -> bool:
    resources = statement["Resource"]
    return bool(
        statement["Effect"] == "Deny"
        and set(resources if isinstance(resources, list) else [resources]) >= {arn, f"{arn}/*"}
        and statement["Action"] == "s3:*"
        and statement.get("Principal") in ({"AWS": "*"}, "*")
        and statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport") == "false"
    )


def _log_buckets(subject: Subject) -> set[str]:
    """Buckets that S3 delivers the access logs of others to, which can have S3's own encryption only."""
    return {
        target["Ref"]
        for _, bucket in subject.assembly.resources("AWS::S3::Bucket")
        if "Ref" in (target := bucket.properties.get("LoggingConfiguration", {}).get("DestinationBucketName", {}))
        and target["Ref"] != bucket.logical_id
    }


RULES = (tls_only, key_enforced, private, versioned, rotates, retained)
