"""Model packages as runs register them: real reports by the step scripts, registered by small definitions that hand them on."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_sagemaker import Home
from tests.support import steps
from tests.support.cli import Done, fraud
from tests.support.definitions import definition, output, processing

FACETS = ("customer_gender=Female", "customer_age=:30")
_REPORTS = "s3://reports"
_COPY = """
import pathlib, shutil
for kind in ('evaluation', 'pre', 'post', 'explanations'):
    source = pathlib.Path('/opt/ml/processing/input/reports', kind)
    if source.exists():
        shutil.copytree(source, pathlib.Path('/opt/ml/processing/output', kind), dirs_exist_ok=True)
"""
_METADATA = {
    "review_capacity": "0.1", "claims_uri": "s3://data/claims/1", "customers_uri": "s3://data/customers/1",
    "training_data_sha256": "d" * 64, "framework": "XGBoost", "code_train": "c" * 64,
}  # fmt: skip


@dataclass(frozen=True)
class Registered:
    """A home with ``claims-model/1`` as packages were at first, and ``/2`` with all that there is, compared with ``/1``.

    ``runs`` are the documents of the runs that registered them.
    """

    home: Path
    candidates: "tuple[Candidate, Candidate]"
    runs: tuple[Any, Any]


@dataclass(frozen=True)
class Candidate:
    """A model with its reports in a home's S3, below ``s3://reports/NAME``."""

    home: Home
    name: str

    def uri(self, *parts: str) -> str:
        return "/".join((_REPORTS, self.name, *parts))

    def path(self, *parts: str) -> Path:
        return self.home.path(self.uri(*parts))

    @property
    def model(self) -> str:
        return self.uri("package", "model.tar.gz")

    @property
    def evaluation(self) -> Any:
        return json.loads(self.path("evaluation", "evaluation.json").read_text())


def make(home: Home, name: str, splits: Path, *, champion: Candidate | None, hyperparameters: dict[str, object]) -> Candidate:
    """Train, evaluate, measure bias and package, each by its script."""
    made = Candidate(home, name)
    facets = [text for facet in FACETS for text in ("--facet", facet)]
    values = [text for key, value in hyperparameters.items() for text in (f"--{key}", value)]
    _do("train", "--train", splits / "train", "--validation", splits / "validation", "--model-dir", made.path("model"),
        "--checkpoints", made.path("checkpoints"), "--resamples", 50, *values)  # fmt: skip
    against = ["--champion", champion.path("package")] if champion else []
    _do("evaluate", "--test", splits / "test", "--model", made.path("model"), "--output", made.path("evaluation"),
        "--predictions", made.path("predictions"), "--review-capacity", 0.1, "--resamples", 100, *against)  # fmt: skip
    _do("pre_training_bias", "--data", splits / "train", "--output", made.path("pre"), "--resamples", 0, *facets)
    _do("post_training_bias", "--test", splits / "test", "--predictions", made.path("predictions"), "--output", made.path("post"),
        "--resamples", 0, *facets)  # fmt: skip
    _do("explain", "--data", splits / "test", "--model", made.path("model"), "--evaluation", made.path("evaluation"),
        "--output", made.path("explanations"))  # fmt: skip
    serving = made.path("serving.pyz")
    _zip(serving)
    _do("package", "--model", made.path("model"), "--evaluation", made.path("evaluation"), "--serving-code", serving,
        "--train", splits / "train", "--output", made.path("package"), "--baseline", made.path("baseline"))  # fmt: skip
    _do("model_card", "--evaluation", made.path("evaluation"), "--package", made.path("baseline"),
        "--pre-training-bias", made.path("pre"), "--post-training-bias", made.path("post"),
        "--explanations", made.path("explanations"), "--name", "claims-model", "--output", made.path("card"))  # fmt: skip
    return made


def register(made: Candidate, *, is_early: bool = False, champion: Candidate | None = None, minimum: float = 0.3, **metadata: str) -> Done:
    """``fraud run`` on a definition whose gate asks for ``minimum`` AUC and which registers the candidate.

    ``is_early`` leaves out what packages did not have at first.
    """
    file = made.path("definition.json")
    file.write_text(json.dumps(_definition(made, is_early, metadata)))
    against = ["--param", f"ChampionModelUri={champion.model}"] if champion else []
    return fraud("run", "--definition", file, "--home", made.home.folder, "--param", f"MinimumAuc={minimum}", *against, "--json")


def _definition(made: Candidate, is_early: bool, metadata: dict[str, str]) -> dict[str, Any]:
    kinds = ("evaluation",) if is_early else ("evaluation", "pre", "post", "explanations")
    evaluate = processing(made.home, "Evaluate", _COPY, inputs={"reports": made.uri()}, outputs=kinds)
    evaluate["PropertyFiles"] = [{"PropertyFileName": "Evaluation", "OutputName": "evaluation", "FilePath": "evaluation.json"}]
    bounds = [("binary_classification_metrics.auc.value", "GreaterThanOrEqualTo", {"Get": "Parameters.MinimumAuc"})]
    if not is_early:
        evaluate["PropertyFiles"].append({"PropertyFileName": "Bias", "OutputName": "post", "FilePath": "bias.json"})
        bounds += [("customer_gender_female.DPPL", "GreaterThanOrEqualTo", -0.9), ("customer_gender_female.DPPL", "LessThanOrEqualTo", 0.9)]
    files = ["Bias" if path.startswith("customer") else "Evaluation" for path, _, _ in bounds]
    conditions = [
        {
            "Type": kind,
            "LeftValue": {"Std:JsonGet": {"PropertyFile": {"Get": f"Steps.Evaluate.PropertyFiles.{file}"}, "Path": path}},
            "RightValue": bound,
        }
        for file, (path, kind, bound) in zip(files, bounds, strict=True)
    ]
    gate = {
        "Name": "QualityGate", "Type": "Condition",
        "Arguments": {
            "Conditions": conditions,
            "IfSteps": [{"Name": "Register", "Type": "RegisterModel", "Arguments": _request(made, is_early, metadata)}],
            "ElseSteps": [{"Name": "Reject", "Type": "Fail", "Arguments": {"ErrorMessage": "not good enough"}}],
        },
    }  # fmt: skip
    parameters = ({"Name": "MinimumAuc", "Type": "Float"}, {"Name": "ChampionModelUri", "Type": "String", "DefaultValue": ""})
    return definition(evaluate, gate, parameters=parameters)


def _request(made: Candidate, is_early: bool, metadata: dict[str, str]) -> dict[str, Any]:
    threshold = {"threshold": str(made.evaluation["review"]["threshold"])}
    metrics: dict[str, Any] = {"ModelQuality": {"Statistics": _source(output("Evaluate", "evaluation")["Get"], "evaluation.json")}}
    request: dict[str, Any] = {
        "ModelPackageGroupName": "claims-model",
        "ModelMetrics": metrics,
        "InferenceSpecification": {"Containers": [{"Image": "image", "ModelDataUrl": made.model}]},
        "CustomerMetadataProperties": threshold,
    }
    if is_early:
        return request
    metrics["Bias"] = {kind: _source(output("Evaluate", name)["Get"], "analysis.json")
                       for kind, name in (("PreTrainingReport", "pre"), ("PostTrainingReport", "post"))}  # fmt: skip
    metrics["Explainability"] = {"Report": _source(output("Evaluate", "explanations")["Get"], "analysis.json")}
    baseline = {"Statistics": "statistics.json", "Constraints": "deleted.json"}
    baselines = {kind: {"S3Uri": made.uri("baseline", file)} for kind, file in baseline.items()}
    request["DriftCheckBaselines"] = {"ModelDataQuality": baselines}
    request["CustomerMetadataProperties"] = _METADATA | threshold | {"model_card_uri": made.uri("card")} | metadata
    return request


def _source(output_uri: str, file: str) -> dict[str, Any]:
    return {"ContentType": "application/json", "S3Uri": {"Std:Join": {"On": "/", "Values": [{"Get": output_uri}, file]}}}


def _do(step: str, *arguments: object) -> None:
    done = steps.run(step, *arguments)
    assert done.code == 0, done.output


def _zip(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("inference.py", "")
