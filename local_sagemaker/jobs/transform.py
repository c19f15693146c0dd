"""A batch transform job: a model's handlers over the objects of a prefix."""

import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_sagemaker.errors import StepFailedError
from local_sagemaker.history import Move
from local_sagemaker.jobs import base
from local_sagemaker.models import Models
from local_sagemaker.processes import Instance
from local_sagemaker.registry import Registry
from local_sagemaker.sandbox import ML, Sandbox
from local_sagemaker.transform_host.filters import kind
from local_sagemaker.transform_host.paths import Path as JsonPath
from local_sagemaker.transform_host.paths import PathError

_HOST = Path(__file__).parent.parent / "transform_host"
_PROGRAM, _SUBMIT = "SAGEMAKER_PROGRAM", "SAGEMAKER_SUBMIT_DIRECTORY"
_MAX_PAYLOAD_MB, _DEFAULT_PAYLOAD_MB = 100, 6
_DEFAULT_TIMEOUT = 600
_STRATEGIES = {"MultiRecord": "MULTI_RECORD", "SingleRecord": "SINGLE_RECORD"}


def run(request: Mapping[str, Any], context: base.Context) -> base.Outcome:
    """Run CreateTransformJob's request."""
    options = _options(request)
    container = _container(str(request["ModelName"]), context)
    runtime = context.runtimes.for_image(container["Image"])
    uri = request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    objects = [(key, str(file)) for key, file in context.home.objects(uri)]
    if not objects:
        raise StepFailedError(f"there are no objects at {uri} (locally {context.home.path(uri)})")
    # An instance without an object would only load the model.
    count = min(base.instance_count(request["TransformResources"]), len(objects))
    instances = []
    for number, (host, sandbox) in enumerate(context.sandboxes(count)):
        code = _provide(container, context, sandbox)
        folder = context.folder / host / "output"
        folder.mkdir()
        spec = options | {
            "objects": objects[number::count],
            "output": str(folder),
            "failure": str(context.folder / f"{host}.failure"),
            "program": container["Environment"][_PROGRAM],
        }
        file = context.folder / f"{host}.json"
        file.write_text(json.dumps(spec))
        threads = max(1, context.threads // count)
        image = base.python_path(runtime, context.home) | dict(runtime.environment)
        own = image | container["Environment"] | _environment(request, options)
        instances.append(
            Instance(
                sandbox.command([runtime.python, str(_HOST), str(file), f"{ML}/model", code], "/"),
                sandbox.environment(own, threads),
                context.folder / f"{host}.log",
                (Path(spec["failure"]),),
            )
        )
    context.processes.run(instances, base.time_limit(request))
    output = request["TransformOutput"]["S3OutputPath"]
    folders = [context.folder / f"algo-{number + 1}" / "output" for number in range(count)]
    for number, (key, _) in enumerate(objects):
        if not (folders[number % count] / f"{key}.out").is_file():
            raise StepFailedError(f"the process ended without an error before object {key} was done")
    moves: list[Move] = [(folder, context.home.path(output)) for folder in folders]
    return base.Outcome(dict(request) | {"TransformJobName": context.job_name, "TransformJobStatus": "Completed"}, moves)


def _options(request: Mapping[str, Any]) -> dict[str, Any]:
    """The request in the worker's words, checked before anything starts.

    Raises:
        StepFailedError: something in it has no meaning, or none here.
    """
    source, target = request["TransformInput"], request["TransformOutput"]
    split, assemble = source.get("SplitType", "None"), target.get("AssembleWith", "None")
    data_type = source["DataSource"]["S3DataSource"].get("S3DataType", "S3Prefix")
    content_type = source.get("ContentType", "")
    _expect("SplitType", split, ("Line", "None"))
    _expect("AssembleWith", assemble, ("Line", "None"))
    _expect("S3DataType", data_type, ("S3Prefix",))
    _expect("CompressionType", source.get("CompressionType", "None"), ("None", "Gzip"))
    _expect("BatchStrategy", request.get("BatchStrategy", "MultiRecord"), tuple(_STRATEGIES))
    payload = int(request.get("MaxPayloadInMB", _DEFAULT_PAYLOAD_MB))
    concurrent = int(request.get("MaxConcurrentTransforms", 1))
    if not 0 <= payload * max(concurrent, 1) <= _MAX_PAYLOAD_MB:
        raise StepFailedError(
            f"MaxPayloadInMB {payload} times MaxConcurrentTransforms {concurrent} is more than {_MAX_PAYLOAD_MB}, which SageMaker refuses"
        )
    options = {
        "by_line": split == "Line",
        "is_multi_record": request.get("BatchStrategy", "MultiRecord") == "MultiRecord",
        # Without a limit (0) the service streams; here as much as the highest limit would let through.
        "max_payload_bytes": (payload or _MAX_PAYLOAD_MB) * 1024 * 1024,
        "is_assembled_by_line": assemble == "Line",
        "is_gzip": source.get("CompressionType") == "Gzip",
        "content_type": content_type,
        "accept": target.get("Accept") or content_type,
        "timeout_seconds": int(request.get("ModelClientConfig", {}).get("InvocationsTimeoutInSeconds", _DEFAULT_TIMEOUT)),
    }
    return options | _data_processing(request.get("DataProcessing", {}), options, split == assemble)


def _data_processing(asked: Mapping[str, Any], options: Mapping[str, Any], is_same_assembly: bool) -> dict[str, Any]:
    join = asked.get("JoinSource", "None")
    _expect("JoinSource", join, ("Input", "None"))
    filters = {"input_filter": asked.get("InputFilter") or "$", "output_filter": asked.get("OutputFilter") or "$"}
    try:
        is_used = join == "Input" or not all(JsonPath(text).is_everything for text in filters.values())
    except PathError as error:
        raise StepFailedError(f"DataProcessing: {error}") from error
    kinds = kind(options["content_type"]), kind(options["accept"])
    if is_used and (not kinds[0] or kinds[0] != kinds[1]):
        raise StepFailedError(
            f"DataProcessing works on CSV or on JSON in and out; ContentType is {options['content_type'] or 'not given'}, "
            f"Accept {options['accept'] or 'not given'}"
        )
    if join == "Input" and not is_same_assembly:
        raise StepFailedError("to join input and output, SplitType and AssembleWith must be the same")
    return filters | {"join": join == "Input"}


def _expect(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise StepFailedError(f"{name} is {value}; what runs here is {' or '.join(known)}")


def _container(model: str, context: base.Context) -> dict[str, Any]:
    """The model's one container, with the environment of script mode.

    Raises:
        StepFailedError: there is no such model, or it cannot be served here.
    """
    request = Models(context.history).find(model)
    containers = request.get("Containers") or [request["PrimaryContainer"]]
    if len(containers) != 1:
        raise StepFailedError(f"model {model} is an inference pipeline of {len(containers)} containers; only one can run here")
    container = dict(containers[0])
    if arn := container.get("ModelPackageName"):
        (specified,) = Registry(context.history).find(arn).request["InferenceSpecification"]["Containers"]
        container = specified | {name: value for name, value in container.items() if name != "ModelPackageName"}
    container["Environment"] = dict(container.get("Environment") or {})
    if not container.get("ModelDataUrl"):
        raise StepFailedError(f"model {model} has no ModelDataUrl, and so nothing to serve")
    if _PROGRAM not in container["Environment"]:
        raise StepFailedError(
            f"model {model} has no code: its environment has no {_PROGRAM}. "
            "What the image would serve by itself is not known here; only a script with model_fn is"
        )
    return container


def _provide(container: Mapping[str, Any], context: base.Context, sandbox: Sandbox) -> str:
    """Unpack the model, and the code where it is an archive of its own; the folder of the code in the container."""
    _unpack(context.home.path(container["ModelDataUrl"]), sandbox.ml / "model", container["ModelDataUrl"])
    source = container["Environment"].get(_SUBMIT) or f"{ML}/model/code"
    if "://" in source:
        archive = context.home.path(source)
    else:
        archive = base.container_path(sandbox, source, _SUBMIT)
        if archive.is_dir():
            return str(source)
    _unpack(archive, sandbox.ml / "code", source)
    return f"{ML}/code"


def _unpack(archive: Path, target: Path, source: str) -> None:
    target.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(target, filter="data")
    except FileNotFoundError as error:
        raise StepFailedError(f"there is nothing at {source}") from error
    except (OSError, tarfile.TarError) as error:
        raise StepFailedError(f"{source} cannot be unpacked: {error}") from error


def _environment(request: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a transform job, and its own."""
    return {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_BATCH_STRATEGY": _STRATEGIES[request.get("BatchStrategy", "MultiRecord")],
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(options["max_payload_bytes"] // 1024 // 1024),
    } | dict(request.get("Environment") or {})
