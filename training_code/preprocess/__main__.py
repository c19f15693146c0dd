"""Preprocess: joins claims to customers, quarantines bad rows, encodes and splits.

    python -m training_code.preprocess --claims claims.csv --customers customers.csv --output out

Writes below --output: train/, validation/ and test/ (Parquet parts), and
quality/ (the quarantine and the data-quality report); where they are asked
for, also records/ (the raw records of the test split, as the endpoint takes
them), algorithm_train/ and algorithm_validation/ (CSV for built-in algorithms).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from training_code import failure
from training_code.paths import ML, PROCESSING

DUCKDB = "duckdb==2.0.0"


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments().parse_args(argv)
    _provide_duckdb(arguments.wheelhouse)
    from training_code.claims.facets import FacetError
    from training_code.claims.schema import Table
    from training_code.preprocess import outputs, prepare, quality, sources, splits, sql
    from training_code.preprocess.errors import PreprocessingError

    if arguments.print_sql:
        print(sql.encoded())
        return 0
    if arguments.rows_per_part < 1:
        return failure.report(f"--rows-per-part is {arguments.rows_per_part}; a part has at least one row")
    host, hosts = _hosts()
    options = prepare.Options(
        salt=arguments.salt,
        validation=arguments.validation,
        test=arguments.test,
        rows_per_part=arguments.rows_per_part,
        max_quarantined=arguments.max_quarantined,
        memory_limit=arguments.memory_limit,
        host=host,
    )
    output: Path = arguments.output
    try:
        if hosts > 1 and not sources.find(arguments.claims, Table.CLAIMS):
            # With more instances than files some get an empty shard, which is not an error.
            for folder in (*splits.SPLITS, "quality", *outputs.folders(arguments.records, arguments.algorithm_input)):
                (output / folder).mkdir(parents=True, exist_ok=True)
            print(f"{host}: no claims in this shard")
            return 0
        with prepare.database(options.memory_limit) as connection:
            counts = prepare.load(
                connection, claims=arguments.claims, customers=arguments.customers, options=options
            )
            prepare.write_splits(connection, output, counts, options)
            if arguments.records:
                outputs.write_records(connection, output, host)
            if arguments.algorithm_input:
                outputs.write_algorithm_input(connection, output, host, outputs.AlgorithmInput(arguments.algorithm_input))
            prepare.write_quarantine(connection, output / "quality", host)
            quality.write(connection, output / "quality", counts, host)
        if arguments.clarify:
            outputs.write_analysis_configs(output, arguments.facet, arguments.group)
    except (PreprocessingError, FacetError) as error:
        return failure.report(str(error))
    print(f"claims in: {counts.claims_in}, out: {counts.claims_out}, quarantined: {counts.quarantined}")
    print(", ".join(f"{name}: {number}" for name, number in counts.splits.items()))
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="preprocess", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--claims", type=Path, default=PROCESSING / "input/claims", help="file or folder")
    parser.add_argument("--customers", type=Path, default=PROCESSING / "input/customers", help="file or folder")
    parser.add_argument("--wheelhouse", type=Path, default=PROCESSING / "input/wheelhouse", help="DuckDB's wheel, or a zip of it")
    parser.add_argument("--output", type=Path, default=PROCESSING / "output")
    parser.add_argument("--salt", default="1", help="names the split; another salt is another split")
    parser.add_argument("--validation", type=float, default=0.15, help="share of policies")
    parser.add_argument("--test", type=float, default=0.15, help="share of policies")
    parser.add_argument("--rows-per-part", type=int, default=1_000_000)
    parser.add_argument("--max-quarantined", type=float, default=0.05, help="share of bad claims that fails the step")
    parser.add_argument("--memory-limit", default="3GB", help="DuckDB spills to disk beyond it")
    parser.add_argument("--records", action="store_true", help="write the raw records of the test split, too")
    parser.add_argument("--algorithm-input", choices=["plain", "scaled", "scaled-unlabelled"], help="write CSV for built-in algorithms")
    parser.add_argument("--clarify", action="store_true", help="write the analysis configurations of Clarify's container")
    parser.add_argument("--facet", action="append", default=[], help="for Clarify; may be repeated")
    parser.add_argument("--group", default="policy_state", help="for Clarify")
    parser.add_argument("--print-sql", action="store_true", help="print the encoding and stop")
    return parser


def _provide_duckdb(wheelhouse: Path) -> None:
    """No managed image has DuckDB: install it from the wheel that came with the job, without a network."""
    try:
        import duckdb  # noqa: F401
    except ModuleNotFoundError:
        site = tempfile.mkdtemp(prefix="wheelhouse-")
        wheels = tempfile.mkdtemp(prefix="wheels-")
        for archive in wheelhouse.glob("*.zip"):
            zipfile.ZipFile(archive).extractall(wheels)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps",
                   "--find-links", str(wheelhouse), "--find-links", wheels, "--target", site, DUCKDB]  # fmt: skip
        subprocess.run(command, check=True)
        sys.path.insert(0, site)


def _hosts() -> tuple[str, int]:
    """This instance's name and the number of instances."""
    try:
        config = json.loads((ML / "config/resourceconfig.json").read_text())
    except FileNotFoundError:
        return "algo-1", 1
    return str(config["current_host"]), len(config["hosts"])


if __name__ == "__main__":
    sys.exit(main())
