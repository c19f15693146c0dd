"""The local model registry: groups, versions and their approval."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local_sagemaker.errors import BadInputError
from local_sagemaker.history import History

STATUSES = ("PendingManualApproval", "Approved", "Rejected")
_ARN = "arn:aws:sagemaker:eu-west-1:000000000000:model-package/{group}/{version}"


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
