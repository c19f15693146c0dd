"""Small SVG charts: curves, bars and histograms with axes that a reader can trust."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 420, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 30, 44
COLOURS = ("#1f6feb", "#d1570a", "#1a7f37", "#8250df")
_INK, _FAINT = "#57606a", "#d8dee4"


@dataclass(frozen=True)
class Series:
    """One line of a curve chart; ``band`` holds lower and upper limits per point."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    dashed: bool = False
    markers: bool = False
    band: tuple[Sequence[float], Sequence[float]] | None = None


@dataclass
class _Frame:
    """Axes: maps data to pixels and collects the drawing."""

    title: str
    x_label: str
    y_label: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    parts: list[str] = field(default_factory=list)

    def x(self, value: float) -> float:
        low, high = self.x_range
        return _LEFT + (value - low) / (high - low or 1) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        low, high = self.y_range
        return HEIGHT - _BOTTOM - (value - low) / (high - low or 1) * (HEIGHT - _TOP - _BOTTOM)

    def axes(self, *, x_ticks: bool = True) -> None:
        for tick in ticks(*self.y_range):
            y = self.y(tick)
            self.parts.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_FAINT}"/>')
            self.parts.append(_text(_LEFT - 6, y + 4, _format(tick), anchor="end"))
        if x_ticks:
            for tick in ticks(*self.x_range):
                self.parts.append(_text(self.x(tick), HEIGHT - _BOTTOM + 16, _format(tick)))
        self.parts.append(_text((WIDTH + _LEFT - _RIGHT) / 2, HEIGHT - 8, self.x_label))
        mid = (HEIGHT + _TOP - _BOTTOM) / 2
        self.parts.append(_text(14, mid, self.y_label, extra=f' transform="rotate(-90 14 {mid:.1f})"'))

    def svg(self) -> str:
        head = (
            f'<svg class="chart" role="img" aria-label="{escape(self.title, quote=True)}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}" xmlns="http://www.w3.org/2000/svg" '
            'font-family="system-ui, sans-serif" font-size="11">'
        )
        title = _text(_LEFT, 18, self.title, anchor="start", extra=' font-weight="600" font-size="13"', fill="#1f2328")
        return head + title + "".join(self.parts) + "</svg>"


def curves(
    title: str, series: Sequence[Series], *, x_label: str, y_label: str,
    x_range: tuple[float, float] | None = None, y_range: tuple[float, float] | None = None,
) -> str:  # fmt: skip
    """Lines over a common numeric axis, with a legend when there are several."""
    frame = _Frame(title, x_label, y_label, x_range or _span(series, "x"), y_range or _span(series, "y"))
    frame.axes()
    # A curve may leave the range that the caller wants seen; it must not run over the title.
    x, y, width, height = _LEFT, _TOP - 3, WIDTH - _LEFT - _RIGHT + 3, HEIGHT - _TOP - _BOTTOM + 6
    frame.parts.append(f'<svg x="{x}" y="{y}" width="{width}" height="{height}" viewBox="{x} {y} {width} {height}">')
    for line, colour in zip(series, COLOURS, strict=False):
        if line.band:
            edge = [(x, y) for x, y in zip(line.x, line.band[1], strict=True)]
            edge += reversed([(x, y) for x, y in zip(line.x, line.band[0], strict=True)])
            points = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in edge)
            frame.parts.append(f'<polygon points="{points}" fill="{colour}" opacity="0.15"/>')
        points = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in zip(line.x, line.y, strict=True))
        dash = ' stroke-dasharray="4 4"' if line.dashed else ""
        frame.parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"{dash}/>')
        if line.markers:
            frame.parts += [
                f'<circle cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="3" fill="{colour}"/>'
                for x, y in zip(line.x, line.y, strict=True)
            ]
    frame.parts.append("</svg>")
    if len(series) > 1:
        for row, (line, colour) in enumerate(zip(series, COLOURS, strict=False)):
            # In the line of the title, where no curve passes.
            x = WIDTH - _RIGHT - 78 * (len(series) - row)
            frame.parts.append(f'<line x1="{x}" x2="{x + 18}" y1="14" y2="14" stroke="{colour}" stroke-width="2"/>')
            frame.parts.append(_text(x + 23, 18, line.label, anchor="start"))
    return frame.svg()


def bars(title: str, labels: Sequence[str], values: Sequence[float], *, y_label: str) -> str:
    """One bar a label, from zero; the value stands above its bar."""
    top = max(values, default=0) or 1
    frame = _Frame(title, "", y_label, (0, max(len(labels), 1)), (0, top * 1.12))
    frame.axes(x_ticks=False)
    room = (WIDTH - _LEFT - _RIGHT) / max(len(labels), 1)
    longest = max(2, int(room / 5.6))
    for position, (label, value) in enumerate(zip(labels, values, strict=True)):
        left, width = frame.x(position + 0.15), frame.x(position + 0.85) - frame.x(position + 0.15)
        y = frame.y(value)
        frame.parts.append(_bar(left, y, width))
        frame.parts.append(_text(left + width / 2, y - 4, _format(value)))
        short = label if len(label) <= longest else label[: longest - 1] + "…"
        frame.parts.append(_text(left + width / 2, HEIGHT - _BOTTOM + 16, short))
    return frame.svg()


def histogram(title: str, edges: Sequence[float], counts: Sequence[float], *, x_label: str, y_label: str) -> str:
    """Adjacent bars over a numeric axis; ``edges`` has one more entry than ``counts``."""
    top = max(counts, default=0) or 1
    frame = _Frame(title, x_label, y_label, (edges[0], edges[-1]), (0, top * 1.05))
    frame.axes()
    for left, right, count in zip(edges, edges[1:], counts, strict=False):
        x, y = frame.x(left), frame.y(count)
        width = max(frame.x(right) - x - 0.6, 0.6)
        frame.parts.append(_bar(x, y, width))
    return frame.svg()


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers that cover [low, high], about ``wanted`` of them."""
    if not math.isfinite(low + high) or high <= low:
        return [low]
    raw = (high - low) / wanted
    power = 10 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _span(series: Sequence[Series], axis: str) -> tuple[float, float]:
    values = [value for line in series for value in getattr(line, axis)]
    return (min(values), max(values)) if values else (0.0, 1.0)


def _format(value: float) -> str:
    if value == 0:
        return "0"
    for end, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= end * 10 or (abs(value) >= end and end > 1e3):
            return f"{value / end:.3g}{unit}"
    return f"{value:.4g}"


def _bar(x: float, y: float, width: float) -> str:
    height = HEIGHT - _BOTTOM - y
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{COLOURS[0]}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "middle", extra: str = "", fill: str = _INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}"{extra}>{escape(text)}</text>'
