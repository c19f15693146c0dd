"""Makes fraud equally frequent inside and outside a facet before a model learns (Kamiran and Calders, 2012).

Reweighing gives each combination of group g and label y the weight
P(g) · P(y) / P(g, y), so that in the weighted data the two are independent.
Resampling reaches the same counts by drawing: rows of a combination that is
too frequent are dropped, of one that is too rare repeated. Only what a model
learns from is changed, never what it is measured on.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from training_code.claims.facets import Facet, FacetError
from training_code.encoded import Split
from training_code.membership import members
from training_code.train.cluster import Cluster
from training_code.train.frameworks import HyperparameterError, Sample

_ALONE = Cluster()


class Kind(StrEnum):
    NONE = "none"
    REWEIGHING = "reweighing"
    RESAMPLING = "resampling"


@dataclass(frozen=True)
class Mitigation:
    """``facet`` is None without mitigation. Draws depend on ``seed`` and on the rows alone."""

    kind: Kind
    facet: Facet | None
    seed: int

    @classmethod
    def of(cls, kind: str, facet: str, seed: int) -> "Mitigation":
        """Raises HyperparameterError: no such kind or facet."""
        if kind not in list(Kind):
            raise HyperparameterError(f"mitigation is {kind}; it can be {', '.join(Kind)}")
        if kind == Kind.NONE:
            return cls(Kind.NONE, None, seed)
        try:
            return cls(Kind(kind), Facet.parse(facet), seed)
        except FacetError as error:
            raise HyperparameterError(f"mitigation={kind} needs mitigation_facet, such as customer_gender=Female: {error}") from None

    def sample(self, split: Split, cluster: Cluster = _ALONE) -> Sample:
        """What to learn from instead of ``split``, this host's share of the training data.

        Raises:
            HyperparameterError: there is no claim inside the facet, or none outside.
        """
        if self.facet is None:
            return Sample(split.features, split.label)
        cell = _cells(split, self.facet)
        counts = cluster.sum(np.bincount(cell, minlength=4).astype(np.float64)).reshape(2, 2)
        group = counts.sum(axis=1)
        if not group.all():
            side = "in" if not group[1] else "outside"
            raise HyperparameterError(f"mitigation_facet: there is no claim {side} {self.facet} in the training data; name another facet")
        factor = _factors(counts)
        if self.kind is Kind.REWEIGHING:
            return Sample(split.features, split.label, factor[cell])
        rows = self._draw(cell, factor, cluster.rank)
        return Sample(split.features[rows], split.label[rows])

    def _draw(self, cell: npt.NDArray[np.intp], factor: npt.NDArray[np.float64], rank: int) -> npt.NDArray[np.intp]:
        """Every row as often as its cell's factor says: whole repeats, and a draw without replacement for the rest."""
        kept = []
        for number, times in enumerate(factor):
            own = np.flatnonzero(cell == number)
            repeats, rest = divmod(round(times * len(own)), max(len(own), 1))
            drawn = np.random.default_rng([self.seed, rank, number]).permutation(own)[:rest]
            kept.append(np.concatenate([np.repeat(own, repeats), drawn]))
        return np.sort(np.concatenate(kept))


def _cells(split: Split, facet: Facet) -> npt.NDArray[np.intp]:
    """0 to 3: twice whether in the facet, plus whether fraud."""
    cells: npt.NDArray[np.intp] = 2 * members(facet, split.features).astype(np.intp) + (split.label == 1)
    return cells


def _factors(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """P(g) · P(y) / P(g, y) by cell, ``(4,)``; 1 for a cell without claims, which nothing can be made of."""
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    return np.divide(expected, counts, out=np.ones((2, 2)), where=counts > 0).ravel()
