"""A synthesized app: its templates, what they export to each other, its file assets."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cloud_assembly.errors import AssemblyError
from cloud_assembly.intrinsics import NOWHERE, Environment, Resolver
from cloud_assembly.template import Resource, Template


@dataclass(frozen=True)
class Pipeline:
    """A SageMaker pipeline in a template; ``definition`` has stand-ins for what a deployment would know."""

    name: str
    template: Template
    resource: Resource
    definition: Mapping[str, Any]


@dataclass(frozen=True)
class FileAsset:
    """A file of the assembly, and the object that a deployment makes of it."""

    path: Path
    bucket: str
    key: str


@dataclass(frozen=True)
class Assembly:
    templates: Sequence[Template]
    environment: Environment = NOWHERE

    @classmethod
    def of(cls, files: Sequence[Path], environment: Environment = NOWHERE) -> "Assembly":
        """The assembly of these template files."""
        return cls([Template.load(file) for file in files], environment)

    def resolver(self, template: Template) -> Resolver:
        return Resolver(template, self.environment, self._exports)

    def resolved(self, resource: Resource, template: Template) -> Mapping[str, Any]:
        """The properties of a resource as plain data."""
        found: Mapping[str, Any] = self.resolver(template).resolve(resource.properties)
        return found

    def resources(self, type: str | None = None) -> Iterator[tuple[Template, Resource]]:
        """All resources of a type, each with its template."""
        for template in self.templates:
            for resource in template.resources(type):
                yield template, resource

    def pipelines(self) -> Iterator[Pipeline]:
        """All SageMaker pipelines.

        Raises:
            AssemblyError: a definition that is not JSON once it is resolved.
        """
        for template, resource in self.resources("AWS::SageMaker::Pipeline"):
            properties = self.resolved(resource, template)
            body = properties["PipelineDefinition"].get("PipelineDefinitionBody")
            try:
                definition = json.loads(body)
            except (TypeError, ValueError) as error:
                raise AssemblyError(f"{template.file}: the definition of {resource.logical_id} is not JSON: {error}") from error
            yield Pipeline(properties["PipelineName"], template, resource, definition)

    def assets(self) -> Iterator[FileAsset]:
        """All file assets but the templates themselves."""
        seen = set()
        for template in self.templates:
            manifest = template.file.with_name(template.file.name.replace(".template.json", ".assets.json"))
            files = json.loads(manifest.read_text()).get("files", {}) if manifest.exists() else {}
            for entry in files.values():
                path = manifest.parent / entry["source"]["path"]
                for destination in entry["destinations"].values():
                    asset = FileAsset(path, self._named(destination["bucketName"]), self._named(destination["objectKey"]))
                    if not path.name.endswith(".template.json") and asset not in seen:
                        seen.add(asset)
                        yield asset

    def _named(self, text: str) -> str:
        return text.replace("${AWS::AccountId}", self.environment.account).replace("${AWS::Region}", self.environment.region)

    @cached_property
    def _exports(self) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        # What is exported by one stack can be made of what another one exports: stacks stand in order of dependence.
        for template in self.templates:
            resolver = Resolver(template, self.environment, found)
            for output in template.body.get("Outputs", {}).values():
                if "Export" in output:
                    found[resolver.resolve(output["Export"]["Name"])] = resolver.resolve(output["Value"])
        return found


def read(path: Path, environment: Environment = NOWHERE) -> Assembly:
    """The assembly in a folder that a synth has written, or the one that a template file belongs to.

    Raises:
        AssemblyError: there is no assembly.
    """
    folder = path if path.is_dir() else path.parent
    if not (folder / "manifest.json").is_file():
        raise AssemblyError(f"{path} is not of a synthesized app: there is no manifest.json in {folder}; run `make synth` first")
    templates = list(_templates(folder))
    if not path.is_dir() and all(template.file.resolve() != path.resolve() for template in templates):
        raise AssemblyError(f"{path} is not one of the templates that {folder / 'manifest.json'} names")
    return Assembly(templates, environment)


def _templates(folder: Path) -> Iterator[Template]:
    """In order of dependence, those of nested assemblies included."""
    artifacts = json.loads((folder / "manifest.json").read_text()).get("artifacts", {})
    done: set[str] = set()

    def visit(name: str) -> Iterator[Template]:
        if name in done or name not in artifacts:
            return
        done.add(name)
        artifact = artifacts[name]
        for dependency in artifact.get("dependencies", ()):
            yield from visit(dependency)
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            yield from _templates(folder / properties["directoryName"])
        elif artifact["type"] == "aws:cloudformation:stack":
            yield Template.load(folder / properties["templateFile"], properties.get("stackName"))

    for name in artifacts:
        yield from visit(name)
