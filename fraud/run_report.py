"""The run report: what came of the run in short, the graph coloured by status, trials, metrics and every step's page."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from fraud import run_summary, trials_report
from fraud.outcome import Outcome
from local_sagemaker import Result, StepResult
from pipeline_definition.picture import Graph, Mark, svg
from training_code.reporting import page

_COLOURS = {"Succeeded": "#aceebb", "Failed": "#ffcecb", "Stopped": "#fae17d", "NotExecuted": "#eaeef2"}
_CACHED = "#b6e3ff"
_STYLE = """<style>
main { max-width: 1240px; }
nav { margin: 14px 0; } nav a { margin-right: 16px; white-space: nowrap; color: #0969da; text-decoration: none; }
.dag { overflow-x: auto; } .dag svg { max-width: 100%; height: auto; }
details { background: #fff; border: 1px solid #d8dee4; border-radius: 8px; margin: 10px 0; }
summary { cursor: pointer; padding: 8px 14px; font-weight: 600; }
iframe { width: 100%; height: 760px; border: 0; border-top: 1px solid #d8dee4; }
pre { overflow-x: auto; background: #fff; border: 1px solid #d8dee4; border-radius: 8px; padding: 10px 14px; font-size: 12px; }
</style>"""
_LOG_LINES = 40
_STEP_COLUMNS = ("step", "type", "status", "seconds", "attempts", "why it ran")


def write(file: Path, *, definition: Mapping[str, Any], result: Result, outcome: Outcome) -> None:
    """Write the page at once, under its final name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(_html(definition, result, outcome), encoding="utf-8")
    partial.replace(file)


def _html(definition: Mapping[str, Any], result: Result, outcome: Outcome) -> str:
    started = result.started.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    sections = [
        ("In short", "in-short", run_summary.section(result, outcome, anchor="in-short")),
        ("Pipeline", "pipeline", _pipeline(definition, result)),
        ("Steps", "steps", page.section("Steps", page.table(_STEP_COLUMNS, [_row(step) for step in result.steps]), anchor="steps")),
    ]
    for step in result.steps:
        name = _anchor("step", step.name)
        if step.status == "Failed":
            failed = page.section(f"{step.name} failed", f"<pre>{escape(step.reason)}</pre>", _log(step), anchor=name)
            sections.append((f"{step.name} failed", name, failed))
        if step.type == "Tuning" and (trials := trials_report.section(step.name, step.properties, anchor=name)):
            sections.append((f"Trials of {step.name}", name, trials))
    if outcome.metrics:
        sections.append(("Metrics", "metrics", _metrics(outcome)))
    pages = {_title(step, path, paths): path for step, paths in outcome.pages.items() for path in paths}
    links = [(title, name) for title, name, _ in sections] + [(title, _anchor("page", title)) for title in pages]
    body = [html for _, _, html in sections]
    if pages:
        body.append(page.section("Reports of the steps", *(_embed(title, path) for title, path in pages.items())))
    about = f"Execution {result.execution}, started {started}"
    return page.page("Run report", about, [_STYLE, _head(result, outcome), _index(links), *body])


def _head(result: Result, outcome: Outcome) -> str:
    cached = sum(step.is_cached for step in result.steps)
    figures = [(result.status, "status"), (f"{result.seconds:.1f} s", "time"), (str(cached), "steps from the cache")]
    return page.cards([*figures, *_figures(outcome)])


def _index(links: Sequence[tuple[str, str]]) -> str:
    return "<nav>" + "".join(f'<a href="#{escape(name, quote=True)}">{escape(title)}</a> ' for title, name in links) + "</nav>"


def _pipeline(definition: Mapping[str, Any], result: Result) -> str:
    return page.section(
        "Pipeline",
        f'<div class="dag">{svg(Graph.of(definition), _marks(result))}</div>',
        note="Green ran, blue came from the cache, red failed, grey did not run.",
        anchor="pipeline",
    )


def _metrics(outcome: Outcome) -> str:
    """All figures; those of bias by facet, since each facet has the same."""
    found = {name: value for name, value in outcome.metrics.items() if not name.startswith("bias.")}
    ends = {f"{name}_{end}" for name in found for end in ("lower", "upper")}
    rows = [(name, value if value is not None else "–", _interval(found, name)) for name, value in found.items() if name not in ends]
    parts = [page.table(["metric", "value", "95 % interval"], rows)]
    if outcome.bias:
        names = dict.fromkeys(name for values in outcome.bias.values() for name in values)
        facets = [(name, *("–" if (value := values.get(name)) is None else value for values in outcome.bias.values())) for name in names]
        parts += ["<p>Bias, by facet:</p>", page.table(["metric", *outcome.bias], facets)]
    return page.section("Metrics", *parts, anchor="metrics")


def _interval(found: Mapping[str, float | None], name: str) -> str:
    low, high = found.get(f"{name}_lower"), found.get(f"{name}_upper")
    return "" if low is None or high is None else f"{low:.4g} to {high:.4g}"


def _figures(outcome: Outcome) -> list[tuple[str, str]]:
    metrics = outcome.metrics
    cards = []
    if (auc := metrics.get("auc")) is not None:
        low, high = metrics.get("auc_lower"), metrics.get("auc_upper")
        interval = f" ({low:.3f}–{high:.3f})" if low is not None and high is not None else ""
        cards.append((f"{auc:.3f}", f"AUC on test{interval}"))
    if (folds := metrics.get("out_of_fold_auc")) is not None:
        cards.append((f"{folds:.3f}", "AUC out of fold"))
    return cards


def _marks(result: Result) -> dict[str, Mark]:
    return {step.name: Mark(_CACHED if step.is_cached else _COLOURS[step.status], _said(step)) for step in result.steps}


def _said(step: StepResult) -> str:
    if step.is_cached:
        return "cached"
    return "not executed" if step.status == "NotExecuted" else f"{step.status.lower()}, {step.seconds:.1f} s"


def _row(step: StepResult) -> tuple[object, ...]:
    status = "Succeeded (cached)" if step.is_cached else step.status
    return step.name, step.type, status, round(step.seconds, 2), step.attempts, "" if step.is_cached else step.why


def _log(step: StepResult) -> str:
    if not step.log or not step.log.exists():
        return ""
    lines = step.log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
    return f"<pre>{escape(chr(10).join(lines))}</pre>"


def _title(step: str, path: Path, paths: Sequence[Path]) -> str:
    """Step and file; with the folder where a step has written two of that name."""
    is_alone = sum(other.stem == path.stem for other in paths) == 1
    return f"{step}: {path.stem if is_alone else f'{path.parent.name}/{path.stem}'}"


def _embed(title: str, path: Path) -> str:
    content = escape(path.read_text(encoding="utf-8"), quote=True)
    # The link leads to what is inside: a browser opens the details around it by itself.
    frame = f'<iframe srcdoc="{content}" id="{_anchor("page", title)}" title="{escape(title, quote=True)}"></iframe>'
    return f"<details><summary>{escape(title)}</summary>{frame}</details>"


def _anchor(*parts: str) -> str:
    return "-".join(re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in parts)
