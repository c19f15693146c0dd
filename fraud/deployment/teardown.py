"""Takes away what CloudFormation cannot delete, and names what nobody can."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from fraud.deployment.account import Account
from fraud.errors import InputError
from settings import Settings

_BATCH = 1000
_STOP_SECONDS = 600
_SHARED_LOGS = ("/aws/sagemaker/ProcessingJobs", "/aws/sagemaker/TrainingJobs")

Said = Callable[[str], None]


def refuse_if_retained(settings: Settings) -> None:
    """
    Raises:
        InputError: the settings say that this environment's data outlives it.
    """
    if settings.storage.retention == "retain":
        raise InputError(
            f"{settings.name} keeps its data (storage.retention: retain): to take it down, set retention to destroy, deploy that, "
            "and destroy then; to take down the pipeline alone, delete its stack "
            f"with `.venv/bin/fraud cdk destroy -c env={settings.name} {settings.resource_name}-pipeline`"
        )


def refuse_if_protected(account: Account, settings: Settings) -> None:
    """What stands decides, and not only what the settings say by now: nothing may be purged that CloudFormation would keep.

    Raises:
        InputError: the deployed stack is protected, or retains its resources.
    """
    name = settings.stack_name("foundation")
    if name not in stacks(account, settings):
        return
    cloudformation = account.client("cloudformation")
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    template = cloudformation.get_template(StackName=name)["TemplateBody"]
    body = json.loads(template) if isinstance(template, str) else template
    retained = [resource for resource in body["Resources"].values() if resource.get("DeletionPolicy", "").startswith("Retain")]
    if stack.get("EnableTerminationProtection") or retained:
        raise InputError(
            f"{name} in {account.place} was deployed to keep its data, whatever the settings say now: "
            f"deploy storage.retention: destroy first (`make deploy ENV={settings.name}`)"
        )


def stacks(account: Account, settings: Settings) -> list[str]:
    """The names of the environment's stacks that stand, in order of their making."""
    found = []
    cloudformation = account.client("cloudformation")
    for name in _names(settings):
        try:
            cloudformation.describe_stacks(StackName=name)
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
        else:
            found.append(name)
    return found


def orphans(standing: list[str], settings: Settings) -> list[str]:
    """Stacks that stand and that the settings ask for no more, which the CDK therefore does not know."""
    foundation, network, pipeline = _names(settings)
    wanted = {foundation, pipeline} | ({network} if settings.network.mode == "isolated" else set())
    return [name for name in standing if name not in wanted]


def delete(account: Account, stack: str, *, said: Said) -> None:
    """Delete a stack that the CDK does not know; one that cannot be deleted stays."""
    cloudformation = account.client("cloudformation")
    said(f"deleting {stack}")
    with contextlib.suppress(ClientError, WaiterError):
        cloudformation.delete_stack(StackName=stack)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack)


def stop(account: Account, settings: Settings, *, said: Said) -> None:
    """Stop what runs, so that its pipeline can be deleted and nothing fills the buckets again."""
    _stop_executions(account.client("sagemaker"), settings.resource_name, said)


def purge(account: Account, settings: Settings, *, said: Said) -> str | None:
    """Remove model packages, and empty the buckets.

    Returns:
        The key's id, which is known no more once its stack is gone.
    """
    _remove_packages(account.client("sagemaker"), settings.resource_name, said)
    key = None
    buckets = []
    for resource, physical_id in _resources(account, settings.stack_name("foundation")):
        if resource == "AWS::S3::Bucket":
            buckets.append(physical_id)
        if resource == "AWS::KMS::Key":
            key = physical_id
    s3 = account.client("s3")
    for bucket in buckets:
        _stop_logging(s3, bucket)
    for bucket in buckets:
        _empty(s3, bucket, said)
    return key


def leftovers(account: Account, key: str | None) -> list[str]:
    """What stays behind, each with what becomes of it."""
    found = []
    if key:
        described = account.client("kms").describe_key(KeyId=key)["KeyMetadata"]
        if described["KeyState"] == "PendingDeletion":
            found.append(f"the key {key} is deleted on {described['DeletionDate']:%Y-%m-%d}, and costs nothing until then")
    logs = account.client("logs")
    for name in _SHARED_LOGS:
        if any(group["logGroupName"] == name for group in logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]):
            found.append(f"the log group {name} holds the logs of all jobs of this account, those of this environment among them")
    found.append("SageMaker keeps the records of jobs and executions; they cost nothing and cannot be deleted")
    found.append("the CDK's bootstrap (stack CDKToolkit and its bucket of code) serves all CDK apps of the account")
    return found


def _names(settings: Settings) -> tuple[str, str, str]:
    return settings.stack_name("foundation"), settings.stack_name("network"), settings.stack_name("pipeline")


def _resources(account: Account, stack: str) -> Iterator[tuple[str, str]]:
    """Type and physical id of a stack's resources; none if there is no such stack."""
    cloudformation = account.client("cloudformation")
    try:
        pages = list(cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack))
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return
    for page in pages:
        for resource in page["StackResourceSummaries"]:
            if resource.get("PhysicalResourceId") and resource.get("ResourceStatus") != "DELETE_COMPLETE":
                yield resource["ResourceType"], resource["PhysicalResourceId"]


def _stop_executions(sagemaker: Any, pipeline: str, said: Said) -> None:
    running = _running(sagemaker, pipeline)
    for arn in running:
        said(f"stopping {arn}")
        sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=f"stop-{arn.rpartition('/')[2]:0>32}")
    deadline = time.monotonic() + _STOP_SECONDS
    while running and (running := _running(sagemaker, pipeline)):
        if time.monotonic() > deadline:
            raise InputError(f"{', '.join(running)} did not stop within {_STOP_SECONDS // 60} minutes: stop its jobs and try again")
        time.sleep(5)


def _running(sagemaker: Any, pipeline: str) -> list[str]:
    try:
        pages = list(sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=pipeline))
    except ClientError as error:
        if _is_missing(error):
            return []
        raise
    return [
        execution["PipelineExecutionArn"]
        for page in pages
        for execution in page["PipelineExecutionSummaries"]
        if execution["PipelineExecutionStatus"] in ("Executing", "Stopping")
    ]


def _is_missing(error: ClientError) -> bool:
    found = error.response["Error"]
    return found["Code"] == "ResourceNotFound" or (found["Code"] == "ValidationException" and "not" in found["Message"])


def _remove_packages(sagemaker: Any, group: str, said: Said) -> None:
    """A group that holds packages refuses to be deleted."""
    try:
        pages = list(sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group))
    except ClientError as error:
        if _is_missing(error):
            return
        raise
    for page in pages:
        for package in page["ModelPackageSummaryList"]:
            said(f"removing {package['ModelPackageArn']}")
            sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])


def _stop_logging(s3: Any, bucket: str) -> None:
    """Otherwise what is done to one bucket fills the one that holds the logs."""
    with contextlib.suppress(s3.exceptions.NoSuchBucket):
        s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})


def _empty(s3: Any, bucket: str, said: Said) -> None:
    """Delete all versions of all objects, and what deletions have left."""
    removed = 0
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": _BATCH}):
            objects = [
                {"Key": entry["Key"], "VersionId": entry["VersionId"]}
                for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
            ]
            if objects:
                answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
                if errors := answer.get("Errors"):
                    raise InputError(f"{errors[0]['Key']} in {bucket} cannot be deleted: {errors[0]['Message']}")
                removed += len(objects)
    except s3.exceptions.NoSuchBucket:
        return
    said(f"emptied {bucket}: {removed} versions of objects")
