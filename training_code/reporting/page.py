"""One HTML page without outside references: sections of cards, tables and charts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

_STYLE = """
:root { color-scheme: light; }
body { font: 14px/1.5 system-ui, sans-serif; color: #1f2328; background: #f6f8fa; margin: 0; }
main { max-width: 1080px; margin: 0 auto; padding: 24px; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 28px 0 10px; }
p { margin: 6px 0; max-width: 76ch; color: #424a53; }
.cards { display: flex; flex-wrap: wrap; gap: 12px; margin: 14px 0; }
.card { background: #fff; border: 1px solid #d8dee4; border-radius: 8px; padding: 10px 16px; min-width: 118px; }
.card b { display: block; font-size: 20px; } .card span { color: #57606a; font-size: 12px; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(340px, 1fr)); gap: 12px; }
.charts > svg { background: #fff; border: 1px solid #d8dee4; border-radius: 8px; width: 100%; height: auto; }
table { border-collapse: collapse; background: #fff; border: 1px solid #d8dee4; border-radius: 8px; }
th, td { padding: 5px 12px; text-align: left; border-top: 1px solid #eaeef2; }
th { color: #57606a; font-weight: 600; font-size: 12px; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
td.good { color: #1a7f37; } td.bad { color: #cf222e; font-weight: 600; } td.faint { color: #6e7781; }
.scroll { overflow-x: auto; }
.notice { border: 1px solid; border-left-width: 6px; border-radius: 8px; padding: 8px 14px; margin: 10px 0; }
.notice { max-width: 90ch; color: #1f2328; }
.notice.good { background: #dafbe1; border-color: #1a7f37; } .notice.bad { background: #ffebe9; border-color: #cf222e; }
.notice.mixed { background: #fff8c5; border-color: #bf8700; }
.notice.plain { background: #fff; border-color: #d8dee4; }
code { font: 12px ui-monospace, monospace; }
"""


@dataclass(frozen=True)
class Marked:
    """A cell of a table whose text is ``good``, ``bad`` or ``faint``."""

    text: str
    kind: str


def page(title: str, subtitle: str, sections: Iterable[str]) -> str:
    """The whole document."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head>\n<body><main><h1>{escape(title)}</h1><p>{escape(subtitle)}</p>\n"
        + "\n".join(sections)
        + "\n</main></body></html>\n"
    )


def section(heading: str, *parts: str, note: str = "", anchor: str = "") -> str:
    """A heading, a sentence that says how to read what follows, and the parts; links lead to ``#anchor``."""
    text = f"<p>{escape(note)}</p>" if note else ""
    name = f' id="{escape(anchor, quote=True)}"' if anchor else ""
    return f"<section{name}><h2>{escape(heading)}</h2>{text}{''.join(parts)}</section>"


def cards(values: Sequence[tuple[str, str]]) -> str:
    """Key figures as (value, label)."""
    body = "".join(f'<div class="card"><b>{escape(value)}</b><span>{escape(label)}</span></div>' for value, label in values)
    return f'<div class="cards">{body}</div>'


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def notice(text: str, kind: str = "plain") -> str:
    """A sentence in a box that nobody overlooks: ``good``, ``mixed``, ``bad`` or ``plain``."""
    return f'<div class="notice {escape(kind)}">{escape(text)}</div>'


def charts(drawings: Iterable[str], *, columns: int = 0) -> str:
    """SVG drawings in a grid of ``columns``, by default as many as fit."""
    style = f' style="grid-template-columns: repeat({columns}, minmax(0, 1fr))"' if columns else ""
    return f'<div class="charts"{style}>{"".join(drawings)}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Numbers are right-aligned; everything is escaped."""
    header = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: object) -> str:
    if isinstance(value, Marked):
        return f'<td class="{escape(value.kind, quote=True)}">{escape(value.text)}</td>'
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"<td>{escape(str(value))}</td>"
    shown = f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
    return f'<td class="n">{shown}</td>'
