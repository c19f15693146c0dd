"""Which local interpreter stands for a container image.

A home folder may hold ``runtimes.toml``:

    [[runtime]]
    image = "my-company/trainer:*"      # matched against the image without its registry
    python = "/usr/bin/python3.12"      # default: the interpreter that runs this
    packages = ["lightgbm==4.6.0"]      # installed once, for this runtime alone
    command = ["python3", "/src/train.py"]  # what the image runs by itself
    environment = {MODE = "local"}      # variables that the image sets
"""

import fnmatch
import hashlib
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_sagemaker.errors import BadInputError

FILE = "runtimes.toml"


@dataclass(frozen=True)
class Runtime:
    """An interpreter and packages that it needs beyond its own; command and variables of a container of one's own."""

    image: str
    python: str = sys.executable
    packages: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def matches(self, image: str) -> bool:
        return fnmatch.fnmatch(image, self.image) or fnmatch.fnmatch(image.partition("/")[2], self.image)

    def package_folder(self, home: Path) -> Path | None:
        """Where the extra packages are; installed when first asked for.

        Raises:
            BadInputError: they cannot be installed.
        """
        if not self.packages:
            return None
        name = hashlib.sha256("\n".join([self.python, *self.packages]).encode()).hexdigest()[:16]
        folder = home / "runtimes" / name
        if not (folder / ".complete").exists():
            command = [self.python, "-m", "pip", "install", "--quiet", "--target", str(folder), *self.packages]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise BadInputError(f"cannot install {', '.join(self.packages)} for {self.image}: {done.stderr.strip()[-400:]}")
            (folder / ".complete").touch()
        return folder


# The pinned packages of this project are those of the managed images; the last three run stand-ins.
DEFAULTS = (
    *map(Runtime, ("sagemaker-xgboost:*", "sagemaker-scikit-learn:*", "linear-learner:*", "kmeans:*")),
    # The SDK names this image without a tag.
    Runtime("sagemaker-model-monitor-analyzer*", command=("python3", str(Path(__file__).with_name("monitor_analyzer")))),
)


class Runtimes:
    """The runtimes of a home folder: its own, then those that the caller brings, then the defaults."""

    def __init__(self, home: Path, brought: Sequence[Runtime] = ()) -> None:
        self._file = home / FILE
        self._runtimes = (*_read(self._file), *brought, *DEFAULTS)

    def for_image(self, image: str) -> Runtime:
        """The first runtime whose pattern fits.

        Raises:
            BadInputError: none does.
        """
        for runtime in self._runtimes:
            if runtime.matches(image):
                return runtime
        raise BadInputError(
            f"no local runtime stands for the image {image}; say which interpreter does in {self._file}, e.g.\n"
            f'[[runtime]]\nimage = "{_repository(image)}"\npython = "{sys.executable}"\n'
            'command = ["python3", "/path/program.py"]  # only where the image runs a program of its own'
        )

    def how_to_say_command(self, image: str) -> str:
        """What to write, and where, so that an image of one's own can be run."""
        return f'give it in {self._file}, e.g. [[runtime]] image = "{_repository(image)}" command = ["python3", "/path/train.py"]'


def _repository(image: str) -> str:
    return image.partition("/")[2] or image


def _read(file: Path) -> list[Runtime]:
    if not file.exists():
        return []
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8")).get("runtime", [])
        return [_runtime(entry) for entry in entries]
    except (tomllib.TOMLDecodeError, KeyError, AttributeError, TypeError) as error:
        raise BadInputError(f"{file} is wrong: {error}") from error


def _runtime(entry: Mapping[str, Any]) -> Runtime:
    known = {"image", "python", "packages", "command", "environment"}
    if unknown := sorted(set(entry) - known):
        raise TypeError(f"a runtime has no {unknown[0]}; it has {', '.join(sorted(known))}")
    for name in ("packages", "command"):
        if not isinstance(entry.get(name, []), list):
            raise TypeError(f"{name} must be a list, not {entry[name]!r}")
    return Runtime(
        image=entry["image"],
        python=entry.get("python", sys.executable),
        packages=tuple(entry.get("packages", ())),
        command=tuple(map(str, entry.get("command", ()))),
        environment={name: str(value) for name, value in entry.get("environment", {}).items()},
    )
