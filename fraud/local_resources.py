"""The resources of a run on this machine: local names in place of what a deploy would make."""

from collections.abc import Mapping
from pathlib import Path

from fraud import content
from local_sagemaker import Home
from pipeline_definition import Code, Network, Resources, code_archives, images, wheelhouse
from pipeline_definition.fraud_detection import IMAGE, JOB_STEPS
from settings import Settings
from training_code.claims import schema

PIPELINE = "fraud-detection"
GROUP = "fraud-detection"

_DATA, _ARTIFACTS = "fraud-detection-data", "fraud-detection-artifacts"
_ACCOUNT = "000000000000"
# Any region's: the local runtime looks at the repository and the tag.
_REGION = "eu-west-1"


def named(settings: Settings, *, claims_uri: str | None = None, customers_uri: str | None = None) -> Resources:
    """Names only: nothing is written, so that a definition can be looked at anywhere."""
    return Resources(
        artifact_bucket=_ARTIFACTS,
        key=f"alias/{PIPELINE}",
        role={step: f"arn:aws:iam::{_ACCOUNT}:role/{PIPELINE}-{step}" for step in JOB_STEPS},
        code={step: Code(_code_uri(step, archive), archive.file_name) for step, archive in code_archives.build().items()},
        image={step: images.table()[IMAGE[step]].uri_in(_REGION) for step in JOB_STEPS},
        wheelhouse_uri=f"s3://{_ARTIFACTS}/wheelhouse",
        claims_uri=claims_uri,
        customers_uri=customers_uri,
        model_package_group=GROUP,
        network=Network(isolated=settings.network_isolation),
        tags=settings.tags,
    )


def provide(home: Home, settings: Settings, *, data: Mapping[schema.Table, Path]) -> Resources:
    """Put data, code and wheelhouse into the local S3, each under the hash of its content.

    Raises:
        DefinitionError: the wheelhouse has not been set up.
    """
    from dataclasses import replace

    uris = {table: content.upload(home, f"s3://{_DATA}/{table}", path) for table, path in data.items()}
    for step, archive in code_archives.build().items():
        content.store(home, _code_uri(step, archive), archive.content)
    resources = named(settings, claims_uri=uris[schema.Table.CLAIMS], customers_uri=uris[schema.Table.CUSTOMERS])
    wheels = wheelhouse.build()
    wheelhouse_uri = _code_uri("wheelhouse", wheels)
    content.store(home, wheelhouse_uri, wheels.content)
    return replace(resources, wheelhouse_uri=wheelhouse_uri)


def _code_uri(step: str, archive: code_archives.Archive) -> str:
    return f"s3://{_ARTIFACTS}/code/{step}/{archive.digest[:32]}/{archive.file_name}"
