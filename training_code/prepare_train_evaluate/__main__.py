"""PrepareTrainEvaluate: preprocessing, training and evaluation in a row, in one job.

    python -m training_code.prepare_train_evaluate --claims claims.csv --customers customers.csv --output out \\
        --salt 1 --review-capacity 0.1 --max_depth 2

It runs the three steps as they are, and writes what they would write, below
--output: train/, validation/, test/, quality/, with --records records/, and
model/model.tar.gz, evaluation/ and predictions/. Preprocess's and Evaluate's options keep their names; every
other option is one of Train's hyperparameters. The first step that fails ends
the job with its own message.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from training_code import model_archive
from training_code.evaluate.__main__ import main as evaluate
from training_code.paths import PROCESSING
from training_code.preprocess.__main__ import main as preprocess
from training_code.train.__main__ import main as train

_PREPROCESS = ("salt", "validation", "test", "rows-per-part", "max-quarantined", "memory-limit")
_EVALUATE = ("review-capacity",)


def main(argv: Sequence[str] | None = None) -> int:
    arguments, hyperparameters = _parser().parse_known_args(argv)
    output: Path = arguments.output
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    code = preprocess(
        [
            "--claims", str(arguments.claims), "--customers", str(arguments.customers), "--wheelhouse", str(arguments.wheelhouse),
            "--output", str(output), *_options(given, _PREPROCESS), *(["--records"] if arguments.records else []),
        ]
    )  # fmt: skip
    if code:
        return code
    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch, "model")
        code = train(
            [
                "--train", str(output / "train"), "--validation", str(output / "validation"), "--model-dir", str(model),
                # A job that processes has no checkpoints that outlive it.
                "--checkpoints", str(Path(scratch, "checkpoints")), *hyperparameters,
            ]
        )  # fmt: skip
        if code:
            return code
        model_archive.pack(model, output / "model" / model_archive.NAME)
    champion = ["--champion", str(arguments.champion)] if arguments.champion else []
    features = ["--with-features"] if arguments.with_features else []
    return evaluate(
        [
            "--test", str(output / "test"), "--model", str(output / "model"), "--output", str(output / "evaluation"),
            "--predictions", str(output / "predictions"), *champion, *features, *_options(given, _EVALUATE),
        ]
    )  # fmt: skip


def _options(given: dict[str, str], names: Sequence[str]) -> list[str]:
    """Those of the options that were given, as arguments; the others keep the step's own defaults."""
    found = ((name, given.get(name.replace("-", "_"))) for name in names)
    return [text for name, value in found if value is not None for text in (f"--{name}", value)]


def _parser() -> argparse.ArgumentParser:
    # An abbreviation could be meant for another step.
    parser = argparse.ArgumentParser(
        prog="prepare_train_evaluate", description=__doc__, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("claims", "customers", "wheelhouse"):
        parser.add_argument(f"--{name}", type=Path, default=PROCESSING / "input" / name)
    parser.add_argument("--champion", type=Path, help="see Evaluate")
    parser.add_argument("--output", type=Path, default=PROCESSING / "output")
    parser.add_argument("--records", action="store_true", help="see Preprocess")
    parser.add_argument("--with-features", action="store_true", help="see Evaluate")
    for name in _PREPROCESS:
        parser.add_argument(f"--{name}", help="see Preprocess")
    for name in _EVALUATE:
        parser.add_argument(f"--{name}", help="see Evaluate")
    return parser


if __name__ == "__main__":
    sys.exit(main())
