"""A pipeline: parameters and steps, checked and rendered to one definition."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline_definition.errors import DefinitionError
from pipeline_definition.parameters import Parameter
from pipeline_definition.steps.base import Step

VERSION = "2020-12-01"
_LARGEST_DEFINITION = 2**20


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    parameters: Sequence[Parameter]
    steps: Sequence[Step]

    def to_definition(self) -> dict[str, Any]:
        """The definition as JSON-ready data.

        Raises:
            DefinitionError: a name is used twice, or a reference leads nowhere.
        """
        definition: dict[str, Any] = {
            "Version": VERSION,
            "Metadata": {},
            "Parameters": [parameter.to_declaration() for parameter in self.parameters],
            # None, and not absent: the service would otherwise make an experiment of every run.
            "PipelineExperimentConfig": None,
            "Steps": [step.to_request() for step in self.steps],
        }
        check(definition)
        return definition


def check(definition: Mapping[str, Any]) -> None:
    """Names are unique and every reference has a target.

    Raises:
        DefinitionError: naming the step and what it refers to.
    """
    declared = [parameter["Name"] for parameter in definition["Parameters"]]
    steps = list(walk(definition["Steps"]))
    names = [step["Name"] for step in steps]
    for kind, found in (("parameter", declared), ("step", names)):
        if twice := sorted({name for name in found if found.count(name) > 1}):
            raise DefinitionError(f"{kind} {', '.join(twice)} is defined twice")
    files = {(step["Name"], file["PropertyFileName"]) for step in steps for file in step.get("PropertyFiles", ())}
    for step in steps:
        for reference in references(step):
            _check_reference(step["Name"], reference, set(declared), set(names), files)
        for name in step.get("DependsOn", ()):
            if name not in names:
                raise DefinitionError(f"step {step['Name']} depends on {name}, which is not a step")
    if len(json.dumps(definition)) > _LARGEST_DEFINITION:
        raise DefinitionError("the definition is larger than 1 MiB")


def walk(steps: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """All steps, those in branches included."""
    for step in steps:
        yield step
        if step["Type"] == "Condition":
            yield from walk(step["Arguments"].get("IfSteps", ()))
            yield from walk(step["Arguments"].get("ElseSteps", ()))


def references(step: Mapping[str, Any]) -> Iterator[str]:
    """The targets of all ``Get`` in a step, without those of the steps in its branches."""
    own = {key: value for key, value in step.items() if key != "Arguments"}
    own["Arguments"] = {
        key: value for key, value in step["Arguments"].items()
        if not (step["Type"] == "Condition" and key in ("IfSteps", "ElseSteps"))
    }  # fmt: skip
    yield from _gets(own)


def _gets(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        if set(value) == {"Get"}:
            yield value["Get"]
        for inner in value.values():
            yield from _gets(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _gets(inner)


def _check_reference(
    step: str, reference: str, parameters: set[str], steps: set[str], files: set[tuple[str, str]]
) -> None:
    kind, _, rest = reference.partition(".")
    if kind == "Parameters" and rest not in parameters:
        raise DefinitionError(f"step {step} uses the parameter {rest}, which is not declared")
    if kind == "Steps":
        target, _, path = rest.partition(".")
        if target not in steps:
            raise DefinitionError(f"step {step} uses {reference}, but there is no step {target}")
        if path.startswith("PropertyFiles.") and (target, path.split(".")[1]) not in files:
            raise DefinitionError(f"step {step} uses {reference}, but {target} has no such property file")
