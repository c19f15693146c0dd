"""Explaining many claims: seconds and peak memory, of all of them and of a tenth."""

from pathlib import Path

from benchmarks import measure
from benchmarks.measure import python

_TRAINING, _MOST = 20_000, 1_000_000


def run(folder: Path, rows: int) -> None:
    """Generates the claims, a million at most, trains on a few of them, and explains them."""
    rows = min(rows, _MOST)
    print(f"\nexplaining every one of {rows:,} claims (one run each, one after the other)")
    model, evaluation = _model(folder / "model")
    print(f"{'claims':>12}{'seconds':>10}{'claims/s':>10}{'peak GiB':>10}{'page kB':>10}")
    for claims in (max(rows // 10, 1), rows):
        splits, output = _splits(folder / str(claims), claims), folder / f"explained-{claims}"
        found = measure.run(
            python("training_code.explain", "--data", splits, "--model", model, "--evaluation", evaluation, "--output", output)
        )
        page = (output / "explain.html").stat().st_size / 1000
        print(f"{claims:12,}{found.seconds:10.1f}{claims / found.seconds:10,.0f}{found.peak_bytes / 2**30:10.2f}{page:10.0f}")


def _splits(folder: Path, rows: int) -> Path:
    """The encoded splits, all of which are explained, with nothing else beside them."""
    measure.run(python("fraud.main", "data", "--rows", rows, "--out", folder / "data"))
    claims, customers = folder / "data/claims.csv", folder / "data/customers.csv"
    measure.run(python("training_code.preprocess", "--claims", claims, "--customers", customers, "--output", folder / "splits"))
    return folder / "splits"


def _model(folder: Path) -> tuple[Path, Path]:
    splits = _splits(folder, _TRAINING)
    measure.run(
        python("training_code.train", "--train", splits / "train", "--validation", splits / "validation",
               "--model-dir", folder / "model", "--checkpoints", folder / "checkpoints")
    )  # fmt: skip
    measure.run(python("training_code.evaluate", "--test", splits / "test", "--model", folder / "model", "--output", folder / "evaluation"))
    return folder / "model", folder / "evaluation"
