"""What the pages about bias share: groups side by side, and the metrics of one facet with how to read them."""

from collections.abc import Callable, Container, Iterable, Sequence

from training_code.bias import shares
from training_code.bias.analysis import Comparison
from training_code.bias.metric import Measurement
from training_code.bias.shares import Share, Shares
from training_code.reporting import page, rows

OTHERS = "all others"

CONVENTION = (
    "In every comparison the facet is the group in question, and it is compared with all other claims together. "
    "Clarify's formulas speak of a positive outcome; here that is fraud, or being flagged for it, which nobody wishes for: "
    "the last column of each table says in words which way a value points."
)
FAIR = (
    "The shaded range is a rule of thumb (differences within 0.1, a ratio from four fifths to five fourths), not law. "
    "Where few claims are flagged, differences of shares are small whatever the model does: look at the ratio, DI, then."
)


def sides(comparison: Comparison) -> tuple[Shares, Shares]:
    """The facet, and all others."""
    return shares.of(comparison.table, is_member=True), shares.of(comparison.table, is_member=False)


def side_by_side(comparisons: Iterable[Comparison], columns: Sequence[tuple[str, Callable[[Shares], str]]]) -> str:
    """A table with two rows a facet: the facet and all others."""
    body: list[list[str]] = []
    for comparison in comparisons:
        facet, others = sides(comparison)
        body.append([comparison.subject.title, *(cell(facet) for _, cell in columns)])
        body.append(["— all others", *(cell(others) for _, cell in columns)])
    return page.table(["", *(name for name, _ in columns)], body)


def pairs(title: str, comparisons: Iterable[Comparison], share: Callable[[Shares], Share], x_label: str) -> str:
    """One share of the facet and of the others, a row a facet."""
    items = []
    for comparison in comparisons:
        facet, others = map(share, sides(comparison))
        items.append(rows.Pair(comparison.subject.title, (facet.value, others.value), (facet.interval, others.interval)))
    return rows.pairs(title, items, names=("the facet", OTHERS), x_label=x_label)


def facet(
    comparison: Comparison, charted: Sequence[str], ratio: str | None = None, *, only: Container[str] | None = None, prefix: str = ""
) -> str:
    """The section of one facet: charts of the ``charted`` metrics, and the table of all, or of ``only`` some."""
    title = comparison.subject.title
    if comparison.error:
        return page.section(prefix + title, page.notice(f"Nothing to compare: {comparison.error}.", "bad"))
    drawn = [comparison[name] for name in charted]
    drawings = []
    if drawn:
        drawings.append(
            rows.diverging(
                f"Differences for {title}", [_bar(found) for found in drawn], x_label="difference (0 is equal)", fair=drawn[0].metric.fair
            )
        )
    if ratio:
        found = comparison[ratio]
        drawings.append(
            rows.diverging(
                f"Ratio for {title}", [_bar(found)], x_label="ratio (1 is equal)", fair=found.metric.fair, neutral=1.0, ratio=True
            )
        )
    shown = [found for found in comparison.measurements if only is None or found.metric.name in only]
    return page.section(prefix + title, page.charts(drawings, columns=2), _table(shown))


def _bar(found: Measurement) -> rows.Bar:
    return rows.Bar(found.metric.name, found.value, found.interval, "no value")


def _table(measurements: Iterable[Measurement]) -> str:
    return page.table(
        ["metric", "", "value", "95 % interval", "equal at", "fair range", "what it measures", "what this value says"],
        (
            [
                found.metric.name,
                found.metric.title,
                "–" if found.value is None else f"{found.value:.4f}",
                "–" if found.interval is None else f"{found.interval[0]:.3f} to {found.interval[1]:.3f}",
                f"{found.metric.neutral:g}",
                "–" if found.metric.fair is None else f"{found.metric.fair[0]:g} to {found.metric.fair[1]:g}",
                found.metric.measures,
                reading(found),
            ]
            for found in measurements
        ),
    )


def reading(found: Measurement) -> str:
    """A value in words, and whether it could be chance."""
    if found.value is None:
        return f"no value: {found.reason}"
    metric, value = found.metric, found.value
    if value == metric.neutral:
        said = "equal"
    else:
        said = metric.above if value > metric.neutral else metric.below
        if may_be_chance(found):
            said += "; the interval includes equality, so this may be chance"
        elif found.is_without_interval:
            said += "; there are too few claims to tell it from chance"
    return said + (f" ({found.remark})" if found.remark else "")


def may_be_chance(found: Measurement) -> bool:
    """Whether the interval includes equality. A distance is never below 0, so that its interval cannot tell."""
    if not found.interval or found.metric.range[0] == found.metric.neutral:
        return False
    return found.interval[0] <= found.metric.neutral <= found.interval[1]
