"""The graph as an SVG that reads on light and dark pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from pipeline_definition.picture.layout import Edge, Graph, Node

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 136, 46, 44, 26, 16
_FILL = {
    "Processing": "#ddf4ff", "Training": "#dafbe1", "Tuning": "#dafbe1", "Condition": "#fff8c5",
    "Fail": "#ffebe9", "RegisterModel": "#fbefff", "Model": "#fbefff", "Transform": "#ddf4ff",
}  # fmt: skip
_INK, _FAINT, _LINE = "#1f2328", "#57606a", "#6e7781"


@dataclass(frozen=True)
class Mark:
    """What a picture of a run adds to a step: a colour, and a line of text instead of the type."""

    colour: str
    text: str


def svg(graph: Graph, marks: Mapping[str, Mark] | None = None) -> str:
    """Steps as boxes in columns from left to right, arrows for what waits for what."""
    marks = marks or {}
    rows = [*(node.row for node in graph.nodes), *(row for edge in graph.edges for row in edge.via)] or [0.0]
    columns = 1 + max((node.column for node in graph.nodes), default=0)
    top = min(rows)
    width = 2 * _MARGIN + columns * _WIDTH + (columns - 1) * _GAP_X
    height = 2 * _MARGIN + (max(rows) - top) * (_HEIGHT + _GAP_Y) + _HEIGHT
    places = {node.name: (_x(node), _y(node.row - top)) for node in graph.nodes}
    body = [_arrow(edge, places, [_y(row - top) + _HEIGHT / 2 for row in edge.via]) for edge in graph.edges]
    body += [_box(node, places[node.name], marks.get(node.name)) for node in graph.nodes]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" width="{width}" height="{height:.0f}" '
        'role="img" aria-label="The steps of the pipeline" font-family="system-ui, sans-serif">'
        f'<rect width="100%" height="100%" rx="8" fill="#ffffff"/>'
        f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0,0 L8,4 L0,8 z" fill="{_LINE}"/></marker></defs>' + "".join(body) + "</svg>\n"
    )


def _x(node: Node) -> float:
    return _MARGIN + node.column * (_WIDTH + _GAP_X)


def _y(row: float) -> float:
    return _MARGIN + row * (_HEIGHT + _GAP_Y)


def _box(node: Node, place: tuple[float, float], mark: Mark | None) -> str:
    x, y = place
    fill = mark.colour if mark else _FILL.get(node.type, "#f6f8fa")
    radius = 22 if node.type == "Condition" else 7
    below = mark.text if mark else node.type
    middle = x + _WIDTH / 2
    return (
        f"<g><title>{escape(node.description or node.name)}</title>"
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{_WIDTH}" height="{_HEIGHT}" rx="{radius}" fill="{fill}" stroke="{_LINE}"/>'
        f'<text x="{middle:.1f}" y="{y + 20:.1f}" text-anchor="middle" font-size="13" font-weight="600" '
        f'fill="{_INK}">{escape(_short(node.name))}</text>'
        f'<text x="{middle:.1f}" y="{y + 36:.1f}" text-anchor="middle" font-size="11" fill="{_FAINT}">{escape(below)}</text></g>'
    )


def _arrow(edge: Edge, places: Mapping[str, tuple[float, float]], via: Sequence[float]) -> str:
    """A curve through the columns in between, at the heights ``via``."""
    (x1, y1), (x2, y2) = places[edge.source], places[edge.target]
    x, y, y2 = x1 + _WIDTH, y1 + _HEIGHT / 2, y2 + _HEIGHT / 2
    curve = f"M{x:.1f},{y:.1f}"
    bend = _GAP_X / 2
    for height in (*via, y2):
        end = x + _GAP_X - (2 if (x + _GAP_X) >= x2 else 0)
        curve += f" C{x + bend:.1f},{y:.1f} {x + bend:.1f},{height:.1f} {end:.1f},{height:.1f}"
        x, y = x + _GAP_X + _WIDTH, height
        if x <= x2:
            curve += f" H{x:.1f}"
    path = f'<path d="{curve}" fill="none" stroke="{_LINE}" stroke-width="1.4" marker-end="url(#tip)"/>'
    if edge.label:
        lift = 18 if y2 > y1 + _HEIGHT / 2 else -8
        place = f'x="{x2 - 18:.1f}" y="{y2 + lift:.1f}"'
        path += f'<text {place} text-anchor="middle" font-size="11" fill="{_FAINT}">{escape(edge.label)}</text>'
    return path


def _short(name: str) -> str:
    return name if len(name) <= 17 else f"{name[:16]}…"
