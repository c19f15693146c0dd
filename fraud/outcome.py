"""What a finished run found: metrics, what the gate asked, model package, pages."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fraud import gate, local_champion
from fraud.registry import reports
from fraud.registry.reports import Bias, Estimate
from local_sagemaker import Home, Result
from local_sagemaker.history import History
from local_sagemaker.registry import ModelPackage, Registry

_EVALUATION = "evaluation.json"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """``metrics`` hold every figure under one name each, bias metrics as ``bias.FACET.METRIC``.

    ``champion`` is the package that the model was compared with: empty if there
    was none yet, None if the run compares with none. ``pages`` are the HTML
    pages that steps wrote, by step.
    """

    metrics: Mapping[str, float | None]
    bias: Bias
    gate: tuple[gate.Criterion, ...]
    champion: str | None
    package: ModelPackage | None
    pages: Mapping[str, list[Path]]

    @property
    def model_package_arn(self) -> str | None:
        return self.package.arn if self.package else None


def read(home: Home, result: Result) -> Outcome:
    """From the outputs of the steps; whatever is not there is left out."""
    metrics: dict[str, float | None] = {}
    bias: Bias = {}
    champion: str | None = None
    arn = None
    pages: dict[str, list[Path]] = {}
    history = History(home)
    execution = history.execution(result.execution)
    for step in result.steps:
        arn = step.properties.get("ModelPackageArn", arn)
        for folder in _outputs(home, step.properties):
            pages.setdefault(step.name, []).extend(sorted(folder.glob("*.html")))
            if (folder / _EVALUATION).is_file():
                evaluation = reports.document(folder / _EVALUATION)
                metrics |= _metrics(evaluation)
                if "champion" in evaluation:
                    parameters = json.loads(execution["parameters"]) if execution else {}
                    champion = _champion(home, evaluation, str(parameters.get(local_champion.PARAMETER)))
            for facet, values in reports.bias(folder).items():
                bias.setdefault(facet, {}).update(values)
        for metric in step.properties.get("FinalMetricDataList", ()):
            metrics[f"{step.name}/{metric['MetricName']}"] = metric["Value"]
    metrics |= {f"bias.{facet}.{name}": value for facet, values in bias.items() for name, value in values.items()}
    return Outcome(
        metrics=metrics,
        bias=bias,
        gate=gate.criteria(json.loads(execution["definition"]), {step.name: step.properties for step in result.steps}) if execution else (),
        champion=champion,
        package=Registry(history).find(arn) if arn else None,
        pages={step: found for step, found in pages.items() if found},
    )


def _champion(home: Home, evaluation: Mapping[str, Any], uri: str) -> str:
    return local_champion.name(home, uri) if reports.champion(evaluation) else ""


def _outputs(home: Home, properties: Any) -> list[Path]:
    config = properties.get("ProcessingOutputConfig", {})
    outputs = config.get("Outputs", {}) if isinstance(config, dict) else {}
    return [home.path(output["S3Output"]["S3Uri"]) for output in outputs.values()] if isinstance(outputs, dict) else []


def _metrics(evaluation: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures that people ask for first, under short names."""
    found: dict[str, float | None] = {}
    for name, estimate in {**reports.metrics(evaluation), **reports.champion(evaluation)}.items():
        found |= _named(name, estimate)
    threshold = (evaluation.get("review") or {}).get("threshold")
    return found | ({} if threshold is None else {"threshold": threshold})


def _named(name: str, estimate: Estimate) -> dict[str, float | None]:
    ends = {f"{name}_lower": estimate.lower, f"{name}_upper": estimate.upper}
    return {name: estimate.value, **{end: value for end, value in ends.items() if value is not None}}
