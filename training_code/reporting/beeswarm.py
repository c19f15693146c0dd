"""Beeswarms: a row of dots for each feature, one dot a claim, stacked where many fall together."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from training_code.reporting.charts import ticks

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM, _ROW = 1000, 250, 30, 58, 46, 34
_DOT, _STEP = 3.2, 1.5
_INK, _FAINT = "#57606a", "#d8dee4"
RAMP = ("#1f6feb", "#5b83d8", "#8395c4", "#a9a8af", "#c48d74", "#cd7340", "#d1570a")
"""Low to high; apart also for eyes that do not tell red from green."""


@dataclass(frozen=True)
class Swarm:
    """``x`` is where each dot stands, ``tone`` its colour in [0, 1], low to high."""

    label: str
    x: Sequence[float]
    tone: Sequence[float]


def beeswarm(title: str, swarms: Sequence[Swarm], *, x_label: str, tone_label: str) -> str:
    """The rows over a common axis with a line at zero, and a legend of the colours.

    Dots of one colour in a row are one path: 2,000 dots take some 25 kB.
    """
    every = [x for swarm in swarms for x in swarm.x]
    low, high = min(every, default=0.0), max(every, default=0.0)
    margin = (high - low or 1) * 0.03
    low, high = min(low - margin, 0.0), max(high + margin, 0.0)
    height = _TOP + _ROW * len(swarms) + _BOTTOM

    def place(x: float) -> float:
        return _LEFT + (x - low) / (high - low or 1) * (_WIDTH - _LEFT - _RIGHT)

    bottom = _TOP + _ROW * len(swarms)
    parts = [
        f'<svg class="chart" role="img" aria-label="{escape(title, quote=True)}" viewBox="0 0 {_WIDTH} {height}" '
        'xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" font-size="13">'
        f'<text x="16" y="26" font-weight="600" font-size="15" fill="#1f2328">{escape(title)}</text>',
        _legend(tone_label),
    ]
    for tick in ticks(low, high, 8):
        x = place(tick)
        is_zero = abs(tick) < 1e-9
        colour = "#8c959f" if is_zero else _FAINT
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}" stroke="{colour}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" fill="{_INK}">{"0" if is_zero else f"{tick:+.3g}"}</text>')
    parts.append(
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{bottom + 38}" text-anchor="middle" fill="{_INK}">{escape(x_label)}</text>'
    )
    for number, swarm in enumerate(swarms):
        middle = _TOP + _ROW * (number + 0.5)
        parts.append(f'<text x="{_LEFT - 10}" y="{middle + 4}" text-anchor="end" fill="#1f2328">{escape(swarm.label)}</text>')
        parts += _dots([place(x) for x in swarm.x], swarm.tone, middle)
    return "".join(parts) + "</svg>"


def _dots(x: Sequence[float], tone: Sequence[float], middle: float) -> list[str]:
    stacked: dict[int, int] = {}
    paths: list[list[str]] = [[] for _ in RAMP]
    most = int((_ROW / 2 - _DOT) / _STEP)
    for at, colour in zip(x, tone, strict=True):
        rank = stacked.get(round(at / _DOT), 0)
        stacked[round(at / _DOT)] = rank + 1
        # Outwards from the line, above and below in turn; a full stack begins again.
        step = (rank + 1) // 2 * (1 if rank % 2 else -1)
        offset = (step % most if step >= 0 else -(-step % most)) * _STEP
        shade = min(int(colour * len(RAMP)), len(RAMP) - 1)
        paths[shade].append(f"M{at:.1f} {middle + offset:.1f}h0")
    return [
        f'<path d="{"".join(path)}" stroke="{colour}" stroke-width="{_DOT}" stroke-linecap="round" opacity=".75"/>'
        for path, colour in zip(paths, RAMP, strict=True)
        if path
    ]


def _legend(label: str) -> str:
    left, size = _WIDTH - _RIGHT - 190, 18
    boxes = "".join(
        f'<rect x="{left + size * place}" y="16" width="{size}" height="10" fill="{colour}"/>' for place, colour in enumerate(RAMP)
    )
    right = left + size * len(RAMP)
    return (
        f'<text x="{left - 8}" y="26" text-anchor="end" fill="{_INK}">{escape(label)}: low</text>{boxes}'
        f'<text x="{right + 8}" y="26" fill="{_INK}">high</text>'
    )
