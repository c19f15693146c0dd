"""Package: model, inference code, threshold, feature order, schema and evaluation in one model.tar.gz.

    python -m training_code.package --model model --evaluation evaluation --serving-code serve.pyz --output package

A package that carries its own code can be served, and rolled back to, at any
time. The archive lies flat, with the code below code/ as the container wants it.
"""

import argparse
import json
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from training_code import failure, model_archive
from training_code.claims import schema
from training_code.paths import PROCESSING

_CARRIED = ("model.ubj", "features.json", "training.json")


def main() -> int:
    arguments = _parser().parse_args()
    try:
        evaluation = json.loads((arguments.evaluation / "evaluation.json").read_text())
        with tempfile.TemporaryDirectory() as scratch:
            model = model_archive.unpack(arguments.model, Path(scratch, "model"))
            content = Path(scratch, "content")
            _assemble(content, model, arguments.serving_code, evaluation)
            model_archive.pack(content, arguments.output / model_archive.NAME)
    except FileNotFoundError as error:
        return failure.report(str(error))
    print(f"{model_archive.NAME}: threshold {evaluation['review']['threshold']:.6f}")
    return 0


def _assemble(content: Path, model: Path, serving_code: Path, evaluation: dict[str, dict[str, object]]) -> None:
    content.mkdir()
    for name in _CARRIED:
        shutil.copy(model / name, content / name)
    (content / "schema.json").write_text(json.dumps(schema.as_document(), indent=1) + "\n")
    review = {name: evaluation["review"][name] for name in ("capacity", "threshold")}
    (content / "review.json").write_text(json.dumps(review, indent=1) + "\n")
    (content / "evaluation.json").write_text(json.dumps(evaluation, indent=1) + "\n")
    archives = sorted(serving_code.glob("*.pyz")) if serving_code.is_dir() else [serving_code]
    if len(archives) != 1:
        raise FileNotFoundError(f"expected one archive of serving code in {serving_code}, found {len(archives)}")
    with zipfile.ZipFile(archives[0]) as code:
        code.extractall(content / "code")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="package", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=PROCESSING / "input/model", help="model.tar.gz, its folder, or its content")
    parser.add_argument("--evaluation", type=Path, default=PROCESSING / "input/evaluation")
    parser.add_argument("--serving-code", type=Path, default=PROCESSING / "input/serving-code")
    parser.add_argument("--output", type=Path, default=PROCESSING / "output/package")
    return parser


if __name__ == "__main__":
    sys.exit(main())
