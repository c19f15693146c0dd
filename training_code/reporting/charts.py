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


@dataclass(frozen=True)
class Points:
    """One group of a scatter chart, all drawn with the same ``sign``: ``dot``, ``ring`` or ``cross``."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    sign: str = "dot"
    colour: str = COLOURS[0]


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

    def axes(self, *, x_ticks: bool = True, x_names: Sequence[tuple[float, str]] | None = None) -> None:
        for tick in ticks(*self.y_range):
            y = self.y(tick)
            self.parts.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_FAINT}"/>')
            self.parts.append(_text(_LEFT - 6, y + 4, _format(tick), anchor="end"))
        if x_ticks:
            names = [(tick, _format(tick)) for tick in ticks(*self.x_range)] if x_names is None else x_names
            for tick, name in names:
                self.parts.append(_text(self.x(tick), HEIGHT - _BOTTOM + 16, name))
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
        room = max(78, *(34 + 6.4 * len(line.label) for line in series))
        for row, (line, colour) in enumerate(zip(series, COLOURS, strict=False)):
            # In the line of the title, where no curve passes.
            start = WIDTH - _RIGHT - room * (len(series) - row)
            frame.parts.append(f'<line x1="{start:.1f}" x2="{start + 18:.1f}" y1="14" y2="14" stroke="{colour}" stroke-width="2"/>')
            frame.parts.append(_text(start + 23, 18, line.label, anchor="start"))
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


def scatter(
    title: str, groups: Sequence[Points], *, x_label: str, y_label: str,
    line: Series | None = None, x_names: Sequence[tuple[float, str]] | None = None,
    x_range: tuple[float, float] | None = None, is_logarithmic: bool = False,
) -> str:  # fmt: skip
    """Points, and a line behind them; groups without points are left out.

    ``x_names`` stand at the x axis in place of round numbers; with
    ``is_logarithmic`` it is one of powers, and every x is positive.
    """
    shown = [group for group in groups if group.x]
    drawn: list[Points | Series] = [*shown, *([line] if line else [])]
    place = math.log10 if is_logarithmic else float
    x = [place(value) for part in drawn for value in part.x]
    y = [value for part in drawn for value in part.y]
    frame = _Frame(title, x_label, y_label, x_range or _around(x), _around(y))
    if is_logarithmic:
        x_names = [(math.log10(tick), _format(tick)) for tick in _powers(10 ** min(x), 10 ** max(x))]
    frame.axes(x_names=x_names)
    if line:
        points = " ".join(f"{frame.x(place(one)):.1f},{frame.y(other):.1f}" for one, other in zip(line.x, line.y, strict=True))
        frame.parts.append(f'<polyline points="{points}" fill="none" stroke="{_INK}" stroke-width="1.4" opacity="0.7"/>')
    for group in shown:
        for one, other in zip(group.x, group.y, strict=True):
            frame.parts.append(_point(frame.x(place(one)), frame.y(other), group.sign, group.colour))
    right = WIDTH - _RIGHT
    entries = [*((group.label, group) for group in shown), *([(line.label, None)] if line else [])]
    for label, entry in reversed(entries if len(entries) > 1 else []):
        right -= 22 + 6 * len(label)
        if entry:
            frame.parts.append(_point(right + 5, 14, entry.sign, entry.colour))
        else:
            frame.parts.append(f'<line x1="{right - 6}" x2="{right + 10}" y1="14" y2="14" stroke="{_INK}" stroke-width="1.4"/>')
        frame.parts.append(_text(right + 14, 18, label, anchor="start"))
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


def _powers(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten in [low, high]; the powers alone over many of them."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    factors = (1,) if last - first > 3 else (1, 2, 5)
    found = [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
    inside = [tick for tick in found if low * 0.999 <= tick <= high * 1.001]
    # Between two round numbers the ends are all that there is to name.
    return inside if len(inside) > 1 else sorted({low, high})


def _around(values: Sequence[float]) -> tuple[float, float]:
    """A range that leaves some room beside the outermost values."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    room = (high - low) * 0.06 or abs(low) * 0.06 or 1.0
    return low - room, high + room


def _point(x: float, y: float, sign: str, colour: str) -> str:
    if sign == "cross":
        return f'<path d="M{x - 3.5:.1f},{y - 3.5:.1f}l7,7m0,-7l-7,7" stroke="{colour}" stroke-width="1.6"/>'
    fill = "#ffffff" if sign == "ring" else colour
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{fill}" stroke="{colour}" stroke-width="1.4"/>'


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
