"""What a finished run found: metrics, model package, pages."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_sagemaker import Home, Result

_EVALUATION = "evaluation.json"


@dataclass(frozen=True)
class Outcome:
    """``pages`` are the HTML pages that steps wrote, by step."""

    metrics: dict[str, float | None]
    model_package_arn: str | None
    pages: dict[str, list[Path]]


def read(home: Home, result: Result) -> Outcome:
    """From the outputs of the steps; whatever is not there is left out."""
    metrics: dict[str, float | None] = {}
    arn = None
    pages: dict[str, list[Path]] = {}
    for step in result.steps:
        arn = step.properties.get("ModelPackageArn", arn)
        for folder in _outputs(home, step.properties):
            pages.setdefault(step.name, []).extend(sorted(folder.glob("*.html")))
            if (folder / _EVALUATION).is_file():
                metrics |= _metrics(json.loads((folder / _EVALUATION).read_text()))
        for metric in step.properties.get("FinalMetricDataList", ()):
            metrics[f"{step.name}/{metric['MetricName']}"] = metric["Value"]
    return Outcome(metrics, arn, {step: found for step, found in pages.items() if found})


def _outputs(home: Home, properties: Any) -> list[Path]:
    config = properties.get("ProcessingOutputConfig", {})
    outputs = config.get("Outputs", {}) if isinstance(config, dict) else {}
    return [home.path(output["S3Output"]["S3Uri"]) for output in outputs.values()] if isinstance(outputs, dict) else []


def _metrics(document: dict[str, Any]) -> dict[str, float | None]:
    """The figures that people ask for first, under short names."""
    found = document.get("binary_classification_metrics", {})
    review, folds = document.get("review", {}), document.get("out_of_fold", {})
    auc, precision = found.get("auc", {}), found.get("au_prc", {})
    named = {
        "auc": auc.get("value"), "auc_lower": auc.get("lower"), "auc_upper": auc.get("upper"),
        "average_precision": precision.get("value"), "average_precision_lower": precision.get("lower"),
        "average_precision_upper": precision.get("upper"),
        "threshold": review.get("threshold"), "precision_at_capacity": review.get("precision"),
        "recall_at_capacity": review.get("recall"), "lift_at_capacity": review.get("lift"),
        "out_of_fold_auc": folds.get("auc"), "out_of_fold_average_precision": folds.get("average_precision"),
    }  # fmt: skip
    return {name: value for name, value in named.items() if value is not None}
