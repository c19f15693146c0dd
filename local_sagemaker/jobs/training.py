"""A training job: channels and hyperparameters in, a model archive out."""

import gzip
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_sagemaker import metrics
from local_sagemaker.algorithms import catalogue
from local_sagemaker.errors import StepFailedError
from local_sagemaker.history import Move
from local_sagemaker.jobs import base, script_mode
from local_sagemaker.processes import Instance, Watch
from local_sagemaker.runtimes import Runtime
from local_sagemaker.sandbox import ML, Sandbox

_PROJECT = Path(__file__).parent.parent.parent


def run(request: Mapping[str, Any], context: base.Context, watch: Watch | None = None) -> base.Outcome:
    """Run CreateTrainingJob's request; ``watch`` may end it before its time, by raising."""
    algorithm = request["AlgorithmSpecification"]
    if "TrainingImage" not in algorithm:
        raise StepFailedError("its AlgorithmSpecification has no TrainingImage; an algorithm resource cannot run locally")
    runtime = context.runtimes.for_image(algorithm["TrainingImage"])
    count = base.instance_count(request["ResourceConfig"])
    sandboxes = context.sandboxes(count)
    hosts = [host for host, _ in sandboxes]
    threads = max(1, context.threads // count)
    instances = []
    for number, (host, sandbox) in enumerate(sandboxes):
        _provide(request, context, sandbox, number, hosts)
        command, folder, variables = _entry(request, context, runtime, sandbox, hosts=hosts, host=host, threads=threads)
        common = base.python_path(runtime, context.home) | dict(runtime.environment) | {"TRAINING_JOB_NAME": context.job_name}
        instances.append(
            Instance(
                sandbox.command(command, folder),
                sandbox.environment(common | variables | dict(request.get("Environment", {})), threads),
                context.folder / f"{host}.log",
                (sandbox.ml / "output/failure",),
            )
        )
    context.processes.run(instances, base.time_limit(request), watch)
    return _outcome(request, context, [sandbox for _, sandbox in sandboxes])


def _entry(
    request: Mapping[str, Any], context: base.Context, runtime: Runtime, sandbox: Sandbox, *,
    hosts: list[str], host: str, threads: int,
) -> tuple[list[str], str, dict[str, str]]:  # fmt: skip
    """What an instance runs, in which folder, with which variables.

    In this order: the request's own entrypoint, the command that stands for
    the image, the script, the stand-in of a built-in algorithm.
    """
    algorithm = request["AlgorithmSpecification"]
    entrypoint, arguments = algorithm.get("ContainerEntrypoint"), algorithm.get("ContainerArguments")
    if entrypoint:
        return base.interpreter([*entrypoint, *(arguments or ())], runtime), f"{ML}/code", {}
    if runtime.command:
        return base.interpreter([*runtime.command, *(arguments or ["train"])], runtime), f"{ML}/code", {}
    if script_mode.PROGRAM in request.get("HyperParameters", {}):
        folder = script_mode.unpack_code(request, context.home, sandbox)
        variables = script_mode.environment(request, hosts=hosts, host=host, threads=threads)
        return script_mode.command(request, runtime.python), folder, variables
    if built_in := catalogue.for_image(algorithm["TrainingImage"]):
        packages = base.python_path(runtime, context.home).values()
        return [runtime.python, "-m", built_in.module], f"{ML}/code", {"PYTHONPATH": ":".join([str(_PROJECT), *packages])}
    raise StepFailedError(
        f"it has no hyperparameter {script_mode.PROGRAM}, and what its image runs by itself is not known here: "
        f"{context.runtimes.how_to_say_command(algorithm['TrainingImage'])}"
    )


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


def _outcome(request: Mapping[str, Any], context: base.Context, sandboxes: list[Sandbox]) -> base.Outcome:
    prefix = f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{context.job_name}/output"
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
        "TrainingJobName": context.job_name,
        "TrainingJobStatus": "Completed",
        "ModelArtifacts": {"S3ModelArtifacts": f"{prefix}/model.tar.gz"},
        "FinalMetricDataList": metrics.last_values(request["AlgorithmSpecification"], logs),
    }
    return base.Outcome(properties, moves)


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
