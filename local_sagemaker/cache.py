"""Step caching by the attributes that SageMaker compares.

Like the service's, this cache compares arguments and never content; that is
why inputs and code are given URIs that contain the hash of what lies there.
Source: "Default cache key attributes by pipeline step type", SageMaker's
developer guide.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_sagemaker import durations
from local_sagemaker.definition import Node
from local_sagemaker.errors import StepFailedError
from local_sagemaker.history import History, Record
from local_sagemaker.home import Home

KEY_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification", "CheckpointConfig", "DebugHookConfig", "DebugRuleConfigurations",
        "Environment", "HyperParameters", "InputDataConfig",
    ),
    # What ClarifyCheckConfig, QualityCheckConfig and CheckJobConfig of the SDK become, but for where the results go.
    **dict.fromkeys(
        ("ClarifyCheck", "QualityCheck"),
        (
            "AppSpecification", "CheckType", "Environment", "ModelName", "ModelPackageGroupName", "NetworkConfig", "ProcessingInputs",
            "ProcessingResources", "RegisterNewBaseline", "RoleArn", "SkipCheck", "StoppingCondition", "SuppliedBaselineConstraints",
            "SuppliedBaselineStatistics",
        ),
    ),
    "Transform": ("DataProcessing", "Environment", "ModelName", "TransformInput"),
    "Tuning": (
        "HyperParameterTuningJobConfig", "TrainingJobDefinition.AlgorithmSpecification", "TrainingJobDefinition.HyperParameterRanges",
        "TrainingJobDefinition.InputDataConfig", "TrainingJobDefinition.StaticHyperParameters", "TrainingJobDefinition.TuningObjective",
        "TrainingJobDefinitions",
    ),
}  # fmt: skip
"""Step types that can be cached, with the attributes of their requests that count; a dot leads to an attribute within one."""


@dataclass(frozen=True)
class Decision:
    """``hit`` is the earlier run to reuse; without one, ``why`` says what is different."""

    key: Mapping[str, Any] | None
    hit: Record | None
    why: str


def decide(
    node: Node, request: Mapping[str, Any], *, pipeline: str, history: History, home: Home, enabled: bool
) -> Decision:
    """Whether an earlier run of the step can stand for this one."""
    config = node.request.get("CacheConfig") or {}
    if node.type not in KEY_ATTRIBUTES:
        return Decision(None, None, f"a {node.type} step is never cached")
    key = key_of(node.type, request)
    if not config.get("Enabled"):
        return Decision(key, None, "caching is off for this step")
    if not enabled:
        return Decision(key, None, "caching is off for this run")
    candidates = history.candidates(pipeline, node.name)
    same = [record for record in candidates if record.key == key]
    if not same:
        return Decision(key, None, _difference(candidates, key))
    return _usable(node, key, same[0], config, home)


def key_of(kind: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a request that count."""
    key: dict[str, Any] = {}
    for path in KEY_ATTRIBUTES[kind]:
        name, _, inner = path.partition(".")
        if not inner and name in request:
            key[name] = request[name]
        elif inner in request.get(name, {}):
            key.setdefault(name, {})[inner] = request[name][inner]
    return key


def _usable(node: Node, key: Mapping[str, Any], record: Record, config: Mapping[str, Any], home: Home) -> Decision:
    if text := config.get("ExpireAfter"):
        try:
            length = durations.parse(text)
        except ValueError as error:
            raise StepFailedError(f"ExpireAfter of step {node.name}: {error}") from error
        if time.time() - record.ended > length.total_seconds():
            return Decision(key, None, f"its outputs in execution {record.execution} are older than {text}")
    for uri in outputs(node.type, record.properties):
        if not home.path(uri).exists():
            return Decision(key, None, f"its output {uri} of execution {record.execution} is gone")
    return Decision(key, record, f"nothing has changed since execution {record.execution}")


def outputs(kind: str, properties: Mapping[str, Any]) -> list[str]:
    """The URIs that a finished step has written."""
    if kind in ("Processing", "ClarifyCheck", "QualityCheck"):
        found = properties.get("ProcessingOutputConfig", {}).get("Outputs", {})
        return [output["S3Output"]["S3Uri"] for output in found.values()]
    if kind == "Training":
        return [properties["ModelArtifacts"]["S3ModelArtifacts"]]
    if kind == "Transform":
        return [properties["TransformOutput"]["S3OutputPath"]]
    if kind == "Tuning":
        best = properties["BestTrainingJob"]
        several = properties.get("TrainingJobDefinitions") or [properties.get("TrainingJobDefinition")]
        number = best.get("TrainingJobDefinitionName")
        definition = next((entry for entry in several if entry.get("DefinitionName") == number), several[0])
        return [f"{definition['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{best['TrainingJobName']}/output/model.tar.gz"]
    return []


def _difference(candidates: Sequence[Record], key: Mapping[str, Any]) -> str:
    if not candidates:
        return "it has never succeeded here"
    last = candidates[0]
    changes = list(differences(last.key, key))
    return f"changed since execution {last.execution}: " + "; ".join(changes)


def differences(before: object, after: object, path: str = "") -> Iterator[str]:
    """The places at which two keys differ, in words."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted(before.keys() | after.keys()):
            where = f"{path}.{name}" if path else name
            if name not in before:
                yield f"{where} is new ({_short(after[name])})"
            elif name not in after:
                yield f"{where} is gone (was {_short(before[name])})"
            else:
                yield from differences(before[name], after[name], where)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (left, right) in enumerate(zip(before, after, strict=True)):
            yield from differences(left, right, f"{path}[{_label(number, left, right)}]")
    elif before != after:
        yield f"{path}: {_short(before)} → {_short(after)}"


def _label(number: int, left: object, right: object) -> str:
    """A list entry by its name, where it has one."""
    for key in ("InputName", "ChannelName", "Name"):
        if isinstance(left, Mapping) and isinstance(right, Mapping) and left.get(key) and left.get(key) == right.get(key):
            return str(left[key])
    return str(number)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 120 else f"{text[:80]}…{text[-36:]}"
