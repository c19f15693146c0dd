"""The step scripts of a run, one after the other, as a person would start them.

    python -m benchmarks.by_hand MODEL_FOLDER RECORDS_FILE    # what a batch transform does: load the handlers, score a file
"""

import sys
from pathlib import Path

from benchmarks import measure
from benchmarks.measure import python
from pipeline_definition import code_archives
from settings import Settings
from training_code import model_archive


def seconds(folder: Path, claims: Path, customers: Path) -> float:
    """How long all the steps of the default pipeline take, without anything around them."""
    folder.mkdir()
    (folder / "serve.pyz").write_bytes(code_archives.serving().content)
    splits, model = folder, folder / "model"
    facets = [text for facet in Settings(name="bench").bias.facets for text in ("--facet", facet)]
    evaluation, package, before, after = (folder / name for name in ("evaluation", "package", "before", "after"))
    commands = [
        python("training_code.preprocess", "--claims", claims, "--customers", customers, "--output", splits, "--records"),
        python("training_code.train", "--train", splits / "train", "--validation", splits / "validation",
               "--model-dir", model, "--checkpoints", folder / "checkpoints"),
        python("training_code.pre_training_bias", "--data", splits / "train", "--output", before, *facets),
        python("training_code.evaluate", "--test", splits / "test", "--model", model, "--output", evaluation),
        python("training_code.post_training_bias", "--test", splits / "test", "--predictions", folder / "predictions", "--output", after,
               *facets),
        python("training_code.explain", "--data", splits / "test", "--model", model, "--evaluation", evaluation,
               "--output", folder / "explanations"),
        python("training_code.package", "--model", model, "--evaluation", evaluation, "--train", splits / "train",
               "--serving-code", folder / "serve.pyz", "--output", package),
        python("training_code.model_card", "--evaluation", evaluation, "--package", folder / "baseline", "--pre-training-bias", before,
               "--post-training-bias", after, "--explanations", folder / "explanations", "--output", folder / "card"),
        python("benchmarks.by_hand", package, splits / "records/part-algo-1.csv"),
    ]  # fmt: skip
    return sum(measure.run(command).seconds for command in commands)


def score(package: Path, records: Path) -> None:
    from training_code.serve import handlers

    model = handlers.model_fn(str(model_archive.unpack(package, package / "content")))
    content = handlers.predict_fn(handlers.input_fn(records.read_bytes(), "text/csv"), model)
    handlers.output_fn(content, "text/csv")


if __name__ == "__main__":
    score(Path(sys.argv[1]), Path(sys.argv[2]))
