"""SVG charts with one row an item: bars about a neutral value, and pairs of values with their intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from training_code.reporting.charts import COLOURS, ticks

_WIDTH, _ROW, _TOP, _BOTTOM = 520, 26, 44, 40
_INK, _FAINT, _FAIR = "#57606a", "#d8dee4", "#dafbe1"
_FONT = 11

Interval = tuple[float, float]


@dataclass(frozen=True)
class Bar:
    """A ``value`` and its interval; without a value the row says ``note``."""

    label: str
    value: float | None
    interval: Interval | None = None
    note: str = ""


@dataclass(frozen=True)
class Pair:
    """Two values of one thing, each with an interval, in the order of the chart's names."""

    label: str
    values: tuple[float | None, float | None]
    intervals: tuple[Interval | None, Interval | None] = (None, None)


@dataclass
class _Rows:
    """Maps values and row numbers to pixels, and collects the drawing."""

    title: str
    labels: Sequence[str]
    low: float
    high: float
    is_logarithmic: bool
    parts: list[str]

    @property
    def left(self) -> float:
        return 20 + max((len(label) for label in self.labels), default=0) * _FONT * 0.58

    @property
    def right(self) -> float:
        return _WIDTH - 58

    @property
    def bottom(self) -> float:
        return _TOP + _ROW * len(self.labels)

    def x(self, value: float) -> float:
        value = min(max(value, self.low), self.high)
        low, high = self.low, self.high
        if self.is_logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return self.left + (value - low) / (high - low) * (self.right - self.left)

    def y(self, row: int) -> float:
        return _TOP + _ROW * (row + 0.5)

    def line(self, x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1) -> None:
        self.parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width:g}"/>'
        )

    def box(self, x: float, y: float, width: float, height: float, colour: str, *, opacity: float = 1) -> None:
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}" opacity="{opacity:g}"/>'
        )

    def text(self, x: float, y: float, text: str, *, anchor: str = "middle", fill: str = _INK, extra: str = "") -> None:
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}"{extra}>{escape(text)}</text>')

    def axis(self, marks: Sequence[float], x_label: str, *, percent: bool) -> None:
        for mark in marks:
            self.line(self.x(mark), _TOP, self.x(mark), self.bottom, _FAINT)
            self.text(self.x(mark), self.bottom + 14, f"{mark:.3g}" if not percent else f"{mark * 100:.3g} %")
        self.text((self.left + self.right) / 2, self.bottom + 32, x_label)
        for row, label in enumerate(self.labels):
            self.text(self.left - 8, self.y(row) + 4, label, anchor="end", fill="#1f2328")

    def whisker(self, row: int, interval: Interval, colour: str, shift: float = 0) -> None:
        y = self.y(row) + shift
        self.line(self.x(interval[0]), y, self.x(interval[1]), y, colour, 1.4)
        for end in interval:
            self.line(self.x(end), y - 3, self.x(end), y + 3, colour, 1.4)

    def svg(self) -> str:
        height = self.bottom + _BOTTOM
        head = (
            f'<svg class="chart" role="img" aria-label="{escape(self.title, quote=True)}" viewBox="0 0 {_WIDTH} {height:g}" '
            f'xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" font-size="{_FONT}">'
        )
        name = f'<text x="14" y="18" font-weight="600" font-size="13" fill="#1f2328">{escape(self.title)}</text>'
        return head + name + "".join(self.parts) + "</svg>"


def diverging(
    title: str, bars: Sequence[Bar], *, x_label: str, fair: Interval | None = None, neutral: float = 0.0, ratio: bool = False
) -> str:
    """A bar from the neutral value to each value, whiskers for its interval, and the fair range shaded.

    ``ratio`` draws on a logarithmic axis, on which 2 and 1/2 are equally far from 1.
    """
    ends = [end for bar in bars for end in (bar.value, *(bar.interval or ())) if end is not None]
    rows = _Rows(title, [bar.label for bar in bars], *_domain(ends, fair, ratio), ratio, [])
    if fair:
        rows.box(rows.x(fair[0]), _TOP, rows.x(fair[1]) - rows.x(fair[0]), rows.bottom - _TOP, _FAIR)
    marks = [mark for mark in (0.1, 0.2, 0.5, 1, 2, 5, 10) if rows.low <= mark <= rows.high] if ratio else ticks(rows.low, rows.high)
    rows.axis(marks, x_label, percent=False)
    rows.line(rows.x(neutral), _TOP, rows.x(neutral), rows.bottom, _INK)
    for row, bar in enumerate(bars):
        if bar.value is None:
            rows.text(rows.x(neutral) + 6, rows.y(row) + 4, bar.note, anchor="start")
            continue
        outside = fair is not None and not fair[0] <= bar.value <= fair[1]
        start, end = sorted((rows.x(neutral), rows.x(bar.value)))
        colour = COLOURS[1] if outside else COLOURS[0]
        rows.box(start, rows.y(row) - 7, max(end - start, 1), 14, colour, opacity=0.75)
        if bar.interval:
            rows.whisker(row, bar.interval, "#24292f")
        rows.text(_WIDTH - 8, rows.y(row) + 4, f"{bar.value:.3f}" if not ratio else f"{bar.value:.2f}", anchor="end", fill="#1f2328")
    return rows.svg()


def pairs(title: str, items: Sequence[Pair], *, names: tuple[str, str], x_label: str) -> str:
    """Two dots a row, for two groups' shares, with whiskers for their intervals."""
    ends = [value for item in items for value in item.values if value is not None]
    ends += [end for item in items for interval in item.intervals if interval for end in interval]
    rows = _Rows(title, [item.label for item in items], 0.0, max([*ends, 0.001]) * 1.04, False, [])
    rows.axis(ticks(rows.low, rows.high), x_label, percent=True)
    for place, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
        x = _WIDTH - 190 + 90 * place
        rows.parts.append(f'<circle cx="{x}" cy="32" r="4" fill="{colour}"/>')
        rows.text(x + 9, 36, name, anchor="start")
    for row, item in enumerate(items):
        for place, (value, interval, colour) in enumerate(zip(item.values, item.intervals, COLOURS, strict=False)):
            if value is None:
                continue
            shift = -5 if place == 0 else 5
            if interval:
                rows.whisker(row, interval, colour, shift)
            rows.parts.append(f'<circle cx="{rows.x(value):.1f}" cy="{rows.y(row) + shift:.1f}" r="4" fill="{colour}"/>')
    return rows.svg()


def _domain(ends: Sequence[float], fair: Interval | None, ratio: bool) -> Interval:
    if ratio:
        positive = [abs(math.log(end)) for end in (*ends, *(fair or ())) if end > 0]
        reach = min(max([*positive, math.log(2)]) * 1.08, math.log(12))
        return math.exp(-reach), math.exp(reach)
    reach = max([abs(end) for end in (*ends, *(fair or ()))], default=0.1) * 1.08
    return -reach, reach
