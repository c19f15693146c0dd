"""Options and habits that subcommands share."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from fraud.errors import InputError

Env = Annotated[str, typer.Option("--env", help="The environment whose settings apply: settings/ENV.yaml, or the path of a .yaml file.")]
HomeOption = Annotated[Path, typer.Option("--home", help="The folder that holds everything of local runs.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines.")]

DEFAULT_HOME = Path(".local")


def print_json(document: Any) -> None:
    json.dump(document, sys.stdout, indent=2)
    print()


def context_of(env: str) -> str:
    """An environment as the CDK app, which runs in the project's folder, finds it too."""
    return str(Path(env).resolve()) if env.endswith(".yaml") else env


def pairs(texts: list[str]) -> dict[str, str]:
    """``Name=Value`` options as a mapping."""
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise InputError(f"--param {text} is not of the form Name=Value")
        found[name] = value
    return found
