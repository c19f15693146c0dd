"""What each job of a definition reads and writes in S3, so that its role can be given just that.

Patterns are S3 URIs in which ``*`` stands for what only a run knows: its
execution id, the name of a training job.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline_definition.errors import DefinitionError
from pipeline_definition.pipeline import walk

ROLE_TYPES = ("Processing", "Training", "Tuning", "Model")
"""Step types that are given a role."""

_MODEL = "/model.tar.gz"


@dataclass(frozen=True)
class Access:
    """``parameters`` are the pipeline parameters that name further places to read from.

    A pattern that ends with ``/`` stands for all that lies below it.
    """

    reads: frozenset[str] = field(default_factory=frozenset)
    writes: frozenset[str] = field(default_factory=frozenset)
    parameters: frozenset[str] = field(default_factory=frozenset)


def of_jobs(definition: Mapping[str, Any]) -> dict[str, Access]:
    """By step, for every step with a role. A model's role is also that of the transforms that use the model.

    Raises:
        DefinitionError: an input whose place cannot be told from the definition.
    """
    steps = {step["Name"]: step for step in walk(definition["Steps"])}
    return {name: _access(step, steps) for name, step in steps.items() if step["Type"] in ROLE_TYPES}


def of_pipeline(definition: Mapping[str, Any]) -> Access:
    """What the pipeline itself reads: files of values that it looks at, and what it registers."""
    steps = {step["Name"]: step for step in walk(definition["Steps"])}
    reads: set[str] = set()
    for step in steps.values():
        for file in step.get("PropertyFiles", ()):
            reads.add(f"{_output(step, file['OutputName'], steps)}/{file['FilePath']}")
        if step["Type"] == "RegisterModel":
            reads |= {place for uri in _uris(step["Arguments"]) for place, _ in [_place(uri, steps)] if place}
    return Access(reads=frozenset(reads))


def _access(step: Mapping[str, Any], steps: Mapping[str, Any]) -> Access:
    reads, parameters, writes = set(), set(), set()
    for arguments in _requests(step, steps):
        for uri in _inputs(arguments):
            place, parameter = _place(uri, steps)
            if parameter:
                parameters.add(parameter)
            else:
                # A literal URI is one object, all else is a prefix that a step has filled.
                reads.add(place if isinstance(uri, str) or place.endswith(_MODEL) else f"{place}/")
        for uri in _outputs(arguments):
            writes.add(f"{_place(uri, steps)[0]}/")
        if checkpoints := arguments.get("CheckpointConfig"):
            place = f"{_place(checkpoints['S3Uri'], steps)[0]}/"
            reads.add(place)
            writes.add(place)
    return Access(frozenset(reads), frozenset(writes), frozenset(parameters))


def _requests(step: Mapping[str, Any], steps: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The requests that a step's role is used for."""
    arguments = step["Arguments"]
    if step["Type"] == "Tuning":
        yield from (trial for trial in [arguments.get("TrainingJobDefinition"), *arguments.get("TrainingJobDefinitions", ())] if trial)
        return
    yield arguments
    if step["Type"] == "Model":
        name = {"Get": f"Steps.{step['Name']}.ModelName"}
        yield from (each["Arguments"] for each in steps.values() if each["Type"] == "Transform" and each["Arguments"]["ModelName"] == name)


def _inputs(arguments: Mapping[str, Any]) -> Iterator[Any]:
    for entry in arguments.get("ProcessingInputs", ()):
        yield entry["S3Input"]["S3Uri"]
    for channel in arguments.get("InputDataConfig", ()):
        yield channel["DataSource"]["S3DataSource"]["S3Uri"]
    for container in [arguments.get("PrimaryContainer"), *arguments.get("Containers", ())]:
        if container and "ModelDataUrl" in container:
            yield container["ModelDataUrl"]
    if source := arguments.get("TransformInput"):
        yield source["DataSource"]["S3DataSource"]["S3Uri"]


def _outputs(arguments: Mapping[str, Any]) -> Iterator[Any]:
    for entry in arguments.get("ProcessingOutputConfig", {}).get("Outputs", ()):
        yield entry["S3Output"]["S3Uri"]
    for config in (arguments.get("OutputDataConfig"), arguments.get("TransformOutput")):
        if config:
            yield config["S3OutputPath"]


def _uris(value: Any) -> Iterator[Any]:
    """The values of all keys that hold URIs in a request to register a model."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in ("S3Uri", "ModelDataUrl"):
                yield inner
            else:
                yield from _uris(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _uris(inner)


def _place(uri: Any, steps: Mapping[str, Any]) -> tuple[str, str | None]:
    """The pattern of an URI, or the parameter that holds it."""
    if isinstance(uri, str):
        return uri, None
    if "Std:Join" in uri:
        join = uri["Std:Join"]
        return str(join["On"]).join(_place(part, steps)[0] for part in join["Values"]), None
    target = str(uri["Get"])
    kind, _, rest = target.partition(".")
    if kind == "Parameters":
        return "*", rest
    if kind == "Execution":
        return "*", None
    name, _, path = rest.partition(".")
    if path == "ModelArtifacts.S3ModelArtifacts":
        return f"{_place(steps[name]['Arguments']['OutputDataConfig']['S3OutputPath'], steps)[0]}/*/output{_MODEL}", None
    if path.endswith(".TrainingJobName"):
        return "*", None
    if path.startswith("ProcessingOutputConfig.Outputs['"):
        return _output(steps[name], path.split("'")[1], steps), None
    raise DefinitionError(f"the place of {target} in S3 cannot be told from the definition")


def _output(step: Mapping[str, Any], name: str, steps: Mapping[str, Any]) -> str:
    for entry in step["Arguments"]["ProcessingOutputConfig"]["Outputs"]:
        if entry["OutputName"] == name:
            return _place(entry["S3Output"]["S3Uri"], steps)[0]
    raise DefinitionError(f"step {step['Name']} has no output {name}")
