"""Train's command line: paths, what every framework has, and one framework's hyperparameters by their own names."""

import argparse
import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from training_code import failure
from training_code.paths import ML
from training_code.train import frameworks
from training_code.train.mitigation import Kind

OBJECTIVES = ("out_of_fold:auc", "out_of_fold:average_precision", "validation:auc")


@dataclass(frozen=True)
class Arguments:
    """``hyperparameters`` is an instance of the framework's own dataclass."""

    train: Path
    validation: Path
    model_dir: Path
    checkpoints: Path
    out_of_fold_rows: int
    resamples: int
    framework: str
    objective: str
    mitigation: str
    mitigation_facet: str
    hyperparameters: Any

    @property
    def told(self) -> dict[str, object]:
        """All that shapes the model, by the names of the command line."""
        return dataclasses.asdict(self.hyperparameters) | {"mitigation": self.mitigation, "mitigation_facet": self.mitigation_facet}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """A hyperparameter of a job is told where the service looks for it."""
        raise SystemExit(failure.report(f"{self.prog}: {message}"))


def parse(argv: Sequence[str] | None, description: str | None) -> Arguments:
    """Read the command line; ``--help`` shows the hyperparameters of the framework that it names."""
    first = _Parser(prog="train", add_help=False, allow_abbrev=False)
    _add_framework(first)
    name: str = first.parse_known_args(argv)[0].framework
    of_framework = frameworks.hyperparameters(name)
    parser = _Parser(
        prog="train", description=description, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    _add_framework(parser)
    _add_common(parser)
    group = parser.add_argument_group(f"hyperparameters of {name}", (of_framework.__doc__ or "").partition("\n")[0])
    for field in dataclasses.fields(of_framework):
        group.add_argument(f"--{field.name}", type=type(field.default), default=field.default)
    found = vars(parser.parse_args(argv))
    own = {field.name: found.pop(field.name) for field in dataclasses.fields(of_framework)}
    found.pop("_tuning_objective_metric")
    return Arguments(**found, hyperparameters=of_framework(**own))


def _add_framework(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--framework", choices=frameworks.NAMES, default=frameworks.XGBOOST)


def _add_common(parser: argparse.ArgumentParser) -> None:
    environment = os.environ
    parser.add_argument("--train", type=Path, default=environment.get("SM_CHANNEL_TRAIN", ML / "input/data/train"))
    parser.add_argument("--validation", type=Path, default=environment.get("SM_CHANNEL_VALIDATION", ML / "input/data/validation"))
    parser.add_argument("--model-dir", type=Path, default=environment.get("SM_MODEL_DIR", ML / "model"))
    parser.add_argument("--checkpoints", type=Path, default=ML / "checkpoints")
    parser.add_argument("--out_of_fold_rows", type=int, default=200_000, help="claims that take part out of fold")
    parser.add_argument("--resamples", type=int, default=500, help="bootstrap resamples")
    # XGBoost has an objective of its own, which is another thing.
    parser.add_argument(
        "--tuning_objective", dest="objective", choices=OBJECTIVES, default=OBJECTIVES[0], help="the metric by which models are compared"
    )
    kinds = [str(kind) for kind in Kind]
    parser.add_argument("--mitigation", choices=kinds, default=str(Kind.NONE), help="equalise fraud rates to learn from")
    parser.add_argument("--mitigation_facet", default="", help="the group whose rate is equalised, such as customer_gender=Female")
    # What SageMaker adds for itself when a tuning job starts the script.
    parser.add_argument("--_tuning_objective_metric", help=argparse.SUPPRESS)
