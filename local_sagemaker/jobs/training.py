"""A training job in script mode: channels and hyperparameters in, a model archive out."""

import gzip
import json
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_sagemaker.errors import StepFailedError
from local_sagemaker.history import Move
from local_sagemaker.jobs import base
from local_sagemaker.processes import Instance
from local_sagemaker.sandbox import ML, Sandbox

_PROGRAM, _SUBMIT = "sagemaker_program", "sagemaker_submit_directory"


def run(request: Mapping[str, Any], context: base.Context) -> base.Outcome:
    """Run CreateTrainingJob's request."""
    runtime = context.runtimes.for_image(request["AlgorithmSpecification"]["TrainingImage"])
    hyperparameters = {name: _decoded(value) for name, value in request.get("HyperParameters", {}).items()}
    if _PROGRAM not in hyperparameters:
        raise StepFailedError(f"it has no hyperparameter {_PROGRAM}: built-in algorithms have no local stand-in, only scripts run here")
    count = base.instance_count(request["ResourceConfig"])
    sandboxes = context.sandboxes(count)
    hosts = [host for host, _ in sandboxes]
    instances = []
    for number, (host, sandbox) in enumerate(sandboxes):
        _provide(request, context, sandbox, number, hosts)
        code = _unpack_code(str(hyperparameters.get(_SUBMIT, "")), context, sandbox)
        threads = max(1, context.threads // count)
        environment = base.python_path(runtime, context.home) | _environment(request, hyperparameters, hosts, number, threads, context)
        own = {name: value for name, value in hyperparameters.items() if not name.startswith("sagemaker_")}
        arguments = [text for name in sorted(own) for text in (f"--{name}", _argument(own[name]))]
        module = str(hyperparameters[_PROGRAM]).removesuffix(".py")
        instances.append(
            Instance(
                sandbox.command([runtime.python, "-m", module, *arguments], code),
                sandbox.environment(environment, threads),
                context.folder / f"{host}.log",
                (sandbox.ml / "output/failure",),
            )
        )
    context.processes.run(instances, base.time_limit(request))
    return _outcome(request, context, [sandbox for _, sandbox in sandboxes])


def _provide(request: Mapping[str, Any], context: base.Context, sandbox: Sandbox, number: int, hosts: list[str]) -> None:
    """Channels, configuration, checkpoints and empty output folders of one instance."""
    config = sandbox.ml / "input/config"
    for folder in (config, sandbox.ml / "model", sandbox.ml / "output/data", sandbox.ml / "code"):
        folder.mkdir(parents=True)
    channels = request.get("InputDataConfig", [])
    for channel in channels:
        source = channel["DataSource"]["S3DataSource"]
        share = base.share_of(source.get("S3DataDistributionType"), number, len(hosts))
        context.home.download(source["S3Uri"], sandbox.ml / "input/data" / channel["ChannelName"], share=share)
    if checkpoints := request.get("CheckpointConfig"):
        # Seen by the job as it is, and not copied at the end: what a killed job has saved is not lost.
        sandbox.share(context.home.path(checkpoints["S3Uri"]), checkpoints.get("LocalPath", f"{ML}/checkpoints"))
    instance_type = request["ResourceConfig"]["InstanceType"]
    files: dict[str, object] = {
        "hyperparameters": request.get("HyperParameters", {}),
        "inputdataconfig": {
            channel["ChannelName"]: {
                "TrainingInputMode": channel.get("InputMode", "File"),
                "S3DistributionType": channel["DataSource"]["S3DataSource"].get("S3DataDistributionType", "FullyReplicated"),
                "RecordWrapperType": channel.get("RecordWrapperType", "None"),
            }
            | ({"ContentType": channel["ContentType"]} if "ContentType" in channel else {})
            for channel in channels
        },
        "resourceconfig": {
            "current_host": hosts[number],
            "hosts": hosts,
            "current_instance_type": instance_type,
            "current_group_name": "homogeneousCluster",
            "instance_groups": [{"instance_group_name": "homogeneousCluster", "instance_type": instance_type, "hosts": hosts}],
            "network_interface_name": "lo",
        },
    }
    for name, content in files.items():
        (config / f"{name}.json").write_text(json.dumps(content))


def _unpack_code(source: str, context: base.Context, sandbox: Sandbox) -> str:
    """The folder, in the container, from which the program runs."""
    if not source:
        raise StepFailedError(f"it has no hyperparameter {_SUBMIT}")
    archive = next((file for _, file in context.home.objects(source)), None) if "://" in source else sandbox.path(source)
    if archive is None or not archive.exists():
        raise StepFailedError(f"there is no code at {source}")
    if archive.is_dir():
        return source
    with tarfile.open(archive) as tar:
        tar.extractall(sandbox.ml / "code", filter="data")
    return f"{ML}/code"


def _environment(
    request: Mapping[str, Any], hyperparameters: Mapping[str, Any], hosts: list[str], number: int, threads: int, context: base.Context
) -> dict[str, str]:
    """The variables of AWS's container toolkit, then the job's own."""
    own = {name: value for name, value in hyperparameters.items() if not name.startswith("sagemaker_")}
    channels = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    environment = {
        "SM_MODEL_DIR": f"{ML}/model",
        "SM_OUTPUT_DATA_DIR": f"{ML}/output/data",
        "SM_OUTPUT_DIR": f"{ML}/output",
        "SM_INPUT_DIR": f"{ML}/input",
        "SM_INPUT_CONFIG_DIR": f"{ML}/input/config",
        "SM_MODULE_DIR": str(hyperparameters.get(_SUBMIT, "")),
        "SM_MODULE_NAME": str(hyperparameters[_PROGRAM]).removesuffix(".py"),
        "SM_HOSTS": json.dumps(hosts),
        "SM_CURRENT_HOST": hosts[number],
        "SM_NUM_GPUS": "0",
        "SM_NUM_CPUS": str(threads),
        "SM_NETWORK_INTERFACE_NAME": "lo",
        "SM_CHANNELS": json.dumps(sorted(channels)),
        "SM_HPS": json.dumps(own, sort_keys=True),
        "TRAINING_JOB_NAME": _job_name(context),
    }
    environment |= {f"SM_CHANNEL_{name.upper()}": f"{ML}/input/data/{name}" for name in channels}
    environment |= {f"SM_HP_{name.upper()}": _argument(value) for name, value in own.items()}
    return environment | dict(request.get("Environment", {}))


def _outcome(request: Mapping[str, Any], context: base.Context, sandboxes: list[Sandbox]) -> base.Outcome:
    prefix = f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{_job_name(context)}/output"
    archives = {"model.tar.gz": "model", "output.tar.gz": "output/data"}
    moves: list[Move] = []
    for name, folder in archives.items():
        files = {
            file.relative_to(sandbox.ml / folder).as_posix(): file
            for sandbox in sandboxes
            for file in sorted((sandbox.ml / folder).rglob("*"))
            if file.is_file()
        }
        if files or name == "model.tar.gz":
            _pack(files, context.folder / name)
            moves.append((context.folder / name, context.home.path(f"{prefix}/{name}")))
    logs = [(context.folder / f"algo-{number + 1}.log") for number in range(len(sandboxes))]
    properties = dict(request) | {
        "TrainingJobName": _job_name(context),
        "TrainingJobStatus": "Completed",
        "ModelArtifacts": {"S3ModelArtifacts": f"{prefix}/model.tar.gz"},
        "FinalMetricDataList": _metrics(request["AlgorithmSpecification"], logs),
    }
    return base.Outcome(properties, moves)


def _metrics(algorithm: Mapping[str, Any], logs: list[Path]) -> list[dict[str, Any]]:
    """The last value of each metric definition in the logs."""
    text = "\n".join(log.read_text(errors="replace") for log in logs if log.exists())
    found = []
    for definition in algorithm.get("MetricDefinitions", []):
        values = re.findall(definition["Regex"], text)
        if values:
            last = values[-1] if isinstance(values[-1], str) else values[-1][0]
            found.append({"MetricName": definition["Name"], "Value": float(last)})
    return found


def _job_name(context: base.Context) -> str:
    return f"pipelines-{context.execution}-{context.name}"[:63]


def _decoded(value: object) -> Any:
    """A hyperparameter as the toolkit reads it: JSON where it is JSON, else text."""
    try:
        return json.loads(str(value))
    except ValueError:
        return value


def _argument(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _pack(files: Mapping[str, Path], archive: Path) -> None:
    """A tarball whose bytes depend on the files' names and contents alone."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = files[name].stat().st_size, 0o644
            with files[name].open("rb") as stream:
                tar.addfile(entry, stream)
