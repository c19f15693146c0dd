"""Metrics of a model's decisions: who is flagged, whose fraud is found, who is flagged wrongly."""

from collections.abc import Callable

import numpy as np

from training_code.bias import strata
from training_code.bias.metric import FOUR_FIFTHS, Metric
from training_code.bias.rates import Difference, Rate, Relation
from training_code.bias.tables import Table, Vector


def _cell(label: int, predicted: int) -> Callable[[Vector], Vector]:
    def count(counts: Vector) -> Vector:
        found: Vector = counts[..., label, predicted]
        return found

    return count


_true_negatives, _false_positives, _false_negatives, _true_positives = _cell(0, 0), _cell(0, 1), _cell(1, 0), _cell(1, 1)


def _frauds(counts: Vector) -> Vector:
    return _false_negatives(counts) + _true_positives(counts)


def _honest(counts: Vector) -> Vector:
    return _true_negatives(counts) + _false_positives(counts)


def _flagged(counts: Vector) -> Vector:
    return _false_positives(counts) + _true_positives(counts)


def _passed(counts: Vector) -> Vector:
    return _true_negatives(counts) + _false_negatives(counts)


def _claims(counts: Vector) -> Vector:
    return _honest(counts) + _frauds(counts)


FRAUDS, HONEST, FLAGGED, PASSED, CLAIMS = "frauds", "honest claims", "flagged claims", "claims that are not flagged", "claims"

ACCURACY = Rate(lambda counts: _true_positives(counts) + _true_negatives(counts), _claims, CLAIMS)
FLAGGED_RATE = Rate(_flagged, _claims, CLAIMS)
PRECISION = Rate(_true_positives, _flagged, FLAGGED)
RECALL = Rate(_true_positives, _frauds, FRAUDS)
SPECIFICITY = Rate(_true_negatives, _honest, HONEST)
_HONEST_OF_PASSED = Rate(_true_negatives, _passed, PASSED)
_FRAUDS_PER_FLAG = Rate(_frauds, _flagged, "frauds and no flagged claims", is_share=False)
_HONEST_PER_PASSED = Rate(_honest, _passed, "honest claims and none that are not flagged", is_share=False)
_MISSED_PER_WRONG = Rate(_false_negatives, _false_positives, "missed frauds and no wrong flags", is_share=False)


def _conditional(table: Table) -> Vector:
    return strata.conditional_disparity(table.sum(axis=-2))


def _generalized_entropy(table: Table) -> Vector:
    """Half the squared coefficient of variation of the benefits: 2 for a false positive, 0 for a false negative, else 1."""
    counts = table.sum(axis=(-4, -3)).astype(float)
    doubled, lost, total = counts[..., 0, 1], counts[..., 1, 0], counts.sum(axis=(-1, -2))
    mean = (total + doubled - lost) / total
    squares = (4 * doubled + total - doubled - lost) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(mean > 0, (squares / mean**2 - 1) / 2, np.nan)


_UNBOUNDED_FLAGGED = "unbounded: one of the groups has frauds, and not one of its claims is flagged"
_UNBOUNDED_PASSED = "unbounded: one of the groups has honest claims, and every one of its claims is flagged"
_EMPTY = "one of the groups is empty"
_ANY = (-float("inf"), float("inf"))

METRICS = (
    Metric(
        name="AD", title="Accuracy Difference",
        measures="Share of the others' claims that are decided rightly, minus the facet's share.",
        below="decisions on the facet are right more often", above="decisions on the facet are wrong more often",
        undefined=_EMPTY, compute=Difference(ACCURACY),
    ),
    Metric(
        name="CDDPL", title="Conditional Demographic Disparity in Predicted Labels",
        measures="The facet's share of the claims not flagged minus its share of those flagged, within each stratum and then averaged.",
        below="within strata, the facet has more than its part of the flags",
        above="within strata, the facet has less than its part of the flags",
        undefined="every claim is flagged, or none is", compute=_conditional,
    ),
    Metric(
        name="DAR", title="Difference in Acceptance Rates",
        measures="Precision among the others minus precision in the facet: how many of the flagged claims are fraud.",
        below="a flag on the facet is right more often", above="a flag on the facet is wrong more often",
        undefined=_EMPTY, compute=Difference(PRECISION),
    ),
    Metric(
        name="DCA", title="Difference in Conditional Acceptance",
        measures="Frauds per flag among the others, minus frauds per flag in the facet.",
        below="the facet gets fewer flags than its frauds would suggest", above="the facet gets more flags than its frauds would suggest",
        undefined=_UNBOUNDED_FLAGGED, compute=Difference(_FRAUDS_PER_FLAG), fair=None, range=_ANY,
    ),
    Metric(
        name="DCR", title="Difference in Conditional Rejection",
        measures="Honest claims per claim that is not flagged in the facet, minus the same among the others.",
        below="the facet is passed more often than its honest claims would suggest",
        above="the facet is passed less often than its honest claims would suggest",
        undefined=_UNBOUNDED_PASSED, compute=Difference(_HONEST_PER_PASSED, of_facet_first=True),
        fair=None, range=_ANY,
    ),
    Metric(
        name="DI", title="Disparate Impact",
        measures="Share of the facet's claims that are flagged, divided by the others' share; 1 when equal.",
        below="the facet is flagged less often", above="the facet is flagged more often",
        undefined="unbounded: the facet is flagged, and none of the others is",
        compute=Relation(FLAGGED_RATE), neutral=1.0, fair=FOUR_FIFTHS, range=(0.0, float("inf")),
    ),
    Metric(
        name="DPPL", title="Difference in Positive Proportions in Predicted Labels",
        measures="Share of the others' claims that are flagged, minus the facet's share.",
        below="the facet is flagged more often", above="the facet is flagged less often",
        undefined=_EMPTY, compute=Difference(FLAGGED_RATE),
    ),
    Metric(
        name="DRR", title="Difference in Rejection Rates",
        measures="Share of the facet's unflagged claims that are honest, minus the others' share.",
        below="more fraud slips through in the facet", above="less fraud slips through in the facet",
        undefined=_EMPTY, compute=Difference(_HONEST_OF_PASSED, of_facet_first=True),
    ),
    Metric(
        name="GE", title="Generalized Entropy",
        measures="How unevenly wrong decisions fall on claims, whatever their group: 0 when every decision is right.",
        below="", above="decisions are wrong for some of the claims",
        undefined="every decision is a fraud that was missed", compute=_generalized_entropy,
        # The formula has no upper end: many missed frauds among few claims exceed the documented 0.5.
        fair=None, range=(0.0, float("inf")), compares_groups=False,
    ),
    Metric(
        name="RD", title="Recall Difference",
        measures="Share of the others' frauds that are flagged, minus the facet's share.",
        below="fraud in the facet is found more often", above="fraud in the facet is found less often",
        undefined=_EMPTY, compute=Difference(RECALL),
    ),
    Metric(
        name="SD", title="Specificity Difference",
        measures="Share of the facet's honest claims that are left alone, minus the others' share.",
        below="honest claims of the facet are flagged more often", above="honest claims of the facet are flagged less often",
        undefined=_EMPTY, compute=Difference(SPECIFICITY, of_facet_first=True),
    ),
    Metric(
        name="TE", title="Treatment Equality",
        # Documentation before 2023 has the inverse ratio and the other order; this is what Clarify computes.
        measures="Missed frauds per wrong flag in the facet, minus the same among the others.",
        below="errors on the facet are more often wrong flags", above="errors on the facet are more often missed frauds",
        undefined="unbounded: one of the groups has missed frauds, and not one wrong flag",
        compute=Difference(_MISSED_PER_WRONG, of_facet_first=True), fair=None, range=_ANY,
    ),
)  # fmt: skip
"""Clarify's thirteen but the flip test, which is no function of counts."""
