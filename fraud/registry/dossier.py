"""All that a registered model package says of itself, read from its request and the files that this names."""

import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fraud import gate
from fraud.registry import reports
from fraud.registry.reports import Bias, Estimate
from local_sagemaker import Home
from local_sagemaker.errors import StepFailedError
from local_sagemaker.history import History
from local_sagemaker.registry import ModelPackage

_DATA = ("training_data_sha256", "claims_uri", "customers_uri")
_CODE = "code_"
_CARD = "model_card_uri"
_TRAINING = "training.json"
_CHAMPION = "ChampionModelUri"


@dataclass(frozen=True)
class Card:
    """The files of a model card that are there."""

    page: Path | None
    content: Path | None


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """A package with its documents; whatever was not registered with it is empty.

    ``files`` are the reports and baselines by kind (``ModelMetrics.Bias.PreTrainingReport``),
    ``missing`` those that the package names and that are not there any more.
    ``champion_uri`` is the model that the run compared this one with.
    """

    package: ModelPackage
    evaluation: Mapping[str, Any]
    metrics: Mapping[str, Estimate]
    champion: Mapping[str, Estimate]
    bias: Bias
    importance: Mapping[str, float]
    framework: str
    hyperparameters: Mapping[str, str]
    data: Mapping[str, str]
    code: Mapping[str, str]
    gate: tuple[gate.Criterion, ...]
    files: Mapping[str, Path]
    missing: tuple[str, ...]
    model_uri: str
    champion_uri: str
    card: Card | None

    @property
    def name(self) -> str:
        return f"{self.package.group}/{self.package.version}"

    @property
    def metadata(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.package.request.get("CustomerMetadataProperties") or {}
        return found

    @property
    def threshold(self) -> str:
        """The score from which on claims are referred, short enough to be read."""
        return str(self.metadata.get("threshold", ""))[:8]

    @property
    def test_claims(self) -> tuple[int, int] | None:
        """How many claims it was measured on, and how many of them are fraudulent."""
        found = self.evaluation.get("dataset") or {}
        return (found["item_count"], found["fraud_count"]) if {"item_count", "fraud_count"} <= set(found) else None


def evaluation(home: Home, package: ModelPackage) -> dict[str, Any]:
    """The ``evaluation.json`` that a package was registered with; empty without one."""
    uri = dict(_uris(package.request.get("ModelMetrics"), "")).get("ModelQuality.Statistics")
    return reports.document(_path(home, uri)) if uri else {}


def read(home: Home, history: History, package: ModelPackage) -> Dossier:
    """Everything there is."""
    request = package.request
    metadata = request.get("CustomerMetadataProperties") or {}
    named = dict(_uris({name: request.get(name) for name in ("ModelMetrics", "DriftCheckBaselines")}, ""))
    files = {kind: _path(home, uri) for kind, uri in named.items()}
    figures = evaluation(home, package)
    execution = history.execution(package.execution)
    properties = history.properties(package.execution) if execution else {}
    model_uri = _model_uri(request)
    training = _training(figures, _path(home, model_uri) if model_uri else None)
    return Dossier(
        package=package,
        evaluation=figures,
        metrics=reports.metrics(figures),
        champion=reports.champion(figures),
        bias=_bias(files),
        importance=_importance(files),
        framework=str(metadata.get("framework") or training.get("framework") or ""),
        hyperparameters=_hyperparameters(training, properties),
        data=_data(training) | {name: str(metadata[name]) for name in _DATA if metadata.get(name)},
        code={name.removeprefix(_CODE): str(value) for name, value in metadata.items() if name.startswith(_CODE)},
        gate=gate.criteria(json.loads(execution["definition"]), properties) if execution else (),
        files={kind: file for kind, file in files.items() if file.is_file()},
        missing=tuple(f"{kind}: {file}" for kind, file in files.items() if not file.is_file()),
        model_uri=model_uri,
        champion_uri=str(json.loads(execution["parameters"]).get(_CHAMPION) or "") if execution else "",
        card=_card(_path(home, metadata[_CARD])) if metadata.get(_CARD) else None,
    )


def to_document(dossier: Dossier) -> dict[str, Any]:
    """For machines."""
    return {
        "metrics": {name: estimate.to_document() for name, estimate in {**dossier.metrics, **dossier.champion}.items()},
        "gate": [criterion.to_document() for criterion in dossier.gate],
        "bias": dossier.bias,
        "importance": dict(dossier.importance),
        "framework": dossier.framework,
        "hyperparameters": dict(dossier.hyperparameters),
        "data": dict(dossier.data),
        "code": dict(dossier.code),
        "files": {kind: str(file) for kind, file in dossier.files.items()},
        "missing": list(dossier.missing),
        "card": str(dossier.card.page or dossier.card.content) if dossier.card and (dossier.card.page or dossier.card.content) else None,
    }


def _uris(place: Any, kind: str) -> Iterator[tuple[str, str]]:
    """Every S3 URI below a part of a request, with the names that lead to it."""
    if not isinstance(place, Mapping):
        return
    if isinstance(place.get("S3Uri"), str):
        yield kind, place["S3Uri"]
        return
    for name, inner in place.items():
        yield from _uris(inner, f"{kind}.{name}" if kind else name)


def _path(home: Home, uri: str) -> Path:
    """Where a URI lies; nowhere, if it is none that a home has."""
    try:
        return home.path(uri)
    except StepFailedError:
        return home.folder / "nowhere" / uri.replace("/", "_")


def _model_uri(request: Mapping[str, Any]) -> str:
    containers = (request.get("InferenceSpecification") or {}).get("Containers") or [{}]
    return str(containers[0].get("ModelDataUrl") or "")


def _bias(files: Mapping[str, Path]) -> Bias:
    found: Bias = {}
    for kind in ("ModelMetrics.Bias.PreTrainingReport", "ModelMetrics.Bias.PostTrainingReport", "ModelMetrics.Bias.Report"):
        if kind in files:
            for facet, values in reports.bias(files[kind].parent).items():
                found.setdefault(facet, {}).update(values)
    return found


def _importance(files: Mapping[str, Path]) -> dict[str, float]:
    file = files.get("ModelMetrics.Explainability.Report")
    return reports.importance(reports.document(file)) if file else {}


def _training(figures: Mapping[str, Any], archive: Path | None) -> dict[str, Any]:
    """``training.json`` as the evaluation quotes it, completed by the model archive's own."""
    quoted = figures.get("training")
    quoted = quoted if isinstance(quoted, dict) else {}
    if "hyperparameters" in quoted or archive is None or not archive.is_file():
        return quoted
    try:
        with tarfile.open(archive) as tar:
            member = next((entry for entry in tar if entry.name == _TRAINING), None)
            stream = tar.extractfile(member) if member else None
            own = json.load(stream) if stream else {}
    except (tarfile.TarError, OSError, ValueError):
        return quoted
    return own | quoted


def _hyperparameters(training: Mapping[str, Any], properties: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What the model was trained with; a built-in algorithm leaves no record but the request of its job."""
    found = training.get("hyperparameters")
    if not isinstance(found, dict):
        requested = properties.get("Train", {}).get("HyperParameters") or {}
        found = {name: value for name, value in requested.items() if not name.startswith(("sagemaker_", "_"))}
    return {name: str(value) for name, value in sorted(found.items())}


def _data(training: Mapping[str, Any]) -> dict[str, str]:
    """What training itself says; it learns from two splits, where Package takes the hash of the first."""
    return {"train_and_validation_sha256": str(training["data_sha256"])} if training.get("data_sha256") else {}


def _card(place: Path) -> Card:
    """The card at a URI that names its folder or one of its two files."""
    stem = place / "model_card" if place.is_dir() else place.with_suffix("")
    page, content = stem.with_suffix(".html"), stem.with_suffix(".json")
    return Card(page if page.is_file() else None, content if content.is_file() else None)
