"""A pipeline out of a synthesized template, made ready to run on this machine."""

from collections.abc import Mapping
from pathlib import Path

import cloud_assembly
from fraud import content
from fraud.errors import InputError
from local_sagemaker import Definition, Home
from stacks import layout
from training_code.claims.schema import Table

_DATA = "data"


def provide(home: Home, path: Path) -> tuple[Definition, str]:
    """The definition and the name of the one pipeline at ``path``; its code lies in the local S3 afterwards.

    Args:
        path: a template, or the folder that a synth has written.

    Raises:
        InputError: there is no pipeline, or several.
    """
    try:
        assembly = cloud_assembly.read(path)
        pipelines = [
            pipeline for pipeline in assembly.pipelines() if path.is_dir() or pipeline.template.file.resolve() == path.resolve()
        ]
    except cloud_assembly.AssemblyError as error:
        raise InputError(f"--template: {error}") from error
    if len(pipelines) != 1:
        found = ", ".join(pipeline.name for pipeline in pipelines) or "none"
        raise InputError(f"--template: {path} should have one SageMaker pipeline; it has {found}")
    for asset in assembly.assets():
        if asset.path.is_file():
            content.store(home, f"s3://{asset.bucket}/{asset.key}", asset.path.read_bytes())
    return Definition.parse(dict(pipelines[0].definition)), pipelines[0].name


def parameters(home: Home, data: Mapping[Table, Path]) -> dict[str, str]:
    """The parameters that point to the data, which lies in the local S3 afterwards."""
    return {
        parameter: content.upload(home, f"s3://{_DATA}/{table}", data[Table(table)]) for parameter, table in layout.DATA_PARAMETERS.items()
    }
