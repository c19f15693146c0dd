"""The resources of a run on this machine: local names in place of what a deploy would make."""

from collections.abc import Mapping
from pathlib import Path

from fraud import content
from local_sagemaker import Home, Runtime
from pipeline_definition import Code, Network, Resources, code_archives, images, wheelhouse
from pipeline_definition.code_archives import Archive
from pipeline_definition.fraud_detection import CUSTOM_IMAGE, assets, plan
from settings import Settings
from training_code.claims import schema

RUNTIMES = (
    # What Clarify's container would do, by this project's own metrics.
    Runtime(
        "sagemaker-clarify-processing:*",
        command=("python3", "-m", "training_code.clarify"),
        environment={"PYTHONPATH": str(code_archives.ROOT)},
    ),
)
"""What stands for images that only this project knows a stand-in for."""

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
        role={entry.step: f"arn:aws:iam::{_ACCOUNT}:role/{PIPELINE}-{entry.step}" for entry in plan(settings)},
        code={name: Code(_code_uri(name, asset), asset.file_name, asset.digest) for name, asset in assets(settings).items()},
        image={entry.step: _image(entry.image, settings) for entry in plan(settings)},
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
    for name, asset in assets(settings).items():
        content.store(home, _code_uri(name, asset), asset.content)
    resources = named(settings, claims_uri=uris[schema.Table.CLAIMS], customers_uri=uris[schema.Table.CUSTOMERS])
    wheels = wheelhouse.build()
    wheelhouse_uri = _code_uri("wheelhouse", wheels)
    content.store(home, wheelhouse_uri, wheels.content)
    return replace(resources, wheelhouse_uri=wheelhouse_uri)


def _image(name: str, settings: Settings) -> str:
    if name != CUSTOM_IMAGE:
        return images.table()[name].uri_in(_REGION)
    container = settings.training.container
    assert container is not None
    # An image that a deploy would build has no name before.
    return container.image or f"{_ACCOUNT}.dkr.ecr.{_REGION}.amazonaws.com/{PIPELINE}-custom:latest"


def _code_uri(step: str, archive: Archive) -> str:
    return f"s3://{_ARTIFACTS}/code/{step}/{archive.digest[:32]}/{archive.file_name}"
