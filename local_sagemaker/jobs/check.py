"""ClarifyCheck and QualityCheck steps: a processing job, and whether its results have drifted from a baseline."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_sagemaker.definition import CHECK_FIELDS
from local_sagemaker.drift import clarify, data_quality, model_quality
from local_sagemaker.errors import StepFailedError
from local_sagemaker.home import Home, move_into_place
from local_sagemaker.jobs import base, processing
from local_sagemaker.registry import Registry

_VIOLATIONS = "constraint_violations.json"
_CONSTRAINTS, _STATISTICS = "Constraints", "Statistics"
_NAMED = 8

Documents = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class _Kind:
    """The files that the job writes, by what they are as a baseline, and where a model package has its baselines."""

    files: Mapping[str, str]
    baselines: Mapping[str, tuple[str, str]]
    violations: Callable[[Documents, Documents], list[dict[str, str]]]


def _clarify(group: str, name: str, violations: Callable[[Mapping[str, Any], Mapping[str, Any]], list[dict[str, str]]]) -> _Kind:
    return _Kind(
        {_CONSTRAINTS: "analysis.json"},
        {_CONSTRAINTS: (group, name)},
        lambda new, baseline: violations(new[_CONSTRAINTS], baseline[_CONSTRAINTS]),
    )


def _quality(group: str, violations: Callable[[Documents, Documents], list[dict[str, str]]]) -> _Kind:
    files = {_CONSTRAINTS: "constraints.json", _STATISTICS: "statistics.json"}
    return _Kind(files, {name: (group, name) for name in files}, violations)


_KINDS = {
    "DATA_BIAS": _clarify("Bias", "PreTrainingConstraints", lambda new, old: clarify.bias_violations(new, old, clarify.PRE_TRAINING)),
    "MODEL_BIAS": _clarify("Bias", "PostTrainingConstraints", lambda new, old: clarify.bias_violations(new, old, clarify.POST_TRAINING)),
    "MODEL_EXPLAINABILITY": _clarify("Explainability", "Constraints", clarify.attribution_violations),
    "DATA_QUALITY": _quality(
        "ModelDataQuality", lambda new, old: data_quality.violations(new[_STATISTICS], old[_CONSTRAINTS], old.get(_STATISTICS))
    ),
    "MODEL_QUALITY": _quality("ModelQuality", lambda new, old: model_quality.violations(new[_STATISTICS], old[_CONSTRAINTS])),
}


def run(request: Mapping[str, Any], context: base.Context) -> base.Outcome:
    """Run a check step's processing job and compare what it has calculated.

    Raises:
        StepFailedError: among others, there are violations; then the job's results are published all the same,
            with the list of violations, as by the service.
    """
    kind = _KINDS.get(request["CheckType"])
    if kind is None:
        raise StepFailedError(f"there is no CheckType {request['CheckType']}; there are {', '.join(_KINDS)}")
    is_checked = not _is_set(request, "SkipCheck")
    used = _baseline(request, kind, context)
    if is_checked and _CONSTRAINTS not in used:
        raise StepFailedError(_no_baseline(request, kind))
    baseline = {name: _read(context.home, uri) for name, uri in used.items()} if is_checked else {}
    outcome = processing.run({name: value for name, value in request.items() if name not in CHECK_FIELDS}, context)
    folder, prefix = _results(outcome, kind)
    calculated = {name: f"{prefix}/{file}" for name, file in kind.files.items()}
    after = calculated if _is_set(request, "RegisterNewBaseline") else used
    properties = {f"CalculatedBaseline{name}": uri for name, uri in calculated.items()}
    properties |= {f"BaselineUsedForDriftCheck{name}": uri for name, uri in after.items()}
    violations = _violations(kind, folder, baseline, used[_CONSTRAINTS]) if is_checked else []
    if violations:
        report = f"{prefix}/{_VIOLATIONS}"
        (folder / _VIOLATIONS).write_text(json.dumps({"version": "1.0", "violations": violations}, indent=1), encoding="utf-8")
        properties["ViolationReport"] = report
        if _is_set(request, "FailOnViolation", default=True):
            for source, target in outcome.moves:
                move_into_place(source, target)
            raise StepFailedError(_said(violations, used[_CONSTRAINTS], report))
    return base.Outcome(dict(outcome.properties) | properties, outcome.moves)


def _violations(kind: _Kind, folder: Path, baseline: Documents, uri: str) -> list[dict[str, str]]:
    new = {name: json.loads((folder / file).read_text(encoding="utf-8")) for name, file in kind.files.items()}
    try:
        return kind.violations(new, baseline)
    except (KeyError, TypeError, AttributeError) as error:
        raise StepFailedError(f"{uri} is not the baseline of such a check: {type(error).__name__} {error}") from error


def _is_set(request: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    return str(request.get(name, default)).lower() == "true"


def _baseline(request: Mapping[str, Any], kind: _Kind, context: base.Context) -> dict[str, str]:
    """URIs of the baseline to compare with: as supplied, else of the latest approved model package."""
    group = request.get("ModelPackageGroupName")
    packages = Registry(context.history).packages(group) if group else []
    approved = next((package for package in packages if package.status == "Approved"), None)
    recorded = approved.request.get("DriftCheckBaselines", {}) if approved else {}
    found = {}
    for name, (part, entry) in kind.baselines.items():
        uri = request.get(f"SuppliedBaseline{name}") or recorded.get(part, {}).get(entry, {}).get("S3Uri")
        if uri:
            found[name] = uri
    return found


def _no_baseline(request: Mapping[str, Any], kind: _Kind) -> str:
    group = request.get("ModelPackageGroupName")
    place = ".".join(kind.baselines[_CONSTRAINTS])
    having = f"no approved model package of {group} has DriftCheckBaselines.{place}" if group else "no ModelPackageGroupName is given"
    return f"there is no baseline to check against: no SuppliedBaselineConstraints, and {having}; a first run sets SkipCheck"


def _read(home: Home, uri: str) -> Any:
    try:
        return json.loads(home.path(uri).read_text(encoding="utf-8"))
    except OSError as error:
        raise StepFailedError(f"there is no baseline at {uri}") from error
    except ValueError as error:
        raise StepFailedError(f"the baseline at {uri} is not JSON: {error}") from error


def _results(outcome: base.Outcome, kind: _Kind) -> tuple[Path, str]:
    """The folder and the prefix of the output that has what the job was to write."""
    outputs = [output["S3Output"]["S3Uri"].rstrip("/") for output in outcome.properties["ProcessingOutputConfig"]["Outputs"].values()]
    for number, (folder, _) in enumerate(outcome.moves):
        if all((folder / file).is_file() for file in kind.files.values()):
            return folder, outputs[number % len(outputs)]
    raise StepFailedError(f"the job wrote no {' and '.join(kind.files.values())} into {', '.join(outputs) or 'any output'}")


def _said(violations: list[dict[str, str]], baseline: str, report: str) -> str:
    named = []
    for violation in violations[:_NAMED]:
        what = violation.get("feature_name") or violation.get("facet") or violation.get("label") or ""
        value = f"={violation['facet_value']} {violation['metric_name']}" if "facet" in violation else ""
        named.append(f"{what}{value}: {violation['description']}" if what else violation["description"])
    more = f"; and {len(violations) - _NAMED} more" if len(violations) > _NAMED else ""
    count = f"{len(violations)} violation{'s' if len(violations) > 1 else ''}"
    return f"{count} of the baseline {baseline}: {'; '.join(named)}{more} (all in {report})"
