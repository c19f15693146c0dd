"""Evaluate: scores the test split, finds the threshold for the review capacity, and compares with the champion.

    python -m training_code.evaluate --test out/test --model model --output evaluation --predictions predictions

Writes evaluation.json and evaluation.html below --output, and predictions.parquet,
a row for each claim of the test split, below --predictions. Of the data it reads the
test split alone.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from training_code import encoded, failure, model_archive, scoring
from training_code.claims import schema
from training_code.evaluate import champion, document, predictions, report
from training_code.paths import PROCESSING

_CHAMPION = PROCESSING / "input/champion"


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    capacity = arguments.review_capacity
    if not 0 < capacity < 1:
        return failure.report(f"--review-capacity is {capacity}; it is a share of claims between 0 and 1")
    # The default is there in a job only; whoever names a champion means one.
    source = arguments.champion or (_CHAMPION if _CHAMPION.exists() else None)
    try:
        test = encoded.read(arguments.test)
        with tempfile.TemporaryDirectory() as scratch:
            folder = model_archive.unpack(arguments.model, Path(scratch, "model"))
            model = scoring.load(folder)
            training = _training(folder)
            out_of_fold = _out_of_fold(folder, capacity)
            other = champion.load(source, Path(scratch, "champion"))
    except (encoded.DataError, FileNotFoundError, model_archive.ArchiveError, scoring.ModelError, champion.ChampionError) as error:
        return failure.report(str(error))
    if model.features != schema.FEATURE_NAMES:
        return failure.report("the model was trained on other features, or in another order, than this schema has")
    if test.label.min() == test.label.max():
        return failure.report(f"the test split has {len(test)} claims of one class only: nothing to measure")
    score = model.score(test.features)
    theirs = other.score(test.features).astype(float) if other else None
    found = document.build(
        document.Scored(test.label.astype(float), score.astype(float), theirs),
        capacity=capacity, resamples=arguments.resamples, seed=arguments.seed,
        model={"format": model.format}, training=training, out_of_fold=out_of_fold,
    )  # fmt: skip
    predictions.write(
        arguments.predictions or arguments.output.parent / "predictions", test, score,
        threshold=found["review"]["threshold"], with_features=arguments.with_features,
    )  # fmt: skip
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "evaluation.json").write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
    (arguments.output / "evaluation.html").write_text(report.html(found), encoding="utf-8")
    _tell(found)
    return 0


def _training(model: Path) -> dict[str, Any] | None:
    """What training.json says, without the curves; None of an algorithm without a script."""
    file = model / "training.json"
    if not file.exists():
        return None
    return {name: value for name, value in json.loads(file.read_text()).items() if name != "history"}


def _out_of_fold(model: Path, capacity: float) -> dict[str, Any] | None:
    """The metrics of training's out-of-fold scores, and what a review by them would find; None without any."""
    metrics, scores = model / "out_of_fold.json", model / "out_of_fold.parquet"
    if not metrics.exists() or not scores.exists():
        return None
    folds = pq.read_table(scores)
    found: dict[str, Any] = json.loads(metrics.read_text())
    return found | document.review(folds["label"].to_numpy(), folds["score"].to_numpy(), capacity)


def _tell(found: dict[str, Any]) -> None:
    metrics, other = found["binary_classification_metrics"], found["champion"]
    print(f"test:auc={metrics['auc']['value']:.6f} [{metrics['auc']['lower']:.3f}, {metrics['auc']['upper']:.3f}]")
    print(f"test:average_precision={metrics['au_prc']['value']:.6f}")
    if other["is_present"]:
        low, high = other["auc_loss_interval"]
        print(f"champion:auc={other['auc']:.6f}; auc_loss={other['auc_loss']:.6f} [{low:.3f}, {high:.3f}]")
    review = found["review"]
    print(f"threshold={review['threshold']:.6f} flags {review['flagged']} of {found['dataset']['item_count']} claims")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--test", type=Path, default=PROCESSING / "input/test")
    parser.add_argument("--model", type=Path, default=PROCESSING / "input/model", help="model.tar.gz, its folder, or its content")
    told = f"the champion's package, or a file that says that there is none (default: {_CHAMPION}, if there)"
    parser.add_argument("--champion", type=Path, help=told)
    parser.add_argument("--output", type=Path, default=PROCESSING / "output/evaluation")
    parser.add_argument("--predictions", type=Path, help="(default: predictions, beside --output)")
    parser.add_argument("--with-features", action="store_true", help="the encoded features in predictions.parquet too")
    parser.add_argument("--review-capacity", type=float, default=0.1, help="share of claims that can be reviewed")
    parser.add_argument("--resamples", type=int, default=1000, help="bootstrap resamples")
    parser.add_argument("--seed", type=int, default=7)
    return parser


if __name__ == "__main__":
    sys.exit(main())
