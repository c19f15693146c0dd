"""The tables with one row a claim, written as the claims come."""

import csv
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.csv

from training_code import reasons
from training_code.claims import schema
from training_code.explain.summary import Explained

REASONS = 3

_OUT = pa.schema([(f"{name}_label0", pa.float32()) for name in schema.FEATURE_NAMES])
"""Clarify's names: the feature, and the label's place."""
_CLAIMS = pa.schema([(schema.KEY, pa.int64()), ("score", pa.float32())])
_REASONS = [
    schema.KEY, "score", "margin", "base",
    *(f"{part}_{rank}" for rank in range(1, REASONS + 1) for part in ("column", "value", "contribution")),
]  # fmt: skip


class Writer:
    """Writes explanations_shap/out.csv, explanations_shap/claims.csv and reasons.csv below ``folder``."""

    def __init__(self, folder: Path, *, threshold: float) -> None:
        self.folder, self.threshold = folder, threshold
        self.referred = 0
        """Claims so far that reach the threshold."""

    def __enter__(self) -> "Writer":
        below = self.folder / "explanations_shap"
        below.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            self._out = stack.enter_context(pyarrow.csv.CSVWriter(below / "out.csv", _OUT, write_options=_unquoted()))
            self._claims = stack.enter_context(pyarrow.csv.CSVWriter(below / "claims.csv", _CLAIMS, write_options=_unquoted()))
            self._reasons = csv.writer(stack.enter_context((self.folder / "reasons.csv").open("w", newline="")), lineterminator="\n")
            self._reasons.writerow(_REASONS)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def add(self, batch: Explained) -> None:
        columns = batch.contributions[:, :-1].astype("float32").T.copy()
        self._out.write_batch(pa.record_batch(list(map(pa.array, columns)), schema=_OUT))
        self._claims.write_batch(pa.record_batch([pa.array(batch.claims.policy), pa.array(batch.score)], schema=_CLAIMS))
        flagged = batch.take((batch.score.astype("float64") >= self.threshold).nonzero()[0])
        self.referred += len(flagged)
        margin = flagged.contributions.sum(axis=1, dtype="float64")
        why = reasons.top(flagged.claims.features, flagged.contributions, most=REASONS)
        for policy, score, total, base, own in zip(
            flagged.claims.policy, flagged.score, margin, flagged.contributions[:, -1], why, strict=True
        ):
            row: list[object] = [policy, f"{score:.9g}", f"{total:.6f}", f"{base:.6f}"]
            for reason in own:
                row += [reason.column, "" if reason.value is None else reason.value, f"{reason.contribution:.6f}"]
            self._reasons.writerow(row + [""] * (len(_REASONS) - len(row)))


def _unquoted() -> pyarrow.csv.WriteOptions:
    return pyarrow.csv.WriteOptions(quoting_style="none", quoting_header="none")
