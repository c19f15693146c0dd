"""Measure the cold run against its scripts, the cached run against the cold, synth against a small app, preprocessing against pandas.

    python -m benchmarks                      # 5,000,000 claims
    python -m benchmarks --rows 200000        # quicker
    python -m benchmarks --only synth
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks import measure
from benchmarks.measure import Measured, python
from fraud.deployment import toolchain

_REAL = measure.PROJECT.parent / "shared" / "data"
_REPEATS = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000, help="claims to preprocess")
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
    claims, customers = _REAL / "claims.csv", _REAL / "customers.csv"
    if not claims.exists():
        measure.run(python("fraud.main", "data", "--rows", 5000, "--out", folder / "few"))
        claims, customers = folder / "few/claims.csv", folder / "few/customers.csv"
    print(f"\nthe pipeline on 5,000 claims ({claims.parent.name}), medians of {_REPEATS}, in turn")
    scripts, cold, cached = [], [], []
    for number in range(_REPEATS):
        scripts.append(_scripts(folder / f"scripts{number}", claims, customers))
        home = folder / f"home{number}"
        run = python("fraud.main", "run", "--claims", claims, "--customers", customers, "--home", home)
        cold.append(measure.run(run).seconds)
        cached.append(measure.run(run).seconds)
    by_hand, first, again = map(statistics.median, (scripts, cold, cached))
    print(f"scripts by hand {by_hand:6.2f} s")
    print(f"cold run        {first:6.2f} s   {statistics.median([c / s for c, s in zip(cold, scripts, strict=True)]):.2f} × the scripts")
    print(f"cached run      {again:6.2f} s   1/{statistics.median([c / a for c, a in zip(cold, cached, strict=True)]):.1f} of the cold run")


def _scripts(folder: Path, claims: Path, customers: Path) -> float:
    """The step scripts one after the other, as a person would start them."""
    from pipeline_definition import code_archives

    folder.mkdir()
    (folder / "serve.pyz").write_bytes(code_archives.build()["Serve"].content)
    commands = [
        python("training_code.preprocess", "--claims", claims, "--customers", customers, "--output", folder),
        python("training_code.train", "--train", folder / "train", "--validation", folder / "validation",
               "--model-dir", folder / "model", "--checkpoints", folder / "checkpoints"),
        python("training_code.evaluate", "--test", folder / "test", "--model", folder / "model", "--output", folder / "evaluation"),
        python("training_code.package", "--model", folder / "model", "--evaluation", folder / "evaluation",
               "--serving-code", folder / "serve.pyz", "--output", folder / "package"),
    ]  # fmt: skip
    found: list[Measured] = [measure.run(command) for command in commands]
    return sum(step.seconds for step in found)


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


_PARTS = {"run": _runs, "synth": _synth, "preprocess": _preprocess}


if __name__ == "__main__":
    sys.exit(main())
