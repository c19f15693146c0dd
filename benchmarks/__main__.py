"""Measure what the README claims, each part against something comparable in the same run.

    python -m benchmarks                      # 5,000,000 claims
    python -m benchmarks --rows 200000        # quicker
    python -m benchmarks --only synth
"""

import argparse
import functools
import json
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks import by_hand, explain, measure, out_of_fold, scoring
from benchmarks.measure import python
from benchmarks.tuning import tuning
from fraud.deployment import toolchain
from training_code import encoded

_REAL = measure.PROJECT.parent / "shared" / "data"
_REPEATS = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000, help="claims, of which at most 3,000,000 are scored and 1,000,000 explained")
    parser.add_argument("--only", choices=list(_PARTS), help="one of them")
    arguments = parser.parse_args()
    print(f"on {measure.processors()}")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for name, part in _PARTS.items():
            if arguments.only in (None, name):
                part(Path(folder), arguments.rows)
    return 0


def _preprocess(folder: Path, rows: int) -> None:
    print(f"\npreprocessing {rows:,} claims × {rows:,} customers, CSV to Parquet (one run each, one after the other)")
    measure.run(python("fraud.main", "data", "--rows", rows, "--out", folder / "data"))
    claims, customers = folder / "data/claims.csv", folder / "data/customers.csv"
    own = measure.run(python("training_code.preprocess", "--claims", claims, "--customers", customers, "--output", folder / "own"))
    pandas = measure.run(python("benchmarks.pandas_preprocess", claims, customers, folder / "pandas"))
    print(f"{'':10}{'seconds':>10}{'peak GiB':>10}")
    for name, found in (("pandas", pandas), ("ours", own)):
        print(f"{name:10}{found.seconds:10.1f}{found.peak_bytes / 2**30:10.2f}")
    print(f"ours is {pandas.seconds / own.seconds:.1f} × as fast, with {own.peak_bytes / pandas.peak_bytes:.2f} of the memory")


def _runs(folder: Path, rows: int) -> None:
    claims, customers = _real_or_generated(folder)
    print(f"\nthe pipeline on 5,000 claims ({claims.parent.name}), medians of {_REPEATS}, in turn")
    scripts, cold, cached = [], [], []
    for number in range(_REPEATS):
        scripts.append(by_hand.seconds(folder / f"scripts{number}", claims, customers))
        home = folder / f"home{number}"
        run = python("fraud.main", "run", "--claims", claims, "--customers", customers, "--home", home)
        cold.append(measure.run(run).seconds)
        cached.append(measure.run(run).seconds)
    scripted, first, again = map(statistics.median, (scripts, cold, cached))
    print(f"scripts by hand {scripted:6.2f} s")
    print(f"cold run        {first:6.2f} s   {statistics.median([c / s for c, s in zip(cold, scripts, strict=True)]):.2f} × the scripts")
    print(f"cached run      {again:6.2f} s   1/{statistics.median([c / a for c, a in zip(cold, cached, strict=True)]):.1f} of the cold run")


def _quality(folder: Path, rows: int) -> None:
    claims, customers = _real_or_generated(folder)
    measure.run(python("training_code.preprocess", "--claims", claims, "--customers", customers, "--output", folder / "quality"))
    parts = [encoded.read(folder / "quality" / split) for split in ("train", "validation", "test")]
    data = functools.reduce(encoded.Split.join, parts)
    print(f"\nthe default models on {len(data):,} claims ({claims.parent.name}): {out_of_fold.FOLDS} folds of policies, rounds of boosting")
    print(f"found inside each; means over the folds, and of one ranking of all; ± standard deviation over {len(out_of_fold.SEEDS)} seeds")
    out_of_fold.report(data)


def _real_or_generated(folder: Path) -> tuple[Path, Path]:
    """Claims and customers that lie beside the project; 5,000 generated ones without them."""
    claims, customers = _REAL / "claims.csv", _REAL / "customers.csv"
    if not claims.exists():
        measure.run(python("fraud.main", "data", "--rows", 5000, "--out", folder / "few"))
        claims, customers = folder / "few/claims.csv", folder / "few/customers.csv"
    return claims, customers


def _synth(folder: Path, rows: int) -> None:
    print(f"\nsynth of one environment, medians of {_REPEATS}, in turn, after one of each to warm up")
    variables = toolchain.environment() | {"CDK_VALIDATION": "false"}
    for env in ("dev", "prod"):
        one_bucket = measure.Command(python("benchmarks.one_bucket", folder / "one"), variables)
        ours = measure.Command([sys.executable, "app.py"], variables | _app(env, folder / "ours", has_guardrails=False))
        checked = variables | _app(env, folder / "full", has_guardrails=True) | {"CDK_VALIDATION": "true"}
        full = measure.Command([sys.executable, "app.py"], checked)
        times: list[tuple[float, float, float]] = []
        for _ in range(_REPEATS + 1):
            first, second, third = (command.run().seconds for command in (one_bucket, ours, full))
            times.append((first, second, third))
        measured = times[1:]
        small, plain, whole = (statistics.median(column) for column in zip(*measured, strict=True))
        ratio = statistics.median(own / bucket for bucket, own, _ in measured)
        print(f"{env:8} one bucket {small:5.2f} s   python app.py {plain:5.2f} s, {ratio:.2f} × that   with all checks {whole:5.2f} s")


def _app(env: str, folder: Path, *, has_guardrails: bool) -> dict[str, str]:
    context = {"env": env, "guardrails": str(has_guardrails).lower()}
    return {"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(folder)}


_PARTS = {
    "run": _runs, "synth": _synth, "quality": _quality, "tuning": tuning, "score": scoring.measure_scoring, "explain": explain.run,
    "preprocess": _preprocess,
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
