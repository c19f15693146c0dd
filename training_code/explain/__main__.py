"""Explain: what each feature adds to each claim's score, exactly, and what that says of the model.

    python -m training_code.explain --data out/test --model model --evaluation evaluation --output explanations

Writes below --output, in SageMaker Clarify's layout, analysis.json and
explanations_shap/out.csv (a row a claim, in the order of the split; line n of
claims.csv beside it says whose row n is), and reasons.csv for the claims that
are referred, and explain.html. All contributions are in log-odds. Claims are
read in batches, so that memory does not grow with their number.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from training_code import encoded, failure, model_archive, scoring
from training_code.claims import schema
from training_code.explain import batches, report, summary, tables
from training_code.paths import PROCESSING


def main() -> int:
    arguments = _parser().parse_args()
    try:
        threshold = _threshold(arguments.evaluation / "evaluation.json")
        found = summary.Summary(batches.count(arguments.data))
        with tempfile.TemporaryDirectory() as scratch:
            model = _load(model_archive.unpack(arguments.model, Path(scratch)), arguments.train)
        with tables.Writer(arguments.output, threshold=threshold) as writer:
            for claims in batches.read(arguments.data, rows=arguments.batch_rows):
                explained = summary.explain(model, claims)
                found.add(explained)
                writer.add(explained)
    except (
        encoded.DataError, FileNotFoundError, model_archive.ArchiveError, scoring.ModelError, scoring.NotExplainableError
    ) as error:  # fmt: skip
        return failure.report(str(error))
    (arguments.output / "analysis.json").write_text(json.dumps(report.analysis(found), indent=1, allow_nan=False) + "\n")
    page = report.html(found, model, threshold=threshold, referred=writer.referred)
    (arguments.output / "explain.html").write_text(page, encoding="utf-8")
    print(f"explained {found.claims:,} claims; {writer.referred:,} of them are referred at {threshold:.6f}")
    for column, value in found.ranked_columns()[:3]:
        print(f"mean |contribution| of {column}: {value:.4f}")
    return 0


def _load(folder: Path, train: Path) -> scoring.Model:
    model = scoring.load(folder)
    if not model.can_explain:
        raise scoring.NotExplainableError(
            f"a {model.format} model cannot be explained: single features have no share of its score; leave the step out for it"
        )
    if model.features != schema.FEATURE_NAMES:
        raise scoring.ModelError("the model was trained on other features, or in another order, than this schema has")
    if model.format == "linear-learner":
        # Its file does not say what claims usually look like; the training split does, as for the endpoint.
        return scoring.load(folder, background=batches.mean(train))
    return model


def _threshold(file: Path) -> float:
    try:
        return float(json.loads(file.read_text())["review"]["threshold"])
    except (ValueError, KeyError, TypeError):
        raise FileNotFoundError(f"{file} has no review.threshold: it is not what Evaluate writes") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="explain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=PROCESSING / "input/data", help="the encoded split to explain")
    parser.add_argument("--model", type=Path, default=PROCESSING / "input/model", help="model.tar.gz, its folder, or its content")
    parser.add_argument("--train", type=Path, default=PROCESSING / "input/train", help="the training split, needed for LinearLearner alone")
    parser.add_argument("--evaluation", type=Path, default=PROCESSING / "input/evaluation", help="the folder of evaluation.json")
    parser.add_argument("--output", type=Path, default=PROCESSING / "output/explanations")
    parser.add_argument("--batch-rows", type=int, default=16_384, help="claims in memory at a time")
    return parser


if __name__ == "__main__":
    sys.exit(main())
