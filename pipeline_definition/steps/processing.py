"""A Processing step: a script over folders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pipeline_definition.errors import DefinitionError
from pipeline_definition.expressions import JsonGet, Property
from pipeline_definition.steps.base import JobStep, vpc_config

_LONGEST_ARGUMENT = 256


@dataclass(frozen=True, kw_only=True)
class Input:
    """An S3 prefix as a folder. ``sharded`` hands each instance its share of the objects."""

    name: str
    uri: object
    path: str
    sharded: bool = False

    def to_request(self) -> dict[str, Any]:
        return {
            "InputName": self.name,
            "S3Input": {
                "S3Uri": self.uri,
                "LocalPath": self.path,
                "S3DataType": "S3Prefix",
                "S3InputMode": "File",
                "S3DataDistributionType": "ShardedByS3Key" if self.sharded else "FullyReplicated",
                "S3CompressionType": "None",
            },
        }


@dataclass(frozen=True, kw_only=True)
class Output:
    """A folder that is uploaded when the job ends."""

    name: str
    uri: object
    path: str

    def to_request(self) -> dict[str, Any]:
        return {
            "OutputName": self.name,
            "S3Output": {"S3Uri": self.uri, "LocalPath": self.path, "S3UploadMode": "EndOfJob"},
        }


@dataclass(frozen=True, kw_only=True)
class PropertyFile:
    """A JSON file in an output that conditions and later steps can read."""

    name: str
    output: str
    path: str

    def to_request(self) -> dict[str, Any]:
        return {"PropertyFileName": self.name, "OutputName": self.output, "FilePath": self.path}


@dataclass(frozen=True, kw_only=True)
class ProcessingStep(JobStep):
    """Without an ``entrypoint`` the image's own runs."""

    type: ClassVar[str] = "Processing"
    entrypoint: Sequence[str]
    container_arguments: Sequence[object] = ()
    inputs: Sequence[Input] = ()
    outputs: Sequence[Output] = ()
    property_files: Sequence[PropertyFile] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        names = {output.name for output in self.outputs}
        for file in self.property_files:
            if file.output not in names:
                raise DefinitionError(f"step {self.name}: property file {file.name} is in the output {file.output!r}, which it has not")
        for argument in self.container_arguments:
            if isinstance(argument, str) and len(argument) > _LONGEST_ARGUMENT:
                raise DefinitionError(f"step {self.name}: an argument is longer than {_LONGEST_ARGUMENT}: {argument[:60]}…")

    def output(self, name: str) -> Property:
        """Where the output called ``name`` lies."""
        if name not in {output.name for output in self.outputs}:
            raise DefinitionError(f"step {self.name} has no output {name!r}")
        return Property(self.name, f"ProcessingOutputConfig.Outputs['{name}'].S3Output.S3Uri")

    def value(self, property_file: str, path: str) -> JsonGet:
        """A value out of one of the step's property files."""
        if property_file not in {file.name for file in self.property_files}:
            raise DefinitionError(f"step {self.name} has no property file {property_file!r}")
        return JsonGet(self.name, property_file, path)

    def arguments(self) -> Mapping[str, Any]:
        network: dict[str, Any] = {
            "EnableNetworkIsolation": self.network.isolated,
            "EnableInterContainerTrafficEncryption": self.network.encrypt_between_instances,
        }
        if vpc := vpc_config(self.network):
            network["VpcConfig"] = vpc
        request: dict[str, Any] = {
            "ProcessingResources": {"ClusterConfig": self.cluster()},
            "AppSpecification": {
                "ImageUri": self.image,
                # The service takes a list of at least one, or none.
                **({"ContainerEntrypoint": self.entrypoint} if self.entrypoint else {}),
                **({"ContainerArguments": self.container_arguments} if self.container_arguments else {}),
            },
            "RoleArn": self.role,
            "ProcessingInputs": [entry.to_request() for entry in self.inputs],
            "ProcessingOutputConfig": {"Outputs": [entry.to_request() for entry in self.outputs]},
            "NetworkConfig": network,
            "StoppingCondition": {"MaxRuntimeInSeconds": self.max_runtime_seconds},
        }
        if self.output_key:
            request["ProcessingOutputConfig"]["KmsKeyId"] = self.output_key
        if self.environment:
            request["Environment"] = dict(self.environment)
        if self.tags:
            request["Tags"] = self.tag_list()
        return request

    def extras(self) -> Mapping[str, Any]:
        if not self.property_files:
            return {}
        return {"PropertyFiles": [file.to_request() for file in self.property_files]}
