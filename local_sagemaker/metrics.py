"""Figures that the service scrapes from the logs of training jobs, by regular expressions."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from local_sagemaker.algorithms import catalogue
from local_sagemaker.errors import StepFailedError


def definitions(algorithm: Mapping[str, Any]) -> dict[str, re.Pattern[str]]:
    """The metrics of an AlgorithmSpecification by name: its own, and those that its built-in algorithm prints anyway.

    Raises:
        StepFailedError: a regular expression is none.
    """
    built_in = catalogue.for_image(str(algorithm.get("TrainingImage", "")))
    by_name = dict(built_in.metrics) if built_in else {}
    by_name |= {entry["Name"]: entry["Regex"] for entry in algorithm.get("MetricDefinitions") or []}
    found = {}
    for name, regex in by_name.items():
        try:
            found[name] = re.compile(regex)
        except re.error as error:
            raise StepFailedError(f"the regular expression of the metric {name} is wrong: {regex} ({error})") from error
    return found


def values(pattern: re.Pattern[str], lines: Iterable[str]) -> list[float]:
    """Every finite number that the first group matches, line by line as the service reads a log."""
    found = []
    for line in lines:
        for match in pattern.finditer(line):
            try:
                value = float(match.group(1) if pattern.groups else match.group())
            except (TypeError, ValueError):
                continue
            if math.isfinite(value):
                found.append(value)
    return found


def last_values(algorithm: Mapping[str, Any], logs: Sequence[Path]) -> list[dict[str, Any]]:
    """FinalMetricDataList: the last value of each metric that is in the logs."""
    lines = [line for log in logs if log.exists() for line in log.read_text(errors="replace").splitlines()]
    found = {name: values(pattern, lines) for name, pattern in definitions(algorithm).items()}
    return [{"MetricName": name, "Value": numbers[-1]} for name, numbers in found.items() if numbers]


class Tail:
    """Reads on in a log that another process writes, by whole lines."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._position = 0

    def lines(self) -> list[str]:
        """What was written since the last call, but for a line that has no end yet."""
        if not self._log.exists():
            return []
        with self._log.open("rb") as stream:
            stream.seek(self._position)
            content = stream.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._position += len(whole)
        return whole.decode(errors="replace").splitlines()
