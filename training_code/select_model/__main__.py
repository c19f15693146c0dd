"""SelectModel: the better of the default settings' model and the best trial's, by the objective that both trainings measured.

    python -m training_code.select_model --default train --tuned tune --output out

Writes below --output: model/model.tar.gz (a copy of the chosen archive, byte
for byte), and selection/ (selection.json, selection.html). It reads what each
training says in its training.json, and never the test split.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from training_code import failure, model_archive
from training_code.paths import PROCESSING
from training_code.select_model import report
from training_code.select_model.candidates import MAXIMIZE, MINIMIZE, Candidate, CandidateError, better


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        default, tuned = Candidate.read("default", arguments.default), Candidate.read("tuned", arguments.tuned)
        chosen = better(default, tuned, objective_type=arguments.objective_type)
        if arguments.objective and arguments.objective != chosen.objective:
            raise CandidateError(f"the models were trained for {chosen.objective}, not for --objective {arguments.objective}")
    except CandidateError as error:
        return failure.report(str(error))
    found = report.document(default, tuned, chosen, objective_type=arguments.objective_type)
    model, selection = arguments.output / "model", arguments.output / "selection"
    for folder in (model, selection):
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(chosen.archive, model / model_archive.NAME)
    (selection / "selection.json").write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
    (selection / "selection.html").write_text(report.html(found), encoding="utf-8")
    print(f"{chosen.objective}: default {default.value:.6f}, tuned {tuned.value:.6f}; passed on: {chosen.name}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="select_model", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, whose in (("default", "the default settings"), ("tuned", "the best trial")):
        parser.add_argument(f"--{name}", type=Path, default=PROCESSING / "input" / name, help=f"model.tar.gz of {whose}, or its folder")
    parser.add_argument("--output", type=Path, default=PROCESSING / "output")
    parser.add_argument("--objective", default="", help="the objective that both must tell, such as out_of_fold:auc")
    parser.add_argument("--objective-type", choices=(MAXIMIZE, MINIMIZE), default=MAXIMIZE)
    return parser


if __name__ == "__main__":
    sys.exit(main())
