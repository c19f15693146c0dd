"""The page about bias in a model's decisions."""

from collections.abc import Sequence

from training_code.bias import pages
from training_code.bias.analysis import Comparison
from training_code.bias.decisions import Decisions
from training_code.reporting import page

_CHARTED = ("DPPL", "CDDPL", "RD", "DAR", "SD", "DRR", "AD", "FT")


def html(comparisons: Sequence[Comparison], decisions: Decisions, *, group: str) -> str:
    """The whole page; ``group`` is the column of CDDPL's strata."""
    counts = comparisons[0].table.sum(axis=(0, 1))
    flagged, frauds, total = int(counts[:, 1].sum()), int(counts[1].sum()), int(counts.sum())
    threshold = decisions.threshold
    meaning = (
        "The model flags no claim at all."
        if threshold is None
        else f"The model flags {flagged:,} of them ({flagged / total:.1%}): those that score {threshold:.4f} or more. That threshold "
        "is where the number of claims that investigators can review ends; it is no judgement of how likely fraud is, and not 0.5."
    )
    return page.page(
        "Bias in the model's decisions",
        f"{total:,} claims of the test split, {frauds:,} of them fraudulent; the model has not seen them. {meaning}",
        [
            page.section(
                "In plain words",
                *map(_sentence, comparisons),
                note="A red box: one side is flagged less than four fifths as often as the other, by more than chance explains. "
                "That is a question to answer, not yet a finding: shares of actual fraud may differ, too.",
            ),
            page.section(
                "The groups side by side",
                pages.side_by_side(
                    comparisons,
                    [
                        ("claims", lambda of: f"{of.part.count:,}"),
                        ("frauds", lambda of: f"{of.frauds.count:,}"),
                        ("fraud rate", lambda of: of.frauds.span),
                        ("flagged", lambda of: of.flagged.span),
                        ("precision: flags that are right", lambda of: of.precision.span),
                        ("recall: frauds that are found", lambda of: of.recall.span),
                        ("honest claims flagged", lambda of: of.false_alarms.span),
                    ],
                ),
                page.charts(
                    [
                        pages.pairs("Flagged", comparisons, lambda of: of.flagged, "share of the group's claims"),
                        pages.pairs("Actual fraud", comparisons, lambda of: of.frauds, "share of the group's claims"),
                        pages.pairs("Precision", comparisons, lambda of: of.precision, "share of the flags that are right"),
                        pages.pairs("Recall", comparisons, lambda of: of.recall, "share of the frauds that are flagged"),
                    ],
                    columns=2,
                ),
                note="In brackets, and as whiskers: 95 % intervals. Where those of two groups overlap widely, a difference may be chance.",
            ),
            page.section("How to read the metrics", page.paragraph(pages.CONVENTION), page.paragraph(pages.FAIR)),
            *(pages.facet(comparison, _CHARTED, "DI") for comparison in comparisons),
            page.section("How sure", *map(page.paragraph, _how_sure(comparisons, frauds, group))),
        ],
    )


def _sentence(comparison: Comparison) -> str:
    title, impact = comparison.subject.title, comparison["DI"]
    if comparison.error:
        return page.notice(f"{title}: nothing to compare, {comparison.error}.", "bad")
    facet, others = pages.sides(comparison)
    said = [
        f"{title}: {facet.flagged.count:,} of {facet.flagged.total:,} claims are flagged ({facet.flagged}), of all others {others.flagged}"
        + (f"; that is {impact.value:.2f} times as often: " if impact.value is not None else ": ")
        + f"{pages.reading(impact)}.",
        f"{facet.precision.count:,} of these {facet.precision.total:,} flags are right ({facet.precision}; "
        f"for all others {others.precision})."
        if facet.precision.total
        else "So there is no flag to be right or wrong.",
        f"Of {facet.recall.total:,} frauds in the facet, {facet.recall.count:,} are found ({facet.recall}; for all others {others.recall})."
        if facet.recall.total
        else "There is no fraud in the facet to be found.",
    ]
    return page.notice(" ".join(said), "bad" if impact.is_fair is False and not pages.may_be_chance(impact) else "plain")


def _how_sure(comparisons: Sequence[Comparison], frauds: int, group: str) -> list[str]:
    said = [
        f"There are {frauds:,} frauds in the test split, and every figure about recall or precision in one group rests on a part of "
        "them. Intervals of shares are Wilson's; those of their differences and of DI follow from these by formula (Newcombe; Donner and "
        "Zou); those of the other metrics come from a bootstrap (claims drawn with replacement, the threshold kept), where every group "
        "has some of each. All are meant to hold in 95 of 100 cases. An interval that includes equality means that these claims cannot "
        "tell, not that there is no difference.",
        "The flip test compares each claim of a facet with the five most similar others, by all features but the facet's own column, "
        "each in the unit that the schema gives it. It has no interval.",
        f"CDDPL compares within the levels of {group}.",
    ]
    if any(comparison.flips and comparison.flips.is_sample for comparison in comparisons):
        largest = max((comparison.flips for comparison in comparisons if comparison.flips), key=lambda flips: flips.others)
        said[1] += f" It was counted on at most {largest.members:,} drawn claims of a facet and {largest.others:,} of the others."
    return said
