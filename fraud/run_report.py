"""The run report: one page with the graph coloured by status, times, metrics and every step's page."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from fraud.outcome import Outcome
from local_sagemaker import Result, StepResult
from pipeline_definition.picture import Graph, Mark, svg
from training_code.reporting import page

_COLOURS = {"Succeeded": "#aceebb", "Failed": "#ffcecb", "Stopped": "#fae17d", "NotExecuted": "#eaeef2"}
_CACHED = "#b6e3ff"
_STYLE = """<style>
main { max-width: 1240px; }
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
        _STYLE,
        page.cards(
            [
                (result.status, "status"),
                (f"{result.seconds:.1f} s", "time"),
                (str(sum(step.is_cached for step in result.steps)), "steps from the cache"),
                *_figures(outcome),
            ]
        ),
        page.section(
            "Pipeline",
            f'<div class="dag">{svg(Graph.of(definition), _marks(result))}</div>',
            note="Green ran, blue came from the cache, red failed, grey did not run.",
        ),
        page.section("Steps", page.table(_STEP_COLUMNS, [_row(step) for step in result.steps])),
    ]
    for step in result.steps:
        if step.status == "Failed":
            sections.append(page.section(f"{step.name} failed", f"<pre>{escape(step.reason)}</pre>", _log(step)))
    if outcome.metrics:
        rows = [(name, value if value is not None else "–") for name, value in outcome.metrics.items()]
        sections.append(page.section("Metrics", page.table(["metric", "value"], rows)))
    if outcome.model_package_arn:
        sections.append(page.section("Model package", f"<p><code>{escape(outcome.model_package_arn)}</code></p>"))
    embedded = [_embed(step, path) for step, paths in outcome.pages.items() for path in paths]
    if embedded:
        sections.append(page.section("Reports of the steps", *embedded))
    return page.page("Run report", f"Execution {result.execution}, started {started}", sections)


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


def _embed(step: str, path: Path) -> str:
    content = escape(path.read_text(encoding="utf-8"), quote=True)
    title = escape(path.stem)
    return f'<details><summary>{escape(step)}: {title}</summary><iframe srcdoc="{content}" title="{title}"></iframe></details>'
