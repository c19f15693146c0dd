"""Resolves ``Get``, ``Std:Join`` and ``Std:JsonGet`` to values."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from local_sagemaker.errors import StepFailedError

_PATH = re.compile(r"\.?([A-Za-z0-9_\-:]+)|\['([^']*)'\]|\[\"([^\"]*)\"\]|\[(\d+)\]")


class Resolver:
    """Values of one execution: parameters, execution variables and properties of ended steps.

    ``property_file(step, name)`` returns the text of a step's property file.
    """

    def __init__(
        self, *, parameters: Mapping[str, Any], variables: Mapping[str, Any], property_file: Callable[[str, str], str]
    ) -> None:
        self._parameters = parameters
        self._variables = variables
        self._property_file = property_file
        self._properties: dict[str, Mapping[str, Any]] = {}

    def ended(self, step: str, properties: Mapping[str, Any]) -> None:
        """Make the properties of a step known."""
        self._properties[step] = properties

    def resolve(self, value: object) -> Any:
        """The value with every expression in it resolved.

        Raises:
            StepFailedError: an expression leads to nothing.
        """
        if isinstance(value, list):
            return [self.resolve(inner) for inner in value]
        if not isinstance(value, Mapping):
            return value
        if set(value) == {"Get"}:
            return self._get(value["Get"])
        if set(value) == {"Std:Join"}:
            join = value["Std:Join"]
            return str(join["On"]).join(_text(self.resolve(part)) for part in join["Values"])
        if set(value) == {"Std:JsonGet"}:
            return self._json_get(value["Std:JsonGet"])
        return {key: self.resolve(inner) for key, inner in value.items()}

    def _get(self, reference: str) -> Any:
        kind, _, rest = reference.partition(".")
        if kind == "Parameters":
            return self._parameters[rest]
        if kind == "Execution":
            if rest not in self._variables:
                raise StepFailedError(f"there is no execution variable {rest}; there are {', '.join(self._variables)}")
            return self._variables[rest]
        step, _, path = rest.partition(".")
        return follow(self._properties[step], path, f"step {step}")

    def _json_get(self, expression: Mapping[str, Any]) -> Any:
        _, step, _, name = expression["PropertyFile"]["Get"].split(".", 3)
        content = self._property_file(step, name)
        try:
            document = json.loads(content)
        except ValueError as error:
            raise StepFailedError(f"the property file {name} of step {step} is not JSON: {error}") from error
        return follow(document, expression["Path"], f"the property file {name} of step {step}")


def follow(document: object, path: str, owner: str) -> Any:
    """The value at a path such as ``Outputs['train'].S3Uri`` or ``$.a[0].b``."""
    rest = path.removeprefix("$")
    value: Any = document
    while rest:
        match = _PATH.match(rest)
        if not match:
            raise StepFailedError(f"the path {path!r} of {owner} cannot be read at {rest!r}")
        key = next(group for group in match.groups() if group is not None)
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise StepFailedError(f"{owner} has nothing at {path!r}") from error
        rest = rest[match.end() :]
    return value


def _text(value: object) -> str:
    """As the service writes a value into a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
