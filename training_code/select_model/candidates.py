"""A trained model as a candidate: its archive, and what its training says about itself."""

import hashlib
import json
import math
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training_code import model_archive

_TRAINING = "training.json"
MINIMIZE, MAXIMIZE = "Minimize", "Maximize"


class CandidateError(Exception):
    """A model that cannot be compared; the message says which and why."""


@dataclass(frozen=True)
class Candidate:
    """``name`` is default or tuned; ``value`` that of the objective, as its own training measured it."""

    name: str
    archive: Path
    objective: str
    value: float
    training: dict[str, Any]

    @classmethod
    def read(cls, name: str, folder: Path) -> "Candidate":
        """Read the ``training.json`` inside the archive at ``folder``.

        Raises:
            CandidateError: there is no readable archive, or nothing in it to compare by.
        """
        archive = folder / model_archive.NAME if folder.is_dir() else folder
        if not archive.is_file():
            raise CandidateError(f"--{name}: there is no {model_archive.NAME} at {folder}")
        try:
            with tarfile.open(archive) as tar:
                member = next((entry for entry in tar if Path(entry.name) == Path(_TRAINING)), None)
                stream = tar.extractfile(member) if member else None
                training = json.load(stream) if stream else {}
        except (tarfile.TarError, EOFError, OSError, ValueError) as error:
            raise CandidateError(f"--{name}: {archive} cannot be read: {error}") from error
        objective = training.get("objective")
        if not isinstance(objective, dict) or not isinstance(objective.get("value"), int | float):
            raise CandidateError(
                f"--{name}: {archive} has no {_TRAINING} with an objective and its value; only models of script mode can be compared"
            )
        if not math.isfinite(objective["value"]):
            raise CandidateError(f"--{name}: {objective['name']} is {objective['value']}, which cannot be compared")
        return cls(name, archive, str(objective["name"]), float(objective["value"]), training)

    @property
    def hyperparameters(self) -> dict[str, Any]:
        found = self.training.get("hyperparameters", {})
        return found if isinstance(found, dict) else {}

    def digest(self) -> str:
        with self.archive.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()


def better(default: Candidate, tuned: Candidate, *, objective_type: str) -> Candidate:
    """The one with the better objective; the default where both are equal.

    Raises:
        CandidateError: the two were trained for different objectives, or on different data.
    """
    if default.objective != tuned.objective:
        raise CandidateError(f"the default model tells {default.objective}, the tuned one {tuned.objective}: train both with one objective")
    data = [candidate.training.get("data_sha256") for candidate in (default, tuned)]
    if data[0] != data[1]:
        raise CandidateError("the two models were trained on different data, so their objectives say nothing about each other")
    gain = tuned.value - default.value
    return tuned if (gain < 0 if objective_type == MINIMIZE else gain > 0) else default
