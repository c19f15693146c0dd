"""The flip test: are claims of the facet decided as similar claims of others are?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training_code.bias.metric import Measurement, Metric
from training_code.bias.tables import Flags, Table, Vector

_NEIGHBOURS = 5
_ENOUGH_OTHERS = 9
"""With no more than so many others, Clarify asks the nearest one only."""

MEMBERS, OTHERS = 2_000, 50_000
"""Of more claims than these, so many are drawn: the search takes time in proportion to their product."""

_BLOCK = 4_000_000
"""Distances held at a time."""


def _not_from_counts(_table: Table) -> Vector:
    return np.array(np.nan)


METRIC = Metric(
    name="FT", title="Flip Test",
    # Clarify's documentation counts the other way round (unfavourable to favourable first); this is what it computes.
    measures="Of the facet's claims, the share that is flagged while the most similar others are not, minus the share of the reverse.",
    below="the facet is passed where similar others are flagged", above="the facet is flagged where similar others are not",
    undefined="no features to compare by", compute=_not_from_counts,
)  # fmt: skip


@dataclass(frozen=True)
class Flips:
    """Of ``members`` claims compared with ``others``: flagged unlike their neighbours, and passed unlike them."""

    flagged: int
    passed: int
    members: int
    others: int
    is_sample: bool

    @property
    def measurement(self) -> Measurement:
        return Measurement(METRIC, (self.flagged - self.passed) / self.members)


@dataclass(frozen=True)
class Likeness:
    """What claims are compared by: ``features`` ``(n, f)``, of which those at ``places``, each divided by its unit."""

    features: npt.NDArray[Any]
    places: npt.NDArray[np.intp]
    units: npt.NDArray[Any]

    def rows(self, rows: npt.NDArray[np.intp]) -> Vector:
        found: Vector = (self.features[rows][:, self.places] / self.units).astype(float)
        return found


def count(likeness: Likeness, member: Flags, predicted: Flags, *, seed: int = 7) -> Flips:
    """Compare each member's decision with the majority of its five nearest others.

    There must be members and others. Distances are Euclidean. Equals
    smclarify's count up to the choice among equally distant neighbours, and
    but for the drawing of samples, which smclarify, quadratic in time, does
    not do.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    ours, theirs = _draw(np.flatnonzero(member), MEMBERS, rng), _draw(np.flatnonzero(~member), OTHERS, rng)
    neighbours = _NEIGHBOURS if len(theirs) > _ENOUGH_OTHERS else 1
    known, vote = likeness.rows(theirs), predicted[theirs]
    # Whole offsets keep whole numbers exact, and with them ties.
    offset = np.rint(known.mean(axis=0))
    known -= offset
    lengths = (known**2).sum(axis=1)
    flagged = passed = 0
    for block in np.array_split(ours, -(-len(ours) * len(theirs) // _BLOCK)):
        # Less the length of the asked claim itself, which is the same for all its neighbours.
        distance = lengths - 2 * ((likeness.rows(block) - offset) @ known.T)
        expected = _votes(distance, vote, neighbours) * 2 > neighbours
        flagged += int((predicted[block] & ~expected).sum())
        passed += int((~predicted[block] & expected).sum())
    return Flips(flagged, passed, len(ours), len(theirs), len(ours) + len(theirs) < len(member))


def _draw(rows: npt.NDArray[np.intp], size: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    return rows if len(rows) <= size else np.sort(rng.choice(rows, size, replace=False))


def _votes(distance: Vector, vote: Flags, neighbours: int) -> npt.NDArray[np.float32]:
    """How many of each row's nearest are flagged; of equally distant ones the first count."""
    reach = np.partition(distance, neighbours - 1, axis=1)[:, neighbours - 1 : neighbours]
    near = distance <= reach
    for row in np.flatnonzero(near.sum(axis=1) > neighbours):
        inside = np.flatnonzero(near[row])
        order = np.argsort(distance[row, inside], kind="stable")
        near[row, inside[order[neighbours:]]] = False
    return near.astype(np.float32) @ vote.astype(np.float32)
