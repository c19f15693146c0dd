"""Disparity within strata, which a difference between the strata themselves does not explain."""

import numpy as np

from training_code.bias.rates import quotient
from training_code.bias.tables import Table, Vector


def conditional_disparity(table: Table) -> Vector:
    """Clarify's conditional demographic disparity of counts ``(…, strata, 2, 2)`` by member and outcome.

    The facet's share of the negative outcomes minus its share of the positive
    ones in each stratum, averaged with the strata's sizes as weights. A
    stratum without one of the outcomes counts with a share of 0, as in
    Clarify. NaN without a positive or a negative outcome anywhere, and where
    a group is empty (smclarify says 0 then).
    """
    counts = table.astype(float)
    outcomes = counts.sum(axis=-2)
    share = quotient(counts[..., 1, :], outcomes)
    size = outcomes.sum(axis=-1)
    total = size.sum(axis=-1)
    value = (size * (share[..., 0] - share[..., 1])).sum(axis=-1) / np.maximum(total, 1)
    by_group = counts.sum(axis=(-3, -1)).min(axis=-1)
    return np.where((outcomes.sum(axis=-2).min(axis=-1) > 0) & (by_group > 0), value, np.nan)
