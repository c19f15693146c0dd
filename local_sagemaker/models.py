"""The models that Model steps have made, by name, for whoever uses them in the same run or a later one."""

import json
import time
from collections.abc import Mapping
from typing import Any

from local_sagemaker.errors import StepFailedError
from local_sagemaker.history import History


class Models:
    """A model is the CreateModel request that made it."""

    def __init__(self, history: History) -> None:
        self._history = history

    def create(self, name: str, request: Mapping[str, Any], execution: str) -> None:
        with self._history.write() as connection:
            connection.execute("INSERT INTO models VALUES (?, ?, ?, ?)", (name, json.dumps(request), execution, time.time()))

    def find(self, name: str) -> Mapping[str, Any]:
        """The request of a model.

        Raises:
            StepFailedError: no model has this name; the message has the latest that there are.
        """
        connection = self._history.connection()
        row = connection.execute("SELECT request FROM models WHERE name = ?", (name,)).fetchone()
        if row is None:
            latest = [known for (known,) in connection.execute("SELECT name FROM models ORDER BY created DESC LIMIT 3")]
            raise StepFailedError(f"there is no model {name}; a Model step makes one, and the latest are {', '.join(latest) or 'none yet'}")
        request: Mapping[str, Any] = json.loads(row["request"])
        return request
