"""``fraud start``: an execution of the deployed pipeline."""

import fnmatch
import json
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from fraud.commands.shared import AsJson, Env, pairs, print_json
from fraud.errors import FAILED, InputError
from stacks import layout

_POLL_SECONDS = 15
_ENDED = ("Succeeded", "Failed", "Stopped")


def start(
    claims: Annotated[str | None, typer.Option(help="Claims: a file or folder to upload, or an s3:// prefix in the data bucket.")] = None,
    customers: Annotated[str | None, typer.Option(help="Customers: likewise.")] = None,
    env: Env = "dev",
    param: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A pipeline parameter; may be repeated.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end; exit code 1 if it fails.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start the deployed pipeline, compared with the approved model of the highest version.

    Files are uploaded under the hash of their content, so that the same
    claims reuse what earlier executions have made of them. Without --claims it
    takes the batch that was announced last: incoming/NAME/_READY.

    Examples:

      fraud start --claims claims.csv --customers customers.csv --wait

      fraud start --env prod --param ReviewCapacity=0.05
    """
    import settings
    from fraud.deployment import account
    from stacks.functions import start_execution

    chosen = settings.load(env)
    overrides = pairs(param or [])
    place = account.connect(chosen)
    deployed = account.outputs(place, chosen)
    sagemaker = place.client("sagemaker")
    _check(sagemaker, deployed["PipelineName"], overrides)
    parameters, name = _data(place, deployed["DataBucketName"], claims, customers)
    arn = start_execution.start(
        sagemaker, deployed["PipelineName"], parameters | overrides,
        group=deployed["ModelPackageGroupName"], name=name, token=uuid.uuid4().hex,
    )  # fmt: skip
    status = _wait(sagemaker, arn) if wait else {"PipelineExecutionStatus": "Executing"}
    if as_json:
        print_json({"execution": arn, "status": status["PipelineExecutionStatus"], "parameters": parameters | overrides})
    else:
        print(f"{status['PipelineExecutionStatus']}: {arn}")
        for reason in _reasons(sagemaker, arn, status):
            print(reason)
    if wait and status["PipelineExecutionStatus"] != "Succeeded":
        raise typer.Exit(FAILED)


def _check(sagemaker: Any, pipeline: str, overrides: Mapping[str, str]) -> None:
    """What the deployed pipeline does not know would be refused only once the data is uploaded."""
    definition = json.loads(sagemaker.describe_pipeline(PipelineName=pipeline)["PipelineDefinition"])
    declared = {parameter["Name"]: parameter.get("EnumValues") for parameter in definition["Parameters"]}
    for name, value in overrides.items():
        if name not in declared:
            raise InputError(f"--param {name}: {pipeline} has no such parameter; it has {', '.join(declared)}")
        if (allowed := declared[name]) and value not in allowed:
            raise InputError(f"--param {name}={value}: may be {', '.join(allowed)}")


def _data(place: Any, bucket: str, claims: str | None, customers: str | None) -> tuple[dict[str, str], str]:
    """The parameters that name the data, and what to call the execution."""
    from stacks.functions import start_execution

    if claims is None and customers is None:
        batch = start_execution.newest(place.client("s3"), bucket)
        if batch is None:
            raise InputError(
                f"no batch has been announced in s3://{bucket}/{start_execution.BATCHES}/: give --claims and --customers, "
                f"or write {start_execution.BATCHES}/NAME/{start_execution.MARKER} behind a batch"
            )
        return start_execution.parameters_of(bucket, batch), batch.name
    if claims is None or customers is None:
        raise InputError("--claims and --customers go together: every claim is joined to its customer")
    given = {"claims": claims, "customers": customers}
    uris = {table: _place(place, bucket, table, source) for table, source in given.items()}
    return {"ClaimsUri": uris["claims"], "CustomersUri": uris["customers"]}, Path(claims).stem


def _place(place: Any, bucket: str, table: str, source: str) -> str:
    """The URI of a table: as given, or where its files have been uploaded to."""
    if source.startswith("s3://"):
        key = source.removeprefix(f"s3://{bucket}/")
        if key == source or not any(fnmatch.fnmatchcase(key, pattern) for pattern in layout.readable(table)):
            may = " or ".join(f"s3://{bucket}/{pattern}" for pattern in layout.readable(table))
            raise InputError(f"--{table} {source} is not where the jobs may read: {may}")
        return source
    if not Path(source).exists():
        raise InputError(f"--{table}: there is no file or folder {source}")
    from fraud.deployment.upload import upload

    return upload(place.client("s3"), bucket, table, Path(source), said=lambda text: print(text, file=sys.stderr, flush=True))


def _wait(sagemaker: Any, arn: str) -> dict[str, Any]:
    """The description of an execution that has ended."""
    said = ""
    while True:
        found: dict[str, Any] = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        status = found["PipelineExecutionStatus"]
        if status != said:
            print(f"{time.strftime('%H:%M:%S')} {status}", file=sys.stderr, flush=True)
            said = status
        if status in _ENDED:
            return found
        time.sleep(_POLL_SECONDS)


def _reasons(sagemaker: Any, arn: str, status: dict[str, Any]) -> list[str]:
    """Why an execution failed, step by step."""
    if status["PipelineExecutionStatus"] != "Failed":
        return []
    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    return [f"{step['StepName']}: {step.get('FailureReason', 'failed')}" for step in steps if step["StepStatus"] == "Failed"]
