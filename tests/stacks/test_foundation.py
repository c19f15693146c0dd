"""What must never change by accident: ids of what holds data, protection, and who is let in."""

from collections.abc import Callable
from pathlib import Path

import pytest

import cloud_assembly
import settings
from cloud_assembly import Assembly, Resource, Template
from tests.support import synth

STATEFUL = {
    "Key": "AWS::KMS::Key",
    "DataBucket": "AWS::S3::Bucket",
    "ArtifactBucket": "AWS::S3::Bucket",
    "AccessLogBucket": "AWS::S3::Bucket",
    "ModelPackageGroup": "AWS::SageMaker::ModelPackageGroup",
}


def _foundation(assembly: Assembly) -> Template:
    return assembly.templates[0]


def _resource(assembly: Assembly, name: str) -> Resource:
    return next(resource for resource in _foundation(assembly).resources() if resource.logical_id == name)


def _statements(assembly: Assembly, bucket: str) -> list[dict[str, object]]:
    template = _foundation(assembly)
    (policy,) = (
        assembly.resolved(policy, template)
        for policy in template.resources("AWS::S3::BucketPolicy")
        if policy.properties["Bucket"] == {"Ref": bucket}
    )
    found: list[dict[str, object]] = policy["PolicyDocument"]["Statement"]
    return found


def test_what_holds_data_has_the_logical_id_that_it_always_had(assembly: Assembly) -> None:
    """Another id would replace the resource, and lose what it holds."""
    found = {resource.logical_id: resource.type for resource in _foundation(assembly).resources() if resource.type in STATEFUL.values()}
    assert found == STATEFUL


def test_nothing_stateful_stands_elsewhere(assembly: Assembly) -> None:
    for template in assembly.templates[1:]:
        assert not [resource for resource in template.resources() if resource.type in STATEFUL.values()]


def test_prod_retains_and_dev_does_not(synthesized: Callable[[str], Assembly]) -> None:
    for env, policy in (("prod", "Retain"), ("dev", "Delete")):
        for name in STATEFUL:
            body = _resource(synthesized(env), name).body
            assert (body["DeletionPolicy"], body["UpdateReplacePolicy"]) == (policy, policy), (env, name)


def test_the_key_rotates(assembly: Assembly) -> None:
    assert _resource(assembly, "Key").properties["EnableKeyRotation"] is True


@pytest.mark.parametrize("bucket", ["DataBucket", "ArtifactBucket"])
def test_each_way_around_the_key_is_denied(assembly: Assembly, bucket: str) -> None:
    key = assembly.resolver(_foundation(assembly)).resolve({"Fn::GetAtt": ["Key", "Arn"]})
    sse = "s3:x-amz-server-side-encryption"
    denied = {
        statement.get("Sid"): statement["Condition"]
        for statement in _statements(assembly, bucket)
        if statement["Effect"] == "Deny" and statement["Action"] == "s3:PutObject"
    }
    assert denied == {
        "DenyOtherEncryption": {"Null": {sse: "false"}, "StringNotEquals": {sse: "aws:kms"}},
        "DenyOtherKey": {"Null": {f"{sse}-aws-kms-key-id": "false"}, "StringNotEquals": {f"{sse}-aws-kms-key-id": key}},
        "DenyUnnamedKey": {"Null": {f"{sse}-aws-kms-key-id": "true"}, "StringEquals": {sse: "aws:kms"}},
        "DenyCustomerKey": {"Null": {f"{sse}-customer-algorithm": "false"}},
    }


def test_what_registered_models_refer_to_never_expires(assembly: Assembly) -> None:
    rules = _resource(assembly, "ArtifactBucket").properties["LifecycleConfiguration"]["Rules"]
    expiring = {rule["Prefix"] for rule in rules if "ExpirationInDays" in rule}
    assert expiring == {
        "checkpoints/", "runs/Preprocess/", "runs/Train/", "runs/Tune/", "runs/SelectModel/", "runs/TrainReference/",
        "runs/BatchTransform/",
    }  # fmt: skip


def test_collections_are_nested_and_hold_the_group(synthesized: Callable[[str], Assembly]) -> None:
    """The tags are those that SageMaker's SDK looks for, with the depth in place of a clock."""
    template = _foundation(synthesized("dev"))
    outer, inner = template.resources("AWS::ResourceGroups::Group")
    held = ["AWS::SageMaker::ModelPackageGroup", "AWS::ResourceGroups::Group"]

    def query(key: str, value: str) -> dict[str, object]:
        return {"Type": "TAG_FILTERS_1_0", "Query": {"ResourceTypeFilters": held, "TagFilters": [{"Key": key, "Values": [value]}]}}

    def tags(resource: Resource) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in resource.properties["Tags"] if tag["Key"].startswith("sagemaker:")}

    path = "sagemaker:collection-path"
    assert outer.properties["Name"] == "insurance-dev"
    assert outer.properties["ResourceQuery"] == query(f"{path}:1", "insurance-dev")
    assert tags(outer) == {"sagemaker:collection": "true", f"{path}:root": "true"}
    assert inner.properties["Name"] == "auto-claims-dev"
    assert inner.properties["ResourceQuery"] == query(f"{path}:2", "insurance-dev/auto-claims-dev")
    assert tags(inner) == {"sagemaker:collection": "true", f"{path}:1": "insurance-dev"}
    assert tags(_resource(synthesized("dev"), "ModelPackageGroup")) == {f"{path}:2": "insurance-dev/auto-claims-dev"}


def test_nobody_else_is_let_in_by_default(assembly: Assembly) -> None:
    for bucket in ("DataBucket", "ArtifactBucket"):
        assert not [statement for statement in _statements(assembly, bucket) if statement["Effect"] == "Allow"]
    assert "ModelPackageGroupPolicy" not in _resource(assembly, "ModelPackageGroup").properties


def test_a_trusted_account_can_serve_what_is_registered_and_no_more(tmp_path: Path) -> None:
    file = tmp_path / "dev.yaml"
    file.write_text('storage: {retention: destroy}\ntrusted_accounts: ["222222222222"]\n')
    done = synth.synthesize(str(file), tmp_path / "out", has_guardrails=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assembly = cloud_assembly.read(tmp_path / "out")
    template = _foundation(assembly)
    account = {"AWS": "arn:aws:iam::222222222222:root"}
    resolved = {name: assembly.resolved(_resource(assembly, name), template) for name in ("Key", "ModelPackageGroup")}
    group = resolved["ModelPackageGroup"]["ModelPackageGroupPolicy"]["Statement"]
    assert {action for statement in group for action in _list(statement["Action"])} == {
        "sagemaker:DescribeModelPackageGroup", "sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages", "sagemaker:CreateModel",
    }  # fmt: skip
    assert all(statement["Principal"] == account for statement in group)
    (read,) = (statement for statement in _statements(assembly, "ArtifactBucket") if statement["Effect"] == "Allow")
    assert (read["Action"], read["Principal"]) == ("s3:GetObject", account)
    assert {str(arn).partition("/")[2] for arn in _list(read["Resource"])} == {
        f"runs/{step}/*"
        for step in ("Package", "Evaluate", "PreTrainingBias", "PostTrainingBias", "Explain", "CompareMitigation", "ModelCard")
    }
    (key,) = (statement for statement in resolved["Key"]["KeyPolicy"]["Statement"] if statement["Principal"] == account)
    assert key["Action"] == "kms:Decrypt"
    assert key["Condition"] == {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}
    assert settings.load(str(file)).name == "dev"


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else [value]
