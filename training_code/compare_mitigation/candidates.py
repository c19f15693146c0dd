"""The two models: one trained with mitigation, and the reference without, each with its own threshold."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from training_code import metrics, model_archive, scoring
from training_code.bias.tables import Flags
from training_code.claims import schema
from training_code.encoded import Split
from training_code.metrics import AtCapacity, Ranking

_OUT_OF_FOLD = "out_of_fold.parquet"


class CandidateError(Exception):
    """A model that cannot be compared; the message says which and why."""


@dataclass(frozen=True)
class OutOfFold:
    """Scores of training claims by models that had not seen them; all ``(n,)``."""

    policy: npt.NDArray[np.int64]
    label: npt.NDArray[np.float64]
    score: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """One model on the test split: ``score`` float32 and ``flagged`` bool, ``(n,)``, at its own threshold.

    ``mitigation`` is what training recorded of it, ``none`` or None where it recorded nothing.
    """

    format: str
    mitigation: str | None
    score: npt.NDArray[np.float32]
    ranking: Ranking
    at: AtCapacity
    out_of_fold: OutOfFold | None

    @property
    def flagged(self) -> Flags:
        return self.score >= np.float32(self.at.threshold)


def score(archive: Path, test: Split, *, capacity: float, role: str) -> Candidate:
    """Score the test split with the model at ``archive``.

    Raises:
        CandidateError: no model there, or one of other features than the schema's.
    """
    with tempfile.TemporaryDirectory() as scratch:
        try:
            folder = model_archive.unpack(archive, Path(scratch))
            model = scoring.load(folder)
        except (FileNotFoundError, model_archive.ArchiveError, scoring.ModelError) as error:
            raise CandidateError(f"the {role} model: {error}") from None
        if model.features != schema.FEATURE_NAMES:
            raise CandidateError(f"the {role} model was trained on other features, or in another order, than this schema has")
        scores = model.score(test.features)
        ranking = Ranking.of(test.label, scores)
        return Candidate(
            model.format, _mitigation(folder), scores, ranking, metrics.at_capacity(ranking, capacity), _out_of_fold(folder)
        )


def _mitigation(folder: Path) -> str | None:
    file = folder / "training.json"
    if not file.is_file():
        return None
    hyperparameters = json.loads(file.read_text()).get("hyperparameters", {})
    mitigation, facet = hyperparameters.get("mitigation"), hyperparameters.get("mitigation_facet")
    if mitigation is None:
        return None
    return f"{mitigation} for {facet}" if facet and mitigation != "none" else str(mitigation)


def _out_of_fold(folder: Path) -> OutOfFold | None:
    file = folder / _OUT_OF_FOLD
    if not file.is_file() or "policy" not in pq.ParquetFile(file).schema_arrow.names:
        return None
    table = pq.read_table(file, columns=["policy", "label", "score"])
    return OutOfFold(table["policy"].to_numpy(), table["label"].to_numpy().astype(float), table["score"].to_numpy().astype(float))
