"""Parses a pipeline definition into a graph of steps, and checks it before anything runs."""

import graphlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_sagemaker.errors import BadInputError

_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")

Json = dict[str, Any]

CHECK_TYPES = ("ClarifyCheck", "QualityCheck")
JOB_TYPES = ("Processing", "Training", "Tuning", "Transform", *CHECK_TYPES)
OTHER_TYPES = ("Model", "RegisterModel", "Condition", "Fail")
TYPES = (*JOB_TYPES, *OTHER_TYPES)
CHECK_FIELDS = (
    "CheckType", "FailOnViolation", "ModelName", "ModelPackageGroupName", "RegisterNewBaseline", "SkipCheck",
    "SuppliedBaselineConstraints", "SuppliedBaselineStatistics",
)  # fmt: skip
"""What a check step says beside its Arguments."""


@dataclass(frozen=True)
class Node:
    """A step in the graph.

    ``branch`` is the Condition step it belongs to and the outcome for which
    it runs; ``needs`` are the steps that must have ended before it.
    """

    name: str
    type: str
    request: Mapping[str, Any]
    needs: frozenset[str]
    branch: tuple[str, bool] | None

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The step's request; that of a check step includes what it says beside its Arguments."""
        arguments: Mapping[str, Any] = self.request["Arguments"]
        if self.type not in CHECK_TYPES:
            return arguments
        return {**arguments, **{name: self.request[name] for name in CHECK_FIELDS if self.request.get(name) is not None}}

    @property
    def is_job(self) -> bool:
        return self.type in JOB_TYPES


@dataclass(frozen=True)
class Definition:
    """Parameters and steps, in the order in which the definition lists them."""

    parameters: Mapping[str, Mapping[str, Any]]
    nodes: Mapping[str, Node]
    source: Mapping[str, Any]

    @classmethod
    def read(cls, file: Path) -> "Definition":
        """From a JSON file.

        Raises:
            BadInputError: no such file, no JSON, or no definition.
        """
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise BadInputError(f"cannot read the definition {file}: {error.strerror}") from error
        except ValueError as error:
            raise BadInputError(f"the definition {file} is not JSON: {error}") from error
        return cls.parse(content)

    @classmethod
    def parse(cls, source: object) -> "Definition":
        """From its data.

        Raises:
            BadInputError: naming the step and what is wrong with it.
        """
        if not isinstance(source, Mapping) or not isinstance(source.get("Steps"), list):
            raise BadInputError("this is no pipeline definition: it has no list of Steps")
        parameters: dict[str, Mapping[str, Any]] = {}
        for entry in _list(source.get("Parameters"), "Parameters"):
            name = _field(entry, "Name", "a parameter")
            if name in parameters:
                raise BadInputError(f"the parameter {name} is declared twice")
            _list(entry.get("EnumValues"), f"EnumValues of the parameter {name}")
            parameters[name] = entry
        nodes: dict[str, Node] = {}
        for step, branch in _walk(source["Steps"], None):
            node = _node(step, branch)
            if node.name in nodes:
                raise BadInputError(f"step {node.name} is defined twice")
            nodes[node.name] = node
        definition = cls(parameters, nodes, source)
        definition._check()
        return definition

    def levels(self) -> dict[str, int]:
        """How many steps lie before each on its longest path."""
        order = graphlib.TopologicalSorter({name: node.needs for name, node in self.nodes.items()}).static_order()
        levels: dict[str, int] = {}
        for name in order:
            levels[name] = 1 + max((levels[need] for need in self.nodes[name].needs), default=-1)
        return levels

    def _check(self) -> None:
        for node in self.nodes.values():
            for need in sorted(node.needs):
                if need not in self.nodes:
                    raise BadInputError(f"step {node.name} refers to the step {need}, which is not defined")
            for reference in _references(_own(node.request)):
                kind, _, rest = reference.partition(".")
                if kind == "Parameters" and rest not in self.parameters:
                    raise BadInputError(f"step {node.name} uses the parameter {rest}, which is not declared")
                if kind not in ("Parameters", "Execution", "Steps"):
                    raise BadInputError(f"step {node.name} uses {reference}, which is no parameter, step or execution variable")
        try:
            self.levels()
        except graphlib.CycleError as error:
            raise BadInputError(f"the steps wait for each other: {' → '.join(error.args[1])}") from error


def _walk(steps: object, branch: tuple[str, bool] | None) -> Iterator[tuple[Json, tuple[str, bool] | None]]:
    if not isinstance(steps, list):
        raise BadInputError("Steps must be a list")
    for step in steps:
        if not isinstance(step, dict):
            raise BadInputError(f"a step must be an object, not {step!r}")
        yield step, branch
        if step.get("Type") == "Condition":
            name = _field(step, "Name", "a step")
            yield from _walk(_arguments(step).get("IfSteps") or [], (name, True))
            yield from _walk(_arguments(step).get("ElseSteps") or [], (name, False))


def _node(step: Json, branch: tuple[str, bool] | None) -> Node:
    name = _field(step, "Name", "a step")
    if not _NAME.fullmatch(name):
        raise BadInputError(f"step {name!r}: a name is 1 to 64 letters, digits, - and _")
    kind = _field(step, "Type", f"step {name}")
    if kind not in TYPES:
        raise BadInputError(f"step {name} has the type {kind}, which cannot run locally; these can: {', '.join(TYPES)}")
    _arguments(step)
    needs = {reference.split(".")[1] for reference in _references(_own(step)) if reference.startswith("Steps.")}
    for entry in _list(step.get("DependsOn"), f"DependsOn of step {name}"):
        # Besides names there are objects with a trigger, of which success is the only one here.
        needs.add(entry if isinstance(entry, str) else _field(entry, "Step", f"an entry in DependsOn of step {name}"))
    if branch:
        needs.add(branch[0])
    return Node(name, kind, step, frozenset(needs), branch)


def _own(step: Mapping[str, Any]) -> Json:
    """A step without the steps in its branches."""
    own = dict(step)
    if step["Type"] == "Condition":
        own["Arguments"] = {"Conditions": step["Arguments"].get("Conditions", [])}
    return own


def _references(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        if set(value) == {"Get"} and isinstance(value["Get"], str):
            yield value["Get"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _list(value: object, what: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadInputError(f"{what} must be a list, not {value!r}")
    return value


def _field(entry: object, name: str, owner: str) -> str:
    value = entry.get(name) if isinstance(entry, Mapping) else None
    if not isinstance(value, str):
        raise BadInputError(f"{owner} has no {name}")
    return value


def _arguments(step: Json) -> Json:
    arguments = step.setdefault("Arguments", {})
    if not isinstance(arguments, dict):
        raise BadInputError(f"step {step['Name']}: Arguments must be an object")
    return arguments
