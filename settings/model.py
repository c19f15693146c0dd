"""The settings of an environment: typed, frozen, validated once.

A setting needs a deploy to change. What may differ from run to run is a
pipeline parameter, whose default stands here.
"""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

FOLDER = Path(__file__).parent

Share = Annotated[float, Field(gt=0, lt=1)]
InstanceType = Annotated[str, Field(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]
Duration = Annotated[str, Field(pattern=r"^P(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?(\d+S)?)?$")]


class SettingsError(ValueError):
    """An environment that is unknown or whose file is wrong; the message names file and key."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Job(_Frozen):
    """The machine and the time limit of one step's job."""

    instance_type: InstanceType = "ml.m5.xlarge"
    instance_count: Annotated[int, Field(ge=1, le=100)] = 1
    volume_gb: Annotated[int, Field(ge=1, le=16384)] = 30
    max_runtime_minutes: Annotated[int, Field(ge=1, le=40320)] = 60


class Jobs(_Frozen):
    preprocess: Job = Job()
    train: Job = Job()
    evaluate: Job = Job()
    package: Job = Job(instance_type="ml.m5.large", max_runtime_minutes=20)


class Split(_Frozen):
    """Shares of policies; ``salt`` names the split."""

    salt: str = "1"
    validation: Share = 0.15
    test: Share = 0.15


class Training(_Frozen):
    """Hyperparameters by XGBoost's own names; what is not given has the script's default."""

    hyperparameters: dict[str, int | float | str] = {}
    use_spot: bool = False


class Gate(_Frozen):
    """What a model must reach to be registered: the defaults of the gate's parameters.

    On 5,000 claims the test split has some 25 frauds. A model trained on
    shuffled labels has an AUC of 0.5 whose lower bound lies near 0.4, and a
    recall of about the reviewed share; a good one has 0.7 and 0.35.
    """

    minimum_auc_lower_bound: Share = 0.62
    minimum_average_precision: Share = 0.05
    minimum_recall: Share = 0.16


class Settings(_Frozen):
    """One environment."""

    name: str
    jobs: Jobs = Jobs()
    split: Split = Split()
    training: Training = Training()
    gate: Gate = Gate()
    review_capacity: Share = 0.1
    max_quarantined: Share = 0.05
    approval_status: Literal["PendingManualApproval", "Approved", "Rejected"] = "PendingManualApproval"
    cache_for: Duration = "P30D"
    network_isolation: bool = True
    serving_instance_types: tuple[InstanceType, ...] = ("ml.m5.large", "ml.m5.xlarge")
    tags: dict[str, str] = {}


def environments() -> list[str]:
    """The environments that have a file."""
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


def load(name: str) -> Settings:
    """The settings of an environment.

    Raises:
        SettingsError: there is no such environment, or its file is wrong.
    """
    file = FOLDER / f"{name}.yaml"
    if name not in environments():
        raise SettingsError(f"there is no environment {name!r}; there are {', '.join(environments())}")
    return read(file)


def read(file: Path) -> Settings:
    """The settings in a YAML file; the environment has the file's name.

    Raises:
        SettingsError: naming the file, each wrong key and what it may be.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise SettingsError(f"{file.name} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{file.name} holds {type(content).__name__}; expected keys and values")
    try:
        return Settings.model_validate({"name": file.stem} | content)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {_said(e['msg'], e['type'])}" for e in error.errors())
        raise SettingsError(f"{file.name}: {wrong}") from error


def _said(message: str, kind: str) -> str:
    if kind == "extra_forbidden":
        return f"unknown key; known are {', '.join(Settings.model_fields)} and their own keys"
    return message[0].lower() + message[1:]
