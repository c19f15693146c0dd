"""A comparison of two model packages as a page with charts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

from fraud.gate import Criterion
from fraud.registry import reports, tables
from fraud.registry.comparison import Comparison, Disparity, Figure, Pair
from fraud.registry.dossier import Dossier
from fraud.registry.verdict import Verdict
from training_code.reporting import charts, page
from training_code.reporting.charts import Series

_KINDS = {Verdict.BETTER: "good", Verdict.WORSE: "bad", Verdict.NOISE: "faint", Verdict.EQUAL: "faint"}
_SHOWN_FEATURES = 12
_ROC = "binary_classification_metrics.receiver_operating_characteristic_curve"
_PR = "binary_classification_metrics.precision_recall_curve"


def html(found: Comparison) -> str:
    """The whole page; parts that neither package has are left out."""
    a, b = found.a.name, found.b.name
    parts = [
        _cards(found),
        _paragraphs(tables.notes(found)),
        _section("Metrics", _figures(found)),
        _section("How well claims are ranked", page.charts(_curves(found)) if _curves(found) else ""),
        _section("Quality gate", _gate(found)),
        _section("Bias", _bias(found), note="Nearer is nearer to equal treatment: 0, or 1 for DI."),
        _section("What the score depends on", _reasons(found), note="Rank and mean absolute contribution of each feature."),
        _section("Hyperparameters that differ", _pairs(found.hyperparameters, a, b)),
        _section(f"Data: {tables.same(found.is_same_data)}", _pairs(found.data, a, b)),
        _section(f"Code: {tables.same(found.is_same_code)}", _pairs(found.code, a, b)),
        _section("Packages", _pairs([pair for pair in found.facts if pair.a or pair.b], a, b)),
    ]
    return page.page(f"{a} and {b}", "Two model packages side by side", filter(None, parts))


def _cards(found: Comparison) -> str:
    counts = {verdict: sum(one.verdict is verdict and one.is_tested for one in found.figures) for verdict in Verdict}
    shown = [
        (str(counts[Verdict.BETTER]), "metrics better"), (str(counts[Verdict.WORSE]), "metrics worse"),
        (str(counts[Verdict.NOISE]), "cannot tell"), (str(sum(not one.is_tested for one in found.figures)), "without an interval"),
        (_yes(found.is_same_data), "same data"), (_yes(found.is_same_code), "same code"),
    ]  # fmt: skip
    return page.cards(shown)


def _figures(found: Comparison) -> str:
    rows = [
        (one.title, tables.estimate(one.a), tables.estimate(one.b), tables.signed(one.difference), _verdict(one)) for one in found.figures
    ]
    return _table(("metric", found.a.name, found.b.name, "difference", ""), rows)


def _verdict(one: Figure) -> page.Marked:
    text = tables.verdict(one.verdict, tested=one.is_tested, paired=one.is_paired).plain
    # What no interval stands behind is not painted as if it were known.
    return page.Marked(text, _KINDS.get(one.verdict, "") if one.is_tested else "faint")


def _curves(found: Comparison) -> list[str]:
    roc = _both(found, lambda one: _curve(one, _ROC, "false_positive_rates", "true_positive_rates"))
    pr = _both(found, lambda one: _curve(one, _PR, "recalls", "precisions"))
    lift = _both(found, lambda one: _curve(one, "lift_curve", "shares", "lifts", markers=True))
    calibration = _both(found, lambda one: _curve(one, "calibration", "predicted", "observed", markers=True))
    drawings = []
    if roc:
        drawings.append(
            charts.curves("ROC", roc, x_label="false positive rate", y_label="true positive rate", x_range=(0, 1), y_range=(0, 1))
        )
    if pr:
        # The first few claims of a ranking make precisions that say nothing.
        top = min(1.0, 1.2 * max(max(line.y[len(line.y) // 50 :]) for line in pr))
        drawings.append(charts.curves("Precision and recall", pr, x_label="recall", y_label="precision", x_range=(0, 1), y_range=(0, top)))
    if lift:
        top = 1.15 * max(max(line.y) for line in lift)
        drawings.append(charts.curves("Lift", lift, x_label="share of claims reviewed", y_label="lift", x_range=(0, 1), y_range=(0, top)))
    if calibration:
        top = 1.1 * max(max((*line.x, *line.y)) for line in calibration)
        drawings.append(
            charts.curves("Calibration", calibration, x_label="mean score", y_label="observed fraud", x_range=(0, top), y_range=(0, top))
        )
    return drawings


def _both(found: Comparison, curve: Callable[[Dossier], Series | None]) -> list[Series]:
    return [line for one in (found.a, found.b) if (line := curve(one))]


def _curve(one: Dossier, path: str, x: str, y: str, *, markers: bool = False) -> Series | None:
    place: Any = one.evaluation
    for name in path.split("."):
        place = place.get(name) if isinstance(place, Mapping) else None
    if not isinstance(place, Mapping) or not place.get(x) or not place.get(y):
        return None
    # The legend has room for a version, and both groups are mostly one.
    return Series(f"version {one.package.version}", place[x], place[y], markers=markers)


def _gate(found: Comparison) -> str:
    rows = [(name, _asked(a), _asked(b)) for name, a, b in found.gate]
    return _table(("criterion", found.a.name, found.b.name), rows)


def _asked(one: Criterion | None) -> object:
    if one is None:
        return "–"
    value = "" if one.value is None else f"{one.value:.4f}, "
    return page.Marked(f"{value}{one.bound}: {'met' if one.is_met else 'not met'}", "good" if one.is_met else "bad")


def _bias(found: Comparison) -> str:
    main = [one for one in found.disparities if one.metric in reports.MAIN_BIAS]
    rest = [one for one in found.disparities if one.metric not in reports.MAIN_BIAS]
    more = f"<details><summary>all other metrics</summary>{_disparities(found, rest)}</details>" if rest else ""
    return _disparities(found, main) + more


def _disparities(found: Comparison, shown: Sequence[Disparity]) -> str:
    rows = [
        (one.facet, one.metric, *("–" if value is None else f"{value:.4f}" for value in (one.a, one.b)),
         page.Marked(tables.verdict(one.verdict, nearer=True).plain, "faint"))
        for one in shown
    ]  # fmt: skip
    return _table(("facet", "metric", found.a.name, found.b.name, ""), rows)


def _reasons(found: Comparison) -> str:
    rows = [
        (one.feature, *(f"{place[0]}. ({place[1]:.4f})" if place else "–" for place in (one.a, one.b)))
        for one in found.reasons[:_SHOWN_FEATURES]
    ]
    return _table(("feature", found.a.name, found.b.name), rows)


def _pairs(pairs: Iterable[Pair], a: str, b: str) -> str:
    rows = [(pair.name, pair.a or "–", page.Marked("the same", "faint") if pair.is_same else pair.b or "–") for pair in pairs]
    return _table(("", a, b), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return page.table(head, rows) if rows else ""


def _section(heading: str, body: str, *, note: str = "") -> str:
    return page.section(heading, body, note=note) if body else ""


def _paragraphs(texts: Iterable[str]) -> str:
    return "".join(f"<p>{escape(text)}</p>" for text in texts)


def _yes(is_same: bool | None) -> str:
    return "?" if is_same is None else "yes" if is_same else "no"
