"""The champion: the package that a new model is compared with, on the same test claims."""

import json
from pathlib import Path
from typing import Any

from training_code import model_archive, scoring
from training_code.claims import schema

NOBODY = {"champion": None}
"""The content of the only file of the champion's input where a run has no champion: an input of a job is never empty.

Its name says nothing: what a deploy uploads is named by its content.
"""

_REMEDY = (
    "start the run without the champion (leave ChampionModelUri at its default; locally, --param ChampionModelUri=), "
    "and approve the first model of the new schema by hand"
)


class ChampionError(Exception):
    """A champion that cannot be compared; the message says why, and what to do."""


def load(source: Path | None, scratch: Path) -> scoring.Model | None:
    """The champion's model; None without a champion: no source, or one that says so.

    Raises:
        ChampionError: there is something else than a package, or a package of another schema.
    """
    if source is None or _is_nobody(source):
        return None
    try:
        folder = model_archive.unpack(source, scratch)
        model = scoring.load(folder)
    except (FileNotFoundError, model_archive.ArchiveError, scoring.ModelError) as error:
        raise ChampionError(f"the champion cannot be loaded: {error}; {_REMEDY}") from error
    if model.features != schema.FEATURE_NAMES:
        apart = sorted(set(model.features) ^ set(schema.FEATURE_NAMES))
        told = f"{', '.join(apart[:5])}{' …' if len(apart) > 5 else ''}" if apart else "their order"
        raise ChampionError(f"the champion takes other features than this schema has (different: {told}); {_REMEDY}")
    document = folder / "schema.json"
    if document.exists() and (changed := _changed(json.loads(document.read_text()))):
        raise ChampionError(f"the champion's schema encodes {', '.join(changed)} otherwise; {_REMEDY}")
    return model


def _is_nobody(source: Path) -> bool:
    files = list(source.glob("*.json")) if source.is_dir() else []
    try:
        return len(files) == 1 and json.loads(files[0].read_text()) == NOBODY
    except ValueError:
        return False


def _changed(document: dict[str, Any]) -> list[str]:
    """Columns that mean something else to the champion, though their features have the same names."""
    ours, theirs = _encodings(schema.as_document()), _encodings(document)
    return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))


def _encodings(document: dict[str, Any]) -> dict[str, tuple[str, tuple[str, ...]]]:
    columns = [column for column in document["columns"] if column["encoding"] != "none"]
    return {column["name"]: (column["encoding"], tuple(column.get("levels", ()))) for column in columns}
