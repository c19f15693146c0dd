"""One CloudFormation template."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloud_assembly.errors import AssemblyError


@dataclass(frozen=True)
class Resource:
    """A resource as the template has it, intrinsic functions included."""

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Template:
    """``stack`` is the stack's name, as far as it is known, else the file's."""

    stack: str
    file: Path
    body: Mapping[str, Any]

    @classmethod
    def load(cls, file: Path, stack: str | None = None) -> "Template":
        """
        Raises:
            AssemblyError: the file is missing or is no template.
        """
        try:
            body = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise AssemblyError(f"{file} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise AssemblyError(f"{file} is not JSON: {error}") from error
        if not isinstance(body, dict) or not isinstance(body.get("Resources"), dict):
            raise AssemblyError(f"{file} has no Resources: it is not a CloudFormation template")
        return cls(stack or file.name.removesuffix(".template.json"), file, body)

    def resources(self, type: str | None = None) -> Iterator[Resource]:
        """The resources of one type, or all."""
        for logical_id, body in self.body["Resources"].items():
            if type in (None, body["Type"]):
                yield Resource(logical_id, body["Type"], body.get("Properties", {}), body)
