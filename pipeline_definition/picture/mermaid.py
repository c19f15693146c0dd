"""The graph as Mermaid, which GitHub draws in Markdown."""

from pipeline_definition.picture.layout import Graph

_SHAPES = {"Condition": ("{{", "}}"), "Fail": ("([", "])"), "RegisterModel": ("[(", ")]")}


def mermaid(graph: Graph) -> str:
    """A flowchart from left to right."""
    lines = ["flowchart LR"]
    for node in graph.nodes:
        left, right = _SHAPES.get(node.type, ("[", "]"))
        lines.append(f'    {_id(node.name)}{left}"{node.name}<br/><small>{node.type}</small>"{right}')
    for edge in graph.edges:
        label = f"|{edge.label}|" if edge.label else ""
        lines.append(f"    {_id(edge.source)} -->{label} {_id(edge.target)}")
    return "\n".join(lines) + "\n"


def _id(name: str) -> str:
    return name.replace("-", "_")
