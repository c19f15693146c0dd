"""Metrics of the data before a model learns from it: who is in it, and whose claims are labelled fraud."""

from collections.abc import Callable

import numpy as np

from training_code.bias import strata
from training_code.bias.metric import Metric
from training_code.bias.rates import Difference, Rate
from training_code.bias.tables import Table, Vector


def _class_imbalance(table: Table) -> Vector:
    size = table.sum(axis=(-4, -2, -1)).astype(float)
    others, members = size[..., 0], size[..., 1]
    return np.where(np.minimum(others, members) > 0, (others - members) / np.maximum(others + members, 1), np.nan)


FRAUD_RATE = Rate(lambda counts: counts[..., 1, :].sum(axis=-1), lambda counts: counts.sum(axis=(-1, -2)), of="claims")


def _distributions(table: Table) -> tuple[Vector, Vector]:
    """The shares of both labels among the others and in the facet, ``(…, 2)`` each; NaN where a group is empty."""
    counts = table.sum(axis=(-4, -1)).astype(float)
    size = counts.sum(axis=-1, keepdims=True)
    share = np.where(size.min(axis=-2, keepdims=True) > 0, counts / np.maximum(size, 1), np.nan)
    return share[..., 0, :], share[..., 1, :]


# From the five metrics below smclarify leaves out every label that one of the groups lacks: a facet without a single
# fraud then has a negative divergence, and half its true distance. These follow the documented formulas instead, and
# differ from smclarify in that case only.


def _divergence(p: Vector, q: Vector) -> Vector:
    with np.errstate(divide="ignore", invalid="ignore"):
        total: Vector = np.where(p == 0, 0.0, p * np.log(p / q)).sum(axis=-1)
    return total


def _kullback_leibler(table: Table) -> Vector:
    return _divergence(*_distributions(table))


def _jensen_shannon(table: Table) -> Vector:
    others, facet = _distributions(table)
    middle = (others + facet) / 2
    return (_divergence(others, middle) + _divergence(facet, middle)) / 2


def _norm(order: float, factor: float = 1.0) -> Callable[[Table], Vector]:
    def compute(table: Table) -> Vector:
        others, facet = _distributions(table)
        norm: Vector = np.linalg.norm(others - facet, order, axis=-1)
        return factor * norm

    return compute


def _conditional(table: Table) -> Vector:
    return strata.conditional_disparity(table.sum(axis=-1))


_APART = "0 when the shares of fraud are equal"

METRICS = (
    Metric(
        name="CI", title="Class Imbalance",
        measures="How many more claims the others have, as a share of all claims.",
        below="the facet has more claims than all others together", above="the facet has fewer claims than all others together",
        undefined="one of the groups is empty", compute=_class_imbalance, fair=None,
    ),
    Metric(
        name="DPL", title="Difference in Positive Proportions in Labels",
        measures="Share of the others' claims that are fraud, minus the facet's share.",
        below="more of the facet's claims are labelled fraud", above="fewer of the facet's claims are labelled fraud",
        undefined="one of the groups is empty", compute=Difference(FRAUD_RATE),
    ),
    Metric(
        name="KL", title="Kullback-Leibler Divergence",
        measures=f"How surprising the others' labels are to one who knows the facet's, in nats; {_APART}.",
        below="", above="the groups' shares of fraud differ",
        undefined="unbounded: the facet lacks a label (fraud, or no fraud) that the others have",
        compute=_kullback_leibler, fair=None, range=(0.0, float("inf")),
    ),
    Metric(
        name="JS", title="Jensen-Shannon Divergence",
        measures=f"The divergence of both groups from their average, in nats; {_APART}, at most 0.69.",
        below="", above="the groups' shares of fraud differ",
        undefined="one of the groups is empty", compute=_jensen_shannon, fair=None, range=(0.0, float(np.log(2))),
    ),
    Metric(
        name="LP", title="L-p Norm",
        measures=f"The distance of the groups' shares of fraud and of no fraud, by the square root of squares; {_APART}.",
        below="", above="the groups' shares of fraud differ",
        undefined="one of the groups is empty", compute=_norm(2), fair=(0.0, 0.1), range=(0.0, float(np.sqrt(2))),
    ),
    Metric(
        name="TVD", title="Total Variation Distance",
        measures=f"How many of the facet's labels would have to change for equal shares of fraud; {_APART}.",
        below="", above="the groups' shares of fraud differ",
        undefined="one of the groups is empty", compute=_norm(1, 0.5), fair=(0.0, 0.1), range=(0.0, 1.0),
    ),
    Metric(
        name="KS", title="Kolmogorov-Smirnov Distance",
        measures=f"The largest difference in the share of any label; {_APART}.",
        below="", above="the groups' shares of fraud differ",
        undefined="one of the groups is empty", compute=_norm(np.inf), fair=(0.0, 0.1), range=(0.0, 1.0),
    ),
    Metric(
        name="CDDL", title="Conditional Demographic Disparity in Labels",
        measures="The facet's share of the honest claims minus its share of the frauds, within each stratum and then averaged.",
        below="within strata, the facet has more than its part of the frauds",
        above="within strata, the facet has less than its part of the frauds",
        undefined="the claims are all fraud, or none is", compute=_conditional,
    ),
)  # fmt: skip
"""Clarify's eight."""
