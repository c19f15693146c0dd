"""The page about bias in the training data."""

from collections.abc import Sequence

from training_code.bias import pages
from training_code.bias.analysis import Comparison
from training_code.reporting import page

_CHARTED = ("DPL", "CDDL")


def html(comparisons: Sequence[Comparison], *, group: str) -> str:
    """The whole page; ``group`` is the column of CDDL's strata."""
    counts = comparisons[0].table.sum(axis=(0, 1, 3))
    return page.page(
        "Bias in the training data",
        f"{counts.sum():,} claims of the training split, {counts[1]:,} of them labelled fraud. Nothing here depends on a model: "
        "it is what any model would learn from.",
        [
            page.section("In plain words", *map(_sentence, comparisons)),
            page.section(
                "The groups side by side",
                pages.side_by_side(
                    comparisons,
                    [
                        ("claims", lambda of: f"{of.part.count:,}"),
                        ("part of all claims", lambda of: str(of.part)),
                        ("labelled fraud", lambda of: f"{of.frauds.count:,}"),
                        ("fraud rate (95 % interval)", lambda of: of.frauds.span),
                    ],
                ),
                page.charts(
                    [
                        pages.pairs("Labelled fraud", comparisons, lambda of: of.frauds, "share of the group's claims"),
                        pages.pairs("Part of all claims", comparisons, lambda of: of.part, "share of all claims"),
                    ],
                    columns=2,
                ),
                note="Whiskers are 95 % intervals: where those of two groups overlap widely, a difference may be chance.",
            ),
            page.section("How to read the metrics", page.paragraph(pages.CONVENTION), page.paragraph(pages.FAIR)),
            *(pages.facet(comparison, _CHARTED) for comparison in comparisons),
            page.section(
                "How sure",
                note="The interval of DPL follows by formula from those of both shares (Newcombe; Wilson), the others come from a "
                "bootstrap: the same number of claims drawn with replacement, many times. They say how much a value would move with "
                "other claims of the same kind, not whether the labels are right. "
                f"CDDL compares within the levels of {group}.",
            ),
        ],
    )


def _sentence(comparison: Comparison) -> str:
    title = comparison.subject.title
    if comparison.error:
        return page.notice(f"{title}: nothing to compare, {comparison.error}.", "bad")
    facet, others = pages.sides(comparison)
    return page.notice(
        f"{title}: {facet.part.count:,} of {facet.part.total:,} claims ({facet.part}). {facet.frauds.count:,} of them are labelled "
        f"fraud ({facet.frauds}), against {others.frauds} of all others: {pages.reading(comparison['DPL'])}."
    )
