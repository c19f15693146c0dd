"""A processing job: folders in, the container's command, folders out."""

import json
from collections.abc import Mapping
from typing import Any

from local_sagemaker.errors import StepFailedError
from local_sagemaker.history import Move
from local_sagemaker.jobs import base
from local_sagemaker.processes import Instance
from local_sagemaker.sandbox import Sandbox


def run(request: Mapping[str, Any], context: base.Context) -> base.Outcome:
    """Run CreateProcessingJob's request."""
    application = request["AppSpecification"]
    runtime = context.runtimes.for_image(application["ImageUri"])
    entrypoint = application.get("ContainerEntrypoint") or runtime.command
    if not entrypoint:
        raise StepFailedError(
            f"it has no ContainerEntrypoint, and what its image runs by itself is not known here: "
            f"{context.runtimes.how_to_say_command(application['ImageUri'])}"
        )
    command = base.interpreter([*entrypoint, *application.get("ContainerArguments", [])], runtime)
    count = base.instance_count(request["ProcessingResources"]["ClusterConfig"])
    sandboxes = context.sandboxes(count)
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    instances = []
    for number, (host, sandbox) in enumerate(sandboxes):
        _provide(request, context, sandbox, number, [name for name, _ in sandboxes])
        for output in outputs:
            folder = base.container_path(sandbox, output["S3Output"]["LocalPath"], f"output {output['OutputName']}")
            folder.mkdir(parents=True, exist_ok=True)
        own = base.python_path(runtime, context.home) | dict(runtime.environment) | dict(request.get("Environment", {}))
        instances.append(
            Instance(
                sandbox.command(command, "/"),
                sandbox.environment(own, max(1, context.threads // count)),
                context.folder / f"{host}.log",
                (sandbox.ml / "output/message",),
            )
        )
    context.processes.run(instances, base.time_limit(request))
    moves: list[Move] = [
        (sandbox.path(output["S3Output"]["LocalPath"]), context.home.path(output["S3Output"]["S3Uri"]))
        for _, sandbox in sandboxes
        for output in outputs
    ]
    by_name = {output["OutputName"]: output for output in outputs}
    properties = dict(request) | {
        "ProcessingJobName": context.job_name,
        "ProcessingJobStatus": "Completed",
        "ProcessingOutputConfig": {"Outputs": by_name},
        "ProcessingInputs": {entry["InputName"]: entry for entry in request.get("ProcessingInputs", [])},
    }
    return base.Outcome(properties, moves)


def _provide(request: Mapping[str, Any], context: base.Context, sandbox: Sandbox, number: int, hosts: list[str]) -> None:
    """Inputs and configuration of one instance."""
    for entry in request.get("ProcessingInputs", []):
        source = entry["S3Input"]
        target = base.container_path(sandbox, source["LocalPath"], f"input {entry['InputName']}")
        share = base.share_of(source.get("S3DataDistributionType"), number, len(hosts))
        context.home.download(source["S3Uri"], target, share=share)
    config = sandbox.ml / "config"
    config.mkdir()
    (sandbox.ml / "output").mkdir(exist_ok=True)
    cluster = request["ProcessingResources"]["ClusterConfig"]
    resources = {
        "current_host": hosts[number],
        "hosts": hosts,
        "current_instance_type": cluster["InstanceType"],
        "network_interface_name": "lo",
    }
    (config / "resourceconfig.json").write_text(json.dumps(resources))
    (config / "processingjobconfig.json").write_text(json.dumps(request))
