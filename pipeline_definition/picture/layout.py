"""The graph of a definition: nodes in columns, and the arrows that are not implied by others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline_definition.pipeline import references, walk


@dataclass(frozen=True)
class Node:
    name: str
    type: str
    description: str
    column: int
    row: float


@dataclass(frozen=True)
class Edge:
    """An arrow; ``label`` is the outcome of a condition, ``via`` the rows at which it crosses the columns in between."""

    source: str
    target: str
    label: str = ""
    via: tuple[float, ...] = ()


@dataclass(frozen=True)
class Graph:
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> "Graph":
        """Lay out a valid definition, left to right."""
        steps = {step["Name"]: step for step in walk(definition["Steps"])}
        branches = _branches(steps)
        needs = {name: _needs(step) | ({branches[name].source} if name in branches else set()) for name, step in steps.items()}
        columns = _columns(needs)
        arrows = [(need, name) for name in steps for need in sorted(_direct(name, needs), key=list(steps).index)]
        rows = _rows(columns, arrows)
        edges = [
            Edge(
                source, target,
                branches[target].label if target in branches and branches[target].source == source else "",
                tuple(rows[_crossing(source, target, column)] for column in range(columns[source] + 1, columns[target])),
            )
            for source, target in arrows
        ]  # fmt: skip
        nodes = [
            Node(name, step["Type"], step.get("Description", ""), columns[name], rows[name]) for name, step in steps.items()
        ]
        return cls(tuple(nodes), tuple(edges))


def _needs(step: Mapping[str, Any]) -> set[str]:
    found = {reference.split(".")[1] for reference in references(step) if reference.startswith("Steps.")}
    return found | {entry["Step"] if isinstance(entry, Mapping) else entry for entry in step.get("DependsOn") or ()}


def _branches(steps: Mapping[str, Mapping[str, Any]]) -> dict[str, Edge]:
    """The arrow into the first steps of each branch."""
    found: dict[str, Edge] = {}
    for name, step in steps.items():
        if step["Type"] == "Condition":
            for key, label in (("IfSteps", "yes"), ("ElseSteps", "no")):
                for inner in step["Arguments"].get(key) or ():
                    found[inner["Name"]] = Edge(name, inner["Name"], label)
    return found


def _columns(needs: Mapping[str, set[str]]) -> dict[str, int]:
    columns: dict[str, int] = {}

    def column(name: str) -> int:
        if name not in columns:
            columns[name] = 1 + max((column(need) for need in needs[name]), default=-1)
        return columns[name]

    for name in needs:
        column(name)
    return columns


def _direct(name: str, needs: Mapping[str, set[str]]) -> set[str]:
    """What a step waits for, without what these wait for themselves."""
    implied: set[str] = set()
    waiting = list(needs[name])
    while waiting:
        for further in needs[waiting.pop()]:
            if further not in implied:
                implied.add(further)
                waiting.append(further)
    return needs[name] - implied


def _rows(columns: Mapping[str, int], arrows: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Centred columns, ordered by where a step's predecessors are.

    An arrow over several columns takes a row in each of them, as a step
    would, so that it does not run behind one.
    """
    before: dict[str, list[str]] = {name: [] for name in columns}
    places = dict(columns)
    for source, target in arrows:
        last = source
        for column in range(columns[source] + 1, columns[target]):
            crossing = _crossing(source, target, column)
            places[crossing], before[crossing] = column, [last]
            last = crossing
        before[target].append(last)
    rows: dict[str, float] = {}
    for number in range(max(columns.values(), default=-1) + 1):
        members = [name for name, column in places.items() if column == number]
        centre = {name: _mean([rows[need] for need in before[name]]) for name in members}
        for place, name in enumerate(sorted(members, key=lambda name: centre[name])):
            rows[name] = place - (len(members) - 1) / 2
    return rows


def _crossing(source: str, target: str, column: int) -> str:
    """The name of the place where an arrow crosses a column; no step can have it."""
    return f"{source} → {target} @ {column}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
