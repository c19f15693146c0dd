"""Horizontal bars with long labels, the largest first."""

from collections.abc import Sequence
from html import escape

from training_code.reporting.charts import COLOURS, WIDTH

_ROW, _TOP, _LABELS, _VALUES = 18, 34, 190, 52
_INK = "#57606a"


def ranked_bars(title: str, rows: Sequence[tuple[str, float]]) -> str:
    """One bar a row from zero, as (label, value); the value stands behind its bar."""
    top = max((value for _, value in rows), default=0) or 1
    height = _TOP + _ROW * len(rows) + 10
    parts = [
        f'<svg class="chart" role="img" aria-label="{escape(title, quote=True)}" viewBox="0 0 {WIDTH} {height}" '
        'xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" font-size="11">'
        f'<text x="12" y="20" font-weight="600" font-size="13" fill="#1f2328">{escape(title)}</text>'
    ]
    for place, (label, value) in enumerate(rows):
        y = _TOP + _ROW * place
        width = value / top * (WIDTH - _LABELS - _VALUES)
        parts.append(
            f'<text x="{_LABELS - 6}" y="{y + 12}" text-anchor="end" fill="{_INK}">{escape(label)}</text>'
            f'<rect x="{_LABELS}" y="{y + 2}" width="{width:.1f}" height="{_ROW - 5}" fill="{COLOURS[0]}"/>'
            f'<text x="{_LABELS + width + 5:.1f}" y="{y + 12}" fill="{_INK}">{value:.3f}</text>'
        )
    return "".join(parts) + "</svg>"
