"""Package: model, inference code, threshold, feature order, schema and evaluation in one model.tar.gz, and what to watch it by.

    python -m training_code.package --model model --evaluation evaluation --train out/train --serving-code serve.pyz \\
        --output package --baseline baseline

A package that carries its own code can be served, and rolled back to, at any
time. The archive lies flat, with the code below code/ as the container wants it.
Below --baseline lie Model Monitor's statistics.json and constraints.json over the
raw columns of the training split, model_quality_statistics.json and
model_quality_constraints.json from the evaluation, and package.json, the facts
that other steps and the registry quote.
"""

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training_code import encoded, failure, model_archive
from training_code.claims import schema
from training_code.package import baseline, quality
from training_code.paths import PROCESSING

_NOT_CARRIED = ("out_of_fold.json", "out_of_fold.parquet", "evaluation.json", "review.json", "schema.json", "code")
"""Scores of training claims serve nothing; the rest is written anew."""

_WITHOUT_BACKGROUND = "linear-learner"

Json = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        evaluation = json.loads((arguments.evaluation / "evaluation.json").read_text())
        archive = arguments.output / model_archive.NAME
        with tempfile.TemporaryDirectory() as scratch:
            model = model_archive.unpack(arguments.model, Path(scratch, "model"))
            code = _serving_code(arguments.serving_code)
            content = Path(scratch, "content")
            statistics = baseline.statistics(arguments.train)
            _assemble(content, model, code, evaluation, statistics)
            model_archive.pack(content, archive)
    except (FileNotFoundError, model_archive.ArchiveError, encoded.DataError) as error:
        return failure.report(str(error))
    rows = statistics["dataset"]["item_count"]
    # No score of a training claim is honest; the test split's are what the model gives to claims that it has not seen.
    statistics["features"].append(evaluation["score"])
    facts = {
        "training_data_sha256": encoded.digest(arguments.train),
        "model_sha256": _digest(archive),
        "inference_code_sha256": _digest(code),
        "rows": rows,
        "fraud": baseline.fraud(arguments.train),
        "model_format": evaluation["model"]["format"],
        "threshold": evaluation["review"]["threshold"],
        "review_capacity": evaluation["review"]["capacity"],
    }
    _write(arguments.baseline or arguments.output.parent / "baseline", statistics, evaluation, facts)
    print(f"{model_archive.NAME}: threshold {facts['threshold']:.6f}; baseline of {rows} claims")
    return 0


def _assemble(content: Path, model: Path, code: Path, evaluation: Json, statistics: Json) -> None:
    """Every file of the training's archive that serves, whichever algorithm wrote it."""
    content.mkdir()
    for file in sorted(model.iterdir()):
        if file.is_file() and file.name not in _NOT_CARRIED:
            shutil.copyfile(file, content / file.name)
    review = {name: evaluation["review"][name] for name in ("capacity", "threshold")}
    documents: Json = {"schema.json": schema.as_document(), "review.json": review, "evaluation.json": evaluation}
    # An algorithm without a script tells no order: it was given the schema's.
    if not (content / "features.json").exists():
        documents["features.json"] = list(schema.FEATURE_NAMES)
    # Nor does it tell what the training data were like, which is what the reasons for a score are measured from.
    if evaluation["model"]["format"] == _WITHOUT_BACKGROUND:
        documents["background.json"] = baseline.means(statistics)
    for name, document in documents.items():
        (content / name).write_text(json.dumps(document, indent=1) + "\n")
    with zipfile.ZipFile(code) as archive:
        archive.extractall(content / "code")


def _serving_code(path: Path) -> Path:
    archives = sorted(path.glob("*.pyz")) if path.is_dir() else [path] if path.is_file() else []
    if len(archives) != 1:
        raise FileNotFoundError(f"expected one archive of serving code at {path}, found {len(archives)}")
    return archives[0]


def _write(folder: Path, statistics: Json, evaluation: Json, facts: Json) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # One line a feature: a sketch with a line for each of its numbers is not for people.
    features = ",\n".join(json.dumps(feature, allow_nan=False) for feature in statistics["features"])
    head = json.dumps({name: value for name, value in statistics.items() if name != "features"})
    (folder / "statistics.json").write_text(f'{head[:-1]}, "features": [\n{features}\n]}}\n')
    for name, document in {
        "constraints.json": baseline.constraints(statistics),
        "model_quality_statistics.json": quality.statistics(evaluation),
        "model_quality_constraints.json": quality.constraints(evaluation),
        "package.json": facts,
    }.items():
        (folder / name).write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="package", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=PROCESSING / "input/model", help="model.tar.gz, its folder, or its content")
    parser.add_argument("--evaluation", type=Path, default=PROCESSING / "input/evaluation")
    parser.add_argument("--serving-code", type=Path, default=PROCESSING / "input/serving-code")
    parser.add_argument("--train", type=Path, default=PROCESSING / "input/train", help="the training split's folder")
    parser.add_argument("--output", type=Path, default=PROCESSING / "output/package")
    parser.add_argument("--baseline", type=Path, help="(default: baseline, beside --output)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
