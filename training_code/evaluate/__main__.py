"""Evaluate: scores the test split and finds the threshold for the review capacity.

    python -m training_code.evaluate --test out/test --model model --output evaluation

Writes evaluation.json and evaluation.html below --output.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import xgboost as xgb

from training_code import encoded, failure, model_archive
from training_code.claims import schema
from training_code.evaluate import report
from training_code.paths import PROCESSING


def main() -> int:
    arguments = _parser().parse_args()
    if not 0 < arguments.review_capacity < 1:
        return failure.report(f"--review-capacity is {arguments.review_capacity}; it is a share of claims between 0 and 1")
    try:
        test = encoded.read(arguments.test)
        with tempfile.TemporaryDirectory() as scratch:
            model = model_archive.unpack(arguments.model, Path(scratch))
            features = json.loads((model / "features.json").read_text())
            out_of_fold = json.loads((model / "out_of_fold.json").read_text())
            folds = pq.read_table(model / "out_of_fold.parquet")
            booster = xgb.Booster(model_file=model / "model.ubj")
    except (encoded.DataError, FileNotFoundError) as error:
        return failure.report(str(error))
    if features != list(schema.FEATURE_NAMES):
        return failure.report("the model was trained on other features, or in another order, than this schema has")
    if test.label.min() == test.label.max():
        return failure.report(f"the test split has {len(test)} claims of one class only: nothing to measure")
    scored = report.Scored(test.label.astype(float), booster.inplace_predict(test.features).astype(float))
    document = report.document(
        scored, capacity=arguments.review_capacity, resamples=arguments.resamples, seed=arguments.seed,
        out_of_fold=out_of_fold | report.review(folds["label"].to_numpy(), folds["score"].to_numpy(), arguments.review_capacity),
    )  # fmt: skip
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "evaluation.json").write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")
    (arguments.output / "evaluation.html").write_text(report.html(document), encoding="utf-8")
    found = document["binary_classification_metrics"]
    print(f"test:auc={found['auc']['value']:.6f} [{found['auc']['lower']:.3f}, {found['auc']['upper']:.3f}]")
    print(f"test:average_precision={found['au_prc']['value']:.6f}")
    print(f"threshold={document['review']['threshold']:.6f} flags {document['review']['flagged']} of {len(test)} claims")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--test", type=Path, default=PROCESSING / "input/test")
    parser.add_argument("--model", type=Path, default=PROCESSING / "input/model", help="model.tar.gz, its folder, or its content")
    parser.add_argument("--output", type=Path, default=PROCESSING / "output/evaluation")
    parser.add_argument("--review-capacity", type=float, default=0.1, help="share of claims that can be reviewed")
    parser.add_argument("--resamples", type=int, default=1000, help="bootstrap resamples")
    parser.add_argument("--seed", type=int, default=7)
    return parser


if __name__ == "__main__":
    sys.exit(main())
