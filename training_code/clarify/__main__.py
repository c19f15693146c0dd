"""Clarify's bias analysis without its container: the same inputs, the same analysis.json.

    python -m training_code.clarify --config config/analysis_config.json --data data --output output

Without arguments, the folders are those that Clarify's processing jobs use.
Writes analysis.json and, where the configuration asks for one, a report (.html) below --output.
There is no endpoint here: predictions must be in the dataset, or beside it.
"""

import argparse
import json
import sys
from pathlib import Path

from training_code import failure
from training_code.bias import analysis
from training_code.clarify import config, dataset, report, run
from training_code.clarify.errors import ConfigError
from training_code.paths import PROCESSING


def main() -> int:
    arguments = _parser().parse_args()
    try:
        wanted = config.read(arguments.config)
        result = run.analyse(wanted, dataset.read(wanted, arguments.data))
    except ConfigError as error:
        return failure.report(str(error))
    document: dict[str, object] = {"version": "1.0"}
    for section, comparisons, metrics in (
        ("pre_training_bias_metrics", result.before, wanted.before),
        ("post_training_bias_metrics", result.after, wanted.after),
    ):
        if comparisons:
            document[section] = analysis.clarify(comparisons, label=result.label, positive=result.positive, metrics=metrics)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "analysis.json").write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")
    if wanted.report:
        (arguments.output / f"{wanted.report}.html").write_text(report.html(wanted, result), encoding="utf-8")
    print(f"analysed {result.records:,} records: {len(result.before or result.after)} facets")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="clarify", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=PROCESSING / "input/config/analysis_config.json")
    parser.add_argument("--data", type=Path, default=PROCESSING / "input/data", help="the dataset: a file or a folder")
    parser.add_argument("--output", type=Path, default=PROCESSING / "output")
    return parser


if __name__ == "__main__":
    sys.exit(main())
