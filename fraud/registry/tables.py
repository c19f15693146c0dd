"""Packages as text for people: tables that are coloured on a terminal, and plain in a pipe."""

import sys
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fraud.gate import Criterion
from fraud.registry import reports
from fraud.registry.comparison import Comparison, Figure, Pair, has_same_capacity
from fraud.registry.dossier import Dossier
from fraud.registry.reports import Estimate
from fraud.registry.verdict import Verdict

_COLOURS = {Verdict.BETTER: "green", Verdict.WORSE: "red"}
_TOP = 10
_WHOLE = 40

Cell = str | Text


def console() -> Console:
    """A pipe has no width: nothing is cut off there."""
    return Console(width=None if sys.stdout.isatty() else 240, highlight=False)


def table(headings: Sequence[str], rows: Iterable[Sequence[Cell]], *, numbers: Iterable[int] = (), first: str = "") -> Table:
    """Columns without lines between them; those of ``numbers`` are aligned at the right."""
    right = set(numbers)
    found = Table(box=None, padding=(0, 2, 0, 0), title=first or None, title_justify="left", title_style="bold", show_header=any(headings))
    for place, heading in enumerate(headings):
        found.add_column(heading, justify="right" if place in right else "left", overflow="fold", header_style="dim")
    for row in rows:
        found.add_row(*row)
    return found


def describe(dossier: Dossier) -> list[Table]:
    """Everything that was registered, in the order in which a reviewer asks for it."""
    package = dossier.package
    about = [
        ("arn", package.arn), ("status", package.status),
        ("created", package.created.astimezone().strftime("%Y-%m-%d %H:%M:%S")), ("execution", package.execution),
        ("framework", dossier.framework), ("threshold", dossier.threshold),
        ("review capacity", dossier.metadata.get("review_capacity", "")), ("test claims", _test(dossier)),
        ("model card", str(dossier.card.page or dossier.card.content or "not there any more") if dossier.card else ""),
    ]  # fmt: skip
    titles = {metric.name: metric.title for metric in reports.METRICS} | reports.CHAMPION
    shown = [
        table(("", ""), [(name, value) for name, value in about if value], first=dossier.name),
        _or_nothing("Metrics", ("metric", "value", "95 % interval"),
                    [(titles[name], _number(one.value), interval(one))
                     for name, one in {**dossier.metrics, **dossier.champion}.items()], numbers=(1,)),
        _or_nothing("Quality gate", ("criterion", "value", "bound", ""), [_criterion(one) for one in dossier.gate], numbers=(1,)),
        _bias(dossier),
        _or_nothing("What the score depends on", ("feature", "mean contribution"),
                    [(name, _number(value)) for name, value in list(dossier.importance.items())[:_TOP]], numbers=(1,)),
        _or_nothing("Hyperparameters", ("name", "value"), list(dossier.hyperparameters.items())),
        _or_nothing("Data", ("", ""), list(dossier.data.items())),
        _or_nothing("Code", ("part", "hash"), list(dossier.code.items())),
        _or_nothing("Reports and baselines", ("", ""), [(kind, str(file)) for kind, file in dossier.files.items()]),
        _or_nothing("Not there any more", ("",), [(text,) for text in dossier.missing]),
    ]  # fmt: skip
    return [one for one in shown if one is not None]


def compare(found: Comparison) -> list[Table]:
    """Both packages side by side."""
    a, b = found.a.name, found.b.name
    shown = [
        table(("", a, b), [(pair.name, pair.a or "–", pair.b or "–") for pair in found.facts if pair.a or pair.b]),
        _or_nothing("Metrics", ("metric", a, b, "difference", ""), [_figure(one) for one in found.figures], numbers=(3,)),
        _or_nothing("Quality gate", ("criterion", a, b),
                    [(name, *(_asked(one) for one in both)) for name, *both in found.gate]),
        _or_nothing("Bias", ("facet", "metric", a, b, ""),
                    [(one.facet, one.metric, _number(one.a), _number(one.b), verdict(one.verdict, nearer=True))
                     for one in found.disparities if one.metric in reports.MAIN_BIAS], numbers=(2, 3)),
        _or_nothing("What the score depends on", ("feature", a, b),
                    [(one.feature, *(f"{place[0]}. ({_number(place[1])})" if place else "–" for place in (one.a, one.b)))
                     for one in found.reasons]),
        _or_nothing("Hyperparameters that differ", ("name", a, b), _pairs(found.hyperparameters)),
        _or_nothing(f"Data: {same(found.is_same_data)}", ("", a, b), _pairs(found.data)),
        _or_nothing(f"Code: {same(found.is_same_code)}", ("part", a, b), _pairs(found.code)),
    ]  # fmt: skip
    return [one for one in shown if one is not None]


def notes(found: Comparison) -> list[str]:
    """How to read a comparison, and what it lacks."""
    a, b = found.a, found.b
    said = [
        "Differences are the second minus the first. Cannot tell: one value lies in the 95 % interval of the other; "
        "on the same claims two models may differ all the same, which only a paired interval shows."
    ]
    if any(figure.is_paired for figure in found.figures):
        said.append("Paired: a run has scored both on the same claims, and the interval is that of their difference.")
    if found.is_same_test is not True:
        known = "were" if found.is_same_test is False else "may have been"
        said.append(f"The two {known} measured on different test claims, so a difference may be one of the claims.")
    if not has_same_capacity(a, b):
        said.append("Their review capacities differ, so the figures at capacity are neither better nor worse.")
    if found.disparities:
        said.append("Bias: nearer is nearer to equal treatment. The reports give no intervals, so small differences mean nothing.")
    for one in (a, b):
        parts = {"metrics": one.metrics, "bias": one.bias, "explanations": one.importance, "hashes of code": one.code}
        if absent := [name for name, there in parts.items() if not there]:
            said.append(f"Registered without {', '.join(absent)}: {one.name}.")
    return said


def same(is_same: bool | None) -> str:
    return "not known whether it is the same" if is_same is None else "the same" if is_same else "not the same"


def interval(estimate: Estimate) -> str:
    return "" if estimate.lower is None or estimate.upper is None else f"{_number(estimate.lower)} to {_number(estimate.upper)}"


def verdict(found: Verdict, *, nearer: bool = False, tested: bool = True, paired: bool = False) -> Text:
    """The word, in the colour that says whether it is good."""
    if found is Verdict.UNKNOWN:
        return Text("–")
    words = {Verdict.BETTER: "nearer", Verdict.WORSE: "farther"} if nearer else {Verdict.NOISE: "cannot tell"}
    doubt = " (no interval)" if not tested and found in _COLOURS else " (paired)" if paired else ""
    return Text(words.get(found, str(found)) + doubt, style=_COLOURS.get(found, ""))


def estimate(found: Estimate | None) -> str:
    if found is None:
        return "–"
    return f"{_number(found.value)} ({interval(found)})" if interval(found) else _number(found.value)


def _figure(one: Figure) -> tuple[Cell, ...]:
    return (
        one.title, estimate(one.a), estimate(one.b), signed(one.difference),
        verdict(one.verdict, tested=one.is_tested, paired=one.is_paired),
    )  # fmt: skip


def _criterion(one: Criterion) -> tuple[Cell, ...]:
    return one.name, _number(one.value), one.bound, _met(one.is_met)


def _asked(one: Criterion | None) -> Text:
    if one is None:
        return Text("–")
    return Text.assemble(f"{_number(one.value)}, {one.bound}: ", _met(one.is_met))


def _met(is_met: bool) -> Text:
    return Text("met", style="green") if is_met else Text("not met", style="red")


def _bias(dossier: Dossier) -> Table | None:
    names = [name for name in reports.MAIN_BIAS if any(name in values for values in dossier.bias.values())]
    rows = [(facet, *(_number(values.get(name)) for name in names)) for facet, values in dossier.bias.items()]
    return _or_nothing("Bias (`--json` has all metrics)", ("facet", *names), rows, numbers=range(1, len(names) + 1))


def _pairs(pairs: Iterable[Pair]) -> list[tuple[Cell, ...]]:
    return [(pair.name, pair.a[:_WHOLE] or "–", "the same" if pair.is_same else pair.b[:_WHOLE] or "–") for pair in pairs]


def _or_nothing(title: str, headings: Sequence[str], rows: Sequence[Sequence[Cell]], *, numbers: Iterable[int] = ()) -> Table | None:
    return table(headings, rows, numbers=numbers, first=title) if rows else None


def _test(dossier: Dossier) -> str:
    return f"{dossier.test_claims[0]:,}, {dossier.test_claims[1]:,} of them fraudulent" if dossier.test_claims else ""


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"


def signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.4f}"


def print_all(shown: Iterable[Table | Text | str]) -> None:
    """Parts with an empty line between them, without the spaces that fill up the lines of a table."""
    out = console()
    with out.capture() as captured:
        for place, part in enumerate(shown):
            if place:
                out.print()
            out.print(part)
    print("\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n")))


def metrics_of(evaluation: Mapping[str, object]) -> tuple[str, str]:
    """AUC with its interval, and average precision, as a list shows them."""
    found = reports.metrics(evaluation)
    auc, precision = found.get("auc"), found.get("average_precision")
    ends = f" ({auc.lower:.3f}–{auc.upper:.3f})" if auc and auc.lower is not None and auc.upper is not None else ""
    return f"{auc.value:.3f}{ends}" if auc else "", f"{precision.value:.3f}" if precision else ""
