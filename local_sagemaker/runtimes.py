"""Which local interpreter stands for a container image.

A home folder may hold ``runtimes.toml``:

    [[runtime]]
    image = "my-company/trainer:*"      # matched against the image without its registry
    python = "/usr/bin/python3.12"      # default: the interpreter that runs this
    packages = ["lightgbm==4.6.0"]      # installed once, for this runtime alone
"""

import fnmatch
import hashlib
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from local_sagemaker.errors import BadInputError

FILE = "runtimes.toml"


@dataclass(frozen=True)
class Runtime:
    """An interpreter, and packages that it needs beyond its own."""

    image: str
    python: str = sys.executable
    packages: tuple[str, ...] = ()

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


# The pinned packages of this project are those of the managed images.
DEFAULTS = (Runtime("sagemaker-xgboost:*"), Runtime("sagemaker-scikit-learn:*"))


class Runtimes:
    """The runtimes of a home folder, its own before the defaults."""

    def __init__(self, home: Path) -> None:
        self._file = home / FILE
        self._runtimes = (*_read(self._file), *DEFAULTS)

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
            f'[[runtime]]\nimage = "{image.partition("/")[2] or image}"\npython = "{sys.executable}"'
        )


def _read(file: Path) -> list[Runtime]:
    if not file.exists():
        return []
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8")).get("runtime", [])
        return [
            Runtime(entry["image"], entry.get("python", sys.executable), tuple(entry.get("packages", ()))) for entry in entries
        ]
    except (tomllib.TOMLDecodeError, KeyError, AttributeError, TypeError) as error:
        raise BadInputError(f"{file} is wrong: {error}") from error
