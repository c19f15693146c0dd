"""What is kept of all explained claims: sums, a sample, and the highest scores."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from training_code import encoded, reasons, scoring
from training_code.claims import schema

SAMPLE = 2000
HIGHEST = 12

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Explained:
    """Claims with their ``score`` float32 ``(n,)`` and ``contributions`` ``(n, f + 1)``, the base last."""

    claims: encoded.Split
    score: npt.NDArray[np.float32]
    contributions: npt.NDArray[np.float64] | npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.score)

    def take(self, rows: npt.NDArray[np.intp]) -> "Explained":
        claims = encoded.Split(self.claims.features[rows], self.claims.label[rows], self.claims.policy[rows])
        return Explained(claims, self.score[rows], self.contributions[rows])

    def join(self, other: "Explained") -> "Explained":
        return Explained(
            self.claims.join(other.claims),
            np.concatenate([self.score, other.score]),
            np.concatenate([self.contributions, other.contributions]),
        )


def explain(model: scoring.Model, claims: encoded.Split) -> Explained:
    return Explained(claims, model.score(claims.features), model.contributions(claims.features))


@dataclass
class Summary:
    """Of ``expected`` claims in all, which ``add`` takes batch by batch."""

    expected: int
    claims: int = 0
    features: Floats = field(default_factory=lambda: np.zeros(len(schema.FEATURE_NAMES)))
    """Σ |contribution| of every feature."""
    columns: Floats = field(default_factory=lambda: np.zeros(len(reasons.COLUMNS)))
    """Σ |contribution| of every raw column; the features of one can cancel out."""
    base: float = 0.0
    sample: Explained | None = None
    """At most ``SAMPLE`` claims, evenly spread."""
    highest: Explained | None = None
    """The ``HIGHEST`` scores, the highest first; of equal ones those that came first."""

    def add(self, batch: Explained) -> None:
        self.features += np.abs(batch.contributions[:, :-1]).sum(axis=0, dtype=np.float64)
        self.columns += np.abs(reasons.by_column(batch.contributions)[:, :-1]).sum(axis=0)
        self.base = float(batch.contributions[0, -1])
        place = np.arange(self.claims, self.claims + len(batch))
        # The claims at which the count of sampled ones, spread evenly over all, goes up.
        drawn = np.flatnonzero(place * SAMPLE // self.expected != (place - 1) * SAMPLE // self.expected)
        sample = batch.take(drawn)
        self.sample = sample if self.sample is None else self.sample.join(sample)
        candidates = batch if self.highest is None else self.highest.join(batch)
        self.highest = candidates.take(np.argsort(-candidates.score, kind="stable")[:HIGHEST])
        self.claims += len(batch)

    def ranked_columns(self) -> list[tuple[str, float]]:
        """Raw columns with their mean |contribution|, the largest first."""
        return _ranked(reasons.COLUMNS, self.columns / self.claims)

    def ranked_features(self) -> list[tuple[str, float]]:
        """Features with their mean |contribution|, the largest first."""
        return _ranked(schema.FEATURE_NAMES, self.features / self.claims)


def _ranked(names: tuple[str, ...], values: Floats) -> list[tuple[str, float]]:
    return sorted(zip(names, values.tolist(), strict=True), key=lambda pair: -pair[1])
