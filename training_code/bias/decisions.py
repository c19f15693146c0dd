"""A model's decisions on encoded claims, and how they fall on the facets."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from training_code.bias import analysis, groups, tables
from training_code.bias.analysis import Comparison
from training_code.bias.flip_test import Likeness
from training_code.bias.tables import Flags
from training_code.claims import schema
from training_code.claims.facets import Facet
from training_code.encoded import DataError, Split

FILE = "predictions.parquet"
_COLUMNS = (schema.KEY, schema.LABEL, "score", "predicted")


@dataclass(frozen=True)
class Decisions:
    """``score`` float32 and ``predicted`` bool, ``(n,)`` each, in the order of the split that was scored."""

    score: npt.NDArray[np.float32]
    predicted: Flags

    @property
    def threshold(self) -> float | None:
        """The lowest score that is flagged; None when nothing is."""
        return float(self.score[self.predicted].min()) if self.predicted.any() else None


def read(folder: Path, split: Split) -> Decisions:
    """The decisions on the claims of ``split``.

    Raises:
        DataError: no predictions, not all columns, or predictions of other claims.
    """
    file = folder / FILE
    if not file.is_file():
        raise DataError(f"no {FILE} in {folder}")
    missing = set(_COLUMNS) - set(pq.ParquetFile(file).schema_arrow.names)
    if missing:
        raise DataError(f"{FILE} lacks {', '.join(sorted(missing))}")
    table = pq.read_table(file, columns=list(_COLUMNS))
    same = len(table) == len(split) and all(
        np.array_equal(table[name].to_numpy(), own) for name, own in ((schema.KEY, split.policy), (schema.LABEL, split.label))
    )
    if not same:
        raise DataError(f"{FILE} is not about the claims of the test split, row by row; score that split again")
    return Decisions(table["score"].to_numpy(), table["predicted"].to_numpy() == 1)


def compare(
    split: Split, predicted: Flags, *, facets: Sequence[Facet], group: schema.Column, resamples: int = 0, seed: int = 7
) -> list[Comparison]:
    """Each facet against all other claims of the split; ``group`` gives the strata of CDDPL."""
    stratum, label = groups.strata(group, split.features), split.label == 1
    found = []
    for facet in facets:
        member = groups.members(facet, split.features)
        table = tables.of(member=member, label=label, predicted=predicted, stratum=stratum, strata=len(group.levels))
        found.append(
            analysis.after_training(
                groups.subject(facet), table, likeness=Likeness(split.features, *groups.likeness(facet)),
                member=member, predicted=predicted, resamples=resamples, seed=seed,
            )
        )  # fmt: skip
    return found
