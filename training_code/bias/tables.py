"""Counts of claims by stratum, membership, label and prediction: all that the metrics need."""

from typing import Any

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.int64]
"""``(…, strata, 2, 2, 2)`` by member, label and prediction; before training the last axis has length 1."""

Vector = npt.NDArray[np.float64]
"""Values of tables, or counts to calculate with."""

Flags = npt.NDArray[np.bool_]
Strata = npt.NDArray[Any]
"""Which stratum each claim belongs to: integers ``(n,)``."""


def of(
    *, member: Flags, label: Flags, predicted: Flags | None = None, stratum: Strata | None = None, strata: int = 1
) -> Table:
    """Count the claims of each combination.

    ``member``, ``label`` and (after training) ``predicted`` are boolean
    ``(n,)``; ``stratum`` are integers ``(n,)`` below ``strata``.
    """
    code = np.zeros(len(member), np.int64) if stratum is None else stratum.astype(np.int64)
    for flag in (member, label, predicted):
        if flag is not None:
            code = code * 2 + flag
    shape = (strata, 2, 2, 1 if predicted is None else 2)
    return np.bincount(code, minlength=int(np.prod(shape))).reshape(shape).astype(np.int64)


def sizes(table: Table) -> tuple[int, int]:
    """How many claims are members, and how many are not."""
    by_member = np.moveaxis(table, 1, 0).reshape(2, -1).sum(axis=1)
    return int(by_member[1]), int(by_member[0])


def has_empty_margin(table: Table) -> bool:
    """Whether a group lacks a label, or after training a decision, altogether."""
    counts = table.sum(axis=0)
    labels, decisions = counts.sum(axis=2), counts.sum(axis=1)
    return not (labels.all() and decisions.all())


def resample(table: Table, *, resamples: int, seed: int) -> Table:
    """Tables of that many bootstrap resamples, ``(resamples, *table.shape)``.

    Drawing n claims with replacement and counting them is drawing the counts
    from a multinomial distribution, whose cost does not grow with n.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    total = int(table.sum())
    counts = rng.multinomial(total, table.ravel() / total, size=resamples)
    return counts.reshape(resamples, *table.shape).astype(np.int64)
