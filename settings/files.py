"""Reads an environment's YAML file."""

from pathlib import Path
from typing import get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from settings.model import Settings
from settings.network import NETWORKS

FOLDER = Path(__file__).parent


class SettingsError(ValueError):
    """An environment that is unknown or whose file is wrong; the message names file and key."""


def environments() -> list[str]:
    """The environments that have a file."""
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


def load(name: str) -> Settings:
    """The settings of an environment: of this folder by name, of elsewhere by the path of a ``.yaml`` file.

    Raises:
        SettingsError: there is no such environment, or its file is wrong.
    """
    if name.endswith(".yaml"):
        return read(Path(name))
    if name not in environments():
        raise SettingsError(f"there is no environment {name!r}; there are {', '.join(environments())} (or the path of a .yaml file)")
    return read(FOLDER / f"{name}.yaml")


def read(file: Path) -> Settings:
    """The settings in a YAML file; the environment has the file's name.

    Raises:
        SettingsError: naming the file, each wrong key and what it may be.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file.name} is not UTF-8: {error}") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{file.name} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{file.name} holds {type(content).__name__}; expected keys and values")
    if "name" in content:
        raise SettingsError(f"{file.name}: name: unknown key; an environment has the name of its file")
    try:
        return Settings.model_validate(content | {"name": file.stem})
    except ValidationError as error:
        raise SettingsError(f"{file.name}: {'; '.join(map(_said, error.errors()))}") from error


def _said(error: ErrorDetails) -> str:
    """One finding, with the key that it is about and what may stand there."""
    path = ".".join(map(str, error["loc"]))
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = f"unknown key; known are {', '.join(_known(error['loc'][:-1]))}"
    if error["type"] == "string_type" and isinstance(error["input"], int):
        message = f"must be in quotes: '{error['input']}'"
    return f"{path}: {message[0].lower()}{message[1:]}" if path else message


def _known(loc: tuple[int | str, ...]) -> list[str]:
    """The keys that are known beside an unknown one."""
    model: type[BaseModel] = Settings
    for key in loc:
        candidates = _models(model, str(key))
        if not candidates:
            break
        model = candidates[0]
    return list(model.model_fields)


def _models(model: type[BaseModel], key: str) -> list[type[BaseModel]]:
    if key in model.model_fields:
        annotation = model.model_fields[key].annotation
        found = [annotation] if isinstance(annotation, type) else list(getattr(annotation, "__args__", ()))
        return [inner for inner in found if isinstance(inner, type) and issubclass(inner, BaseModel)]
    # A union's own tag stands in the path, between the key and the keys below it.
    return _tagged(key)


def _tagged(tag: str) -> list[type[BaseModel]]:
    return [model for model in NETWORKS if tag in get_args(model.model_fields["mode"].annotation)]
