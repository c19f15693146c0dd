"""The function that the triggers call, against moto's S3 and SageMaker."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from stacks.functions import start_execution
from stacks.functions.start_execution import BatchError, handler

BUCKET, PIPELINE, GROUP = "claims-bucket", "fraud-detection-dev", "fraud-detection-dev"
REGION = "eu-west-1"


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {
        "DATA_BUCKET": BUCKET, "PIPELINE_NAME": PIPELINE, "MODEL_PACKAGE_GROUP": GROUP, "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        sagemaker = boto3.client("sagemaker")
        sagemaker.create_model_package_group(ModelPackageGroupName=GROUP, ModelPackageGroupDescription="claims")
        body = json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": []})
        role = "arn:aws:iam::123456789012:role/pipeline-role"
        sagemaker.create_pipeline(PipelineName=PIPELINE, PipelineDefinition=body, RoleArn=role)
        yield


def _put(*keys: str) -> None:
    for key in keys:
        boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"x")


def _batch(name: str) -> None:
    _put(f"incoming/{name}/claims/part.csv", f"incoming/{name}/customers/part.csv", f"incoming/{name}/_READY")


def _event(key: str, version: str = "1") -> dict[str, Any]:
    detail = {"bucket": {"name": BUCKET}, "object": {"key": key, "version-id": version}}
    return {"id": "e1", "source": "aws.s3", "detail-type": "Object Created", "detail": detail}


SCHEDULED = {"id": "s1", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


def _package(status: str) -> str:
    sagemaker = boto3.client("sagemaker")
    number = len(sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"]) + 1
    made = sagemaker.create_model_package(
        ModelPackageGroupName=GROUP,
        ModelApprovalStatus=status,
        InferenceSpecification={
            "Containers": [{"Image": "image", "ModelDataUrl": f"s3://models/{number}/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"],
        },
    )  # fmt: skip
    return str(made["ModelPackageArn"])


def _parameters(arn: str) -> dict[str, str]:
    found = boto3.client("sagemaker").list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)
    return {parameter["Name"]: parameter["Value"] for parameter in found["PipelineParameters"]}


def test_an_announced_batch_starts_the_pipeline_on_it() -> None:
    _batch("2026-06")
    arn = handler(_event("incoming/2026-06/_READY"), None)["execution"]
    assert _parameters(arn) == {
        "ClaimsUri": f"s3://{BUCKET}/incoming/2026-06/claims/", "CustomersUri": f"s3://{BUCKET}/incoming/2026-06/customers/",
    }  # fmt: skip


def test_the_schedule_takes_the_batch_that_was_announced_last() -> None:
    _batch("b-first-by-name-but-last-announced")
    _batch("a")
    _put("incoming/not-announced/claims/part.csv", "incoming/deep/er/_READY")
    arn = handler(SCHEDULED, None)["execution"]
    newest = max(
        (entry for entry in boto3.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"] if entry["Key"].count("/") == 2
         and entry["Key"].endswith("_READY")),
        key=lambda entry: (entry["LastModified"], entry["Key"]),
    )  # fmt: skip
    assert _parameters(arn)["ClaimsUri"] == f"s3://{BUCKET}/{newest['Key'].removesuffix('_READY')}claims/"


def test_the_schedule_takes_no_batch_twice() -> None:
    """Everything but the registration would be reused: the group would fill with the same model."""
    _batch("june")
    arn = handler(SCHEDULED, None)["execution"]
    assert handler(SCHEDULED | {"id": "s2"}, None) == {"skipped": f"{arn} has taken batch june already"}
    _batch("later")
    assert _parameters(handler(SCHEDULED | {"id": "s3"}, None)["execution"])["ClaimsUri"].endswith("/later/claims/")


def test_the_schedule_takes_again_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    _batch("june")
    first = handler(SCHEDULED, None)["execution"]
    from moto.sagemaker.models import sagemaker_backends

    pipeline = sagemaker_backends["123456789012"][REGION].pipelines[PIPELINE]
    pipeline.pipeline_executions[first].pipeline_execution_status = "Failed"
    assert handler(SCHEDULED, None)["execution"] != first


def test_an_execution_of_the_same_name_on_other_data_is_another(tmp_path: object) -> None:
    _batch("june")
    other = {"ClaimsUri": "s3://claims-bucket/claims/abc/", "CustomersUri": "s3://claims-bucket/customers/abc/"}
    start_execution.start(boto3.client("sagemaker"), PIPELINE, other, group=GROUP, name="june", token="t" * 32)
    assert "execution" in handler(SCHEDULED, None)


def test_the_schedule_passes_over_a_batch_that_cannot_be_used() -> None:
    _batch("good")
    _batch("twice")
    _batch("twice")
    _put("incoming/half/claims/part.csv", "incoming/half/_READY")
    assert _parameters(handler(SCHEDULED, None)["execution"])["ClaimsUri"].endswith("/good/claims/")


def test_with_nothing_announced_the_schedule_starts_nothing() -> None:
    assert handler(SCHEDULED, None) == {"skipped": "no batch has been announced"}
    assert boto3.client("sagemaker").list_pipeline_executions(PipelineName=PIPELINE)["PipelineExecutionSummaries"] == []


def test_the_champion_is_the_approved_package_of_the_highest_version() -> None:
    for status in ("Approved", "Approved", "PendingManualApproval", "Rejected"):
        _package(status)
    _batch("june")
    assert _parameters(handler(_event("incoming/june/_READY"), None)["execution"])["ChampionModelUri"] == "s3://models/2/model.tar.gz"


def test_without_an_approved_package_there_is_no_champion() -> None:
    _package("PendingManualApproval")
    assert start_execution.champion(boto3.client("sagemaker"), GROUP) == ""


def test_the_same_announcement_has_the_same_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events come twice at times; SageMaker starts one execution for each token."""
    tokens: list[str] = []
    monkeypatch.setattr(start_execution, "start", lambda *args, token, **kwargs: tokens.append(token) or "arn")
    _batch("june")
    _batch("july")
    for event in (_event("incoming/june/_READY"), _event("incoming/june/_READY"), _event("incoming/july/_READY")):
        handler(event, None)
    assert tokens[0] == tokens[1] != tokens[2]
    assert all(32 <= len(token) <= 128 for token in tokens)


def test_the_token_goes_to_the_service_and_tells_versions_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    _batch("june")
    _batch("may")
    requests: list[dict[str, Any]] = []

    class Recorded:
        def __init__(self, client: Any) -> None:
            self._client = client

        def __getattr__(self, name: str) -> Any:
            return getattr(self._client, name)

        def start_pipeline_execution(self, **request: Any) -> Any:
            requests.append(request)
            return {"PipelineExecutionArn": "arn"}

    real = boto3.client
    monkeypatch.setattr(start_execution.boto3, "client", lambda name: Recorded(real(name)) if name == "sagemaker" else real(name))
    for name, version in (("june", "1"), ("june", "1"), ("june", "2"), ("may", "1")):
        handler(_event(f"incoming/{name}/_READY", version), None)
    tokens = [request["ClientRequestToken"] for request in requests]
    assert tokens[0] == tokens[1]
    assert len(set(tokens)) == 3


def test_whoever_names_a_champion_gets_that_one() -> None:
    _package("Approved")
    parameters = {"ChampionModelUri": "s3://models/mine.tar.gz"}
    arn = start_execution.start(boto3.client("sagemaker"), PIPELINE, parameters, group=GROUP, name="n", token="t" * 32)
    assert _parameters(arn) == parameters


def test_a_folder_whose_name_only_begins_like_a_table_is_no_table() -> None:
    _put("incoming/june/claims-old/part.csv", "incoming/june/customers/part.csv", "incoming/june/_READY")
    with pytest.raises(BatchError, match="nothing under claims/"):
        handler(_event("incoming/june/_READY"), None)


def test_a_batch_that_is_announced_again_is_refused() -> None:
    """Its URIs are those of the first time: every step would be a stale hit of the cache."""
    _batch("june")
    _batch("june")
    with pytest.raises(BatchError, match="batch june has been announced 2 times; put corrected data under a new name"):
        handler(_event("incoming/june/_READY", "2"), None)


def test_another_batch_whose_name_goes_on_is_another_batch() -> None:
    _batch("june")
    _put("incoming/june/_READY-not", "incoming/june-2/_READY")
    assert "execution" in handler(_event("incoming/june/_READY"), None)


@pytest.mark.parametrize("missing", ["claims", "customers"])
def test_a_batch_that_lacks_a_table_is_refused(missing: str) -> None:
    there = {"claims": "customers", "customers": "claims"}[missing]
    _put(f"incoming/june/{there}/part.csv", "incoming/june/_READY")
    with pytest.raises(BatchError, match=f"batch june has nothing under {missing}/"):
        handler(_event("incoming/june/_READY"), None)


@pytest.mark.parametrize("key", ["incoming/_READY", "incoming/a/b/_READY", "claims/june/_READY", "incoming/june/_READY2"])
def test_another_object_announces_nothing(key: str) -> None:
    with pytest.raises(BatchError, match="announces no batch"):
        handler(_event(key), None)


@pytest.mark.parametrize(
    ("name", "shown"), [("june 2026/β", "june-2026"), ("___", "run"), ("x" * 100, "x" * 82), ("x" * 81 + "-y", "x" * 81)]
)
def test_names_become_what_the_api_takes(name: str, shown: str) -> None:
    arn = start_execution.start(boto3.client("sagemaker"), PIPELINE, {}, group=GROUP, name=name, token="t" * 32)
    described = boto3.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=arn)
    assert described["PipelineExecutionDisplayName"] == shown
