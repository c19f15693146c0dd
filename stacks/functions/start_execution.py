"""Starts an execution of the pipeline on a batch of claims, compared with the champion.

A batch is a folder of the data bucket, ``incoming/NAME/`` with ``claims/`` and
``customers/``; writing ``incoming/NAME/_READY`` announces it. S3's event starts
that batch, the schedule starts the newest one.

A batch is written once. The steps' cache compares URIs and not content, so
that other data under an old name would give the old result: a batch that is
announced again is refused.
"""

import hashlib
import logging
import os
import re
from dataclasses import dataclass
from typing import Any

import boto3

BATCHES, MARKER = "incoming", "_READY"
_MARKER_KEY = re.compile(rf"{BATCHES}/([^/]+)/{MARKER}")

log = logging.getLogger()
log.setLevel(logging.INFO)


class BatchError(Exception):
    """A batch that cannot be used; the message names it and says what to do."""


@dataclass(frozen=True)
class Batch:
    """``version`` tells one announcement from another."""

    name: str
    version: str


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """The entry point: an S3 event, or anything else for the newest batch.

    Returns:
        The ARN of the execution, or why there is none.
    """
    bucket, pipeline = os.environ["DATA_BUCKET"], os.environ["PIPELINE_NAME"]
    s3, sagemaker = boto3.client("s3"), boto3.client("sagemaker")
    if event.get("source") == "aws.s3":
        batch = announced(event["detail"])
        check(s3, bucket, batch)
    else:
        found = newest(s3, bucket)
        if found is None:
            return _skipped("no batch has been announced")
        batch = found
        if earlier := executed(sagemaker, pipeline, bucket, batch):
            # Models are registered anew by each execution, even if all else is reused.
            return _skipped(f"{earlier} has taken batch {batch.name} already")
    parameters = parameters_of(bucket, batch)
    # Events come twice at times: the same announcement starts one execution.
    token = hashlib.sha256(f"{pipeline}/{batch}".encode()).hexdigest()
    arn = start(sagemaker, pipeline, parameters, group=os.environ["MODEL_PACKAGE_GROUP"], name=batch.name, token=token)
    log.info("batch %s: %s", batch.name, arn)
    return {"execution": arn}


def _skipped(why: str) -> dict[str, str]:
    log.info("nothing to start: %s", why)
    return {"skipped": why}


def parameters_of(bucket: str, batch: Batch) -> dict[str, str]:
    """The pipeline's parameters that name a batch."""
    prefix = f"s3://{bucket}/{BATCHES}/{batch.name}"
    return {"ClaimsUri": f"{prefix}/claims/", "CustomersUri": f"{prefix}/customers/"}


def announced(detail: dict[str, Any]) -> Batch:
    """The batch that an event is about.

    Raises:
        BatchError: the object is no marker.
    """
    key = detail["object"]["key"]
    match = _MARKER_KEY.fullmatch(key)
    if not match:
        raise BatchError(f"{key} announces no batch; it would be {BATCHES}/NAME/{MARKER}")
    return Batch(match[1], detail["object"].get("version-id", detail["object"].get("etag", "")))


def newest(s3: Any, bucket: str) -> Batch | None:
    """The batch that was announced last and can be used, or None."""
    markers = [
        (entry["LastModified"], entry["Key"], entry.get("ETag", ""))
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{BATCHES}/")
        for entry in page.get("Contents", ())
        if _MARKER_KEY.fullmatch(entry["Key"])
    ]
    for _, key, tag in sorted(markers, reverse=True):
        batch = Batch(key.split("/")[1], tag)
        try:
            check(s3, bucket, batch)
        except BatchError as error:
            log.warning("%s", error)
        else:
            return batch
    return None


def executed(sagemaker: Any, pipeline: str, bucket: str, batch: Batch) -> str | None:
    """The ARN of an execution that has taken a batch and did not fail, or None."""
    name, wanted = display_name(batch.name), parameters_of(bucket, batch).items()
    for page in sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=pipeline):
        for execution in page["PipelineExecutionSummaries"]:
            if execution.get("PipelineExecutionDisplayName") != name or execution["PipelineExecutionStatus"] in ("Failed", "Stopped"):
                continue
            arn = str(execution["PipelineExecutionArn"])
            listed = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
            if wanted <= {(parameter["Name"], parameter["Value"]) for parameter in listed}:
                return arn
    return None


def check(s3: Any, bucket: str, batch: Batch) -> None:
    """
    Raises:
        BatchError: the batch was announced before, or a table is missing.
    """
    marker = f"{BATCHES}/{batch.name}/{MARKER}"
    listed = s3.list_object_versions(Bucket=bucket, Prefix=marker).get("Versions", ())
    versions = [version for version in listed if version["Key"] == marker]
    if len(versions) > 1:
        raise BatchError(f"batch {batch.name} has been announced {len(versions)} times; put corrected data under a new name")
    for table in ("claims", "customers"):
        if not s3.list_objects_v2(Bucket=bucket, Prefix=f"{BATCHES}/{batch.name}/{table}/", MaxKeys=1).get("KeyCount"):
            raise BatchError(f"batch {batch.name} has nothing under {table}/; upload it and announce it under a new name")


def champion(sagemaker: Any, group: str) -> str:
    """The URI of the model of the approved package with the highest version; empty without one."""
    packages = [
        package
        for page in sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group, ModelApprovalStatus="Approved")
        for package in page["ModelPackageSummaryList"]
        if package["ModelApprovalStatus"] == "Approved"
    ]
    if not packages:
        return ""
    arn = max(packages, key=lambda package: package["ModelPackageVersion"])["ModelPackageArn"]
    described = sagemaker.describe_model_package(ModelPackageName=arn)
    return str(described["InferenceSpecification"]["Containers"][0]["ModelDataUrl"])


def start(sagemaker: Any, pipeline: str, parameters: dict[str, str], *, group: str, name: str, token: str) -> str:
    """Start an execution, unless ``token`` has started one; the champion is resolved here.

    Args:
        name: what people see, once it is a display name.
        token: 32 to 128 characters; the service starts one execution for each.

    Returns:
        The ARN of the execution.
    """
    parameters = {"ChampionModelUri": champion(sagemaker, group)} | parameters
    return str(
        sagemaker.start_pipeline_execution(
            PipelineName=pipeline,
            PipelineExecutionDisplayName=display_name(name),
            # An empty value is the parameter's default, and not one that the service takes.
            PipelineParameters=[{"Name": key, "Value": value} for key, value in parameters.items() if value],
            ClientRequestToken=token,
        )["PipelineExecutionArn"]
    )


def display_name(text: str) -> str:
    """What people see of an execution: what is not a letter or a digit becomes a hyphen."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:82].strip("-") or "run"
