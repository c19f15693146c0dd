"""The local model registry: groups, versions and their approval, and the collections that groups lie in."""

import json
import re
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local_sagemaker.errors import BadInputError
from local_sagemaker.history import History

STATUSES = ("PendingManualApproval", "Approved", "Rejected")
_ARN = "arn:aws:sagemaker:eu-west-1:000000000000:model-package/{group}/{version}"
_GROUP = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9]){0,62}")
_COLLECTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,127}")


@dataclass(frozen=True)
class Collection:
    """``path`` names a collection by those that it lies in, as in ``insurance/auto-claims``; ``groups`` are its own, sorted."""

    path: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class ModelPackage:
    """One version in a group; ``request`` is the CreateModelPackage request that made it."""

    arn: str
    group: str
    version: int
    status: str
    created: datetime
    execution: str
    request: Mapping[str, Any]


class Registry:
    def __init__(self, history: History) -> None:
        self._history = history

    def register(self, request: Mapping[str, Any], execution: str) -> str:
        """Add the next version to the request's group and return its ARN."""
        group = request["ModelPackageGroupName"]
        with self._history.write() as connection:
            (last,) = connection.execute(
                "SELECT coalesce(max(version), 0) FROM model_packages WHERE model_group = ?", (group,)
            ).fetchone()
            arn = _ARN.format(group=group, version=last + 1)
            connection.execute(
                "INSERT INTO model_packages VALUES (?, ?, ?, ?, ?, ?, ?)",
                (arn, group, last + 1, request.get("ModelApprovalStatus", STATUSES[0]), time.time(), json.dumps(request), execution),
            )
        return arn

    def packages(self, group: str | None = None) -> list[ModelPackage]:
        """All versions, latest first."""
        rows = self._history.connection().execute(
            "SELECT * FROM model_packages WHERE ? IS NULL OR model_group = ? ORDER BY model_group, version DESC", (group, group)
        )
        return [
            ModelPackage(
                row["arn"], row["model_group"], row["version"], row["status"],
                datetime.fromtimestamp(row["created"], UTC), row["execution"], json.loads(row["request"]),
            )
            for row in rows
        ]  # fmt: skip

    def find(self, name: str) -> ModelPackage:
        """By ARN, ``GROUP/VERSION``, or a version number that only one group has.

        Raises:
            BadInputError: none or several match.
        """
        packages = self.packages()
        found = [p for p in packages if name in (p.arn, f"{p.group}/{p.version}", str(p.version))]
        if len(found) != 1:
            known = ", ".join(f"{p.group}/{p.version}" for p in packages[:5]) or "none yet"
            problem = "there is no model package" if not found else "several groups have a version"
            raise BadInputError(f"{problem} {name}; there are {known}")
        return found[0]

    def set_status(self, arn: str, status: str) -> None:
        with self._history.write() as connection:
            connection.execute("UPDATE model_packages SET status = ? WHERE arn = ?", (status, arn))

    def collections(self) -> list[Collection]:
        """All collections, each before those inside it, in the order of a printed tree."""
        connection = self._history.connection()
        groups: dict[str, list[str]] = {row["path"]: [] for row in connection.execute("SELECT path FROM collections")}
        for row in connection.execute("SELECT path, model_group FROM collected ORDER BY model_group"):
            groups[row["path"]].append(row["model_group"])
        return [Collection(path, tuple(groups[path])) for path in sorted(groups, key=lambda path: path.split("/"))]

    def create_collection(self, path: str) -> None:
        """Make the collection and those around it; what is there already stays.

        Raises:
            BadInputError: the path is none.
        """
        with self._history.write() as connection:
            _make(connection, path)

    def collect(self, group: str, path: str) -> None:
        """Put a model package group into a collection, which is made where it is missing.

        The group need not have a version yet, as in the service.

        Raises:
            BadInputError: the path or the group's name is none.
        """
        if not _GROUP.fullmatch(group):
            raise BadInputError(f"{group!r} cannot be a model package group: its name is 1 to 63 letters, digits and - between them")
        with self._history.write() as connection:
            _make(connection, path)
            connection.execute("INSERT OR IGNORE INTO collected VALUES (?, ?)", (path, group))

    def uncollect(self, group: str, path: str) -> None:
        """Take a group out of a collection; neither is deleted.

        Raises:
            BadInputError: the collection is not there, or the group is not in it.
        """
        collection = self._collection(path)
        with self._history.write() as connection:
            if not connection.execute("DELETE FROM collected WHERE path = ? AND model_group = ?", (path, group)).rowcount:
                raise BadInputError(f"{group} is not in the collection {path}, which has {', '.join(collection.groups) or 'no groups'}")

    def delete_collection(self, path: str) -> None:
        """Delete a collection that holds nothing.

        Raises:
            BadInputError: it is not there, or holds groups or collections.
        """
        with self._history.write() as connection:
            groups = self._collection(path).groups
            inner = [other.path for other in self.collections() if other.path.startswith(f"{path}/")]
            if groups or inner:
                raise BadInputError(f"the collection {path} is not empty: it holds {', '.join([*groups, *inner])}; take these out first")
            connection.execute("DELETE FROM collections WHERE path = ?", (path,))

    def _collection(self, path: str) -> Collection:
        known = self.collections()
        for collection in known:
            if collection.path == path:
                return collection
        raise BadInputError(f"there is no collection {path}; there are {', '.join(each.path for each in known) or 'none yet'}")


def _make(connection: sqlite3.Connection, path: str) -> None:
    names = path.split("/")
    for name in names:
        if not _COLLECTION.fullmatch(name):
            raise BadInputError(
                f"{path!r} cannot be a collection: it is names with / between them, each of letters, digits, -, _ and ., "
                "such as insurance/auto-claims"
            )
    parents = [("/".join(names[: depth + 1]),) for depth in range(len(names))]
    connection.executemany("INSERT OR IGNORE INTO collections VALUES (?)", parents)
