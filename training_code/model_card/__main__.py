"""ModelCard: one document about the model, from what the steps before it found out.

    python -m training_code.model_card --evaluation evaluation --package baseline --pre-training-bias pre --post-training-bias post \\
        --explanations explanations --name fraud-detection --output card

Writes model_card.json (the content of a SageMaker model card) and
model_card.html below --output. --package is the folder of Package's baseline.
A folder of bias or explanations that is not given is a step that did not run,
and the card says so.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from training_code import failure
from training_code.model_card import content, report, sources
from training_code.model_card.words import Facts
from training_code.paths import PROCESSING

_INPUT = PROCESSING / "input"
_OPTIONAL = ("pre_training_bias", "post_training_bias", "explanations")
_LONGEST = 100_000
"""What the service takes as a card's content."""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    # The defaults are there in a job only, and only those of steps that ran.
    folders = {name: getattr(arguments, name) or _if_there(_INPUT / name.replace("_", "-")) for name in _OPTIONAL}
    facts = Facts(
        name=arguments.name, owner=arguments.owner, environment=arguments.environment, execution=arguments.execution,
        approval_status=arguments.approval_status, claims_uri=arguments.claims_uri, customers_uri=arguments.customers_uri,
        model_uri=arguments.model_uri, image_uri=arguments.image_uri, code_uri=arguments.code_uri,
        data_origin=arguments.data_origin, data_period=arguments.data_period,
        risk_rating=arguments.risk_rating, risk_explanation=arguments.risk_explanation,
        intended_uses=tuple(arguments.intended_use), not_intended_uses=tuple(arguments.not_intended_use),
        limitations=tuple(arguments.limitation), stakeholders=arguments.stakeholders,
    )  # fmt: skip
    try:
        found = sources.read(evaluation=arguments.evaluation, package=arguments.package, **folders)
    except sources.SourceError as error:
        return failure.report(str(error))
    card = json.dumps(content.build(facts, found), indent=1, allow_nan=False) + "\n"
    if len(card) > _LONGEST:
        return failure.report(f"the card has {len(card)} characters, and a SageMaker model card at most {_LONGEST}: compare fewer facets")
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "model_card.json").write_text(card)
    (arguments.output / "model_card.html").write_text(report.html(facts, found), encoding="utf-8")
    print(f"model card of {facts.name}: {len(found.pre_training)} + {len(found.post_training)} facets, {len(found.importance)} features")
    return 0


def _if_there(folder: Path) -> Path | None:
    return folder if folder.exists() else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="model_card", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--evaluation", type=Path, default=_INPUT / "evaluation")
    add("--package", type=Path, default=_INPUT / "package", help="the baseline folder that Package wrote")
    for name in _OPTIONAL:
        add(f"--{name.replace('_', '-')}", type=Path, help="the folder with that step's analysis.json")
    add("--output", type=Path, default=PROCESSING / "output/card")
    add("--name", default="fraud-detection", help="the model package group, or what else the model is called")
    add("--owner", default="")
    add("--environment", default="")
    add("--execution", default="", help="the pipeline execution that made the model")
    add("--approval-status", default="", help="the status that the package is registered with")
    add("--claims-uri", default="")
    add("--customers-uri", default="")
    add("--model-uri", default="", help="where the package's model.tar.gz lies")
    add("--image-uri", default="", help="the image of training and inference")
    add("--code-uri", default="", help="the training code, whose name contains its hash")
    add("--data-origin", default="", help="a sentence: where the data come from, and whether they are synthetic")
    add("--data-period", default="", help="a sentence: which period the claims cover")
    add("--risk-rating", choices=("High", "Medium", "Low", "Unknown"), default="Unknown")
    add("--risk-explanation", default="")
    add("--intended-use", action="append", default=[], help="replaces the text about the use; may be repeated")
    add("--not-intended-use", action="append", default=[], help="adds to the uses that it is not for; may be repeated")
    add("--limitation", action="append", default=[], help="adds to the limitations; may be repeated")
    add("--stakeholders", default="")
    return parser


if __name__ == "__main__":
    sys.exit(main())
