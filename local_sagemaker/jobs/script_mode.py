"""What AWS's container toolkit does for a script: unpacks the code, and passes hyperparameters and variables."""

import json
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

from local_sagemaker.errors import StepFailedError
from local_sagemaker.home import Home
from local_sagemaker.sandbox import ML, Sandbox

PROGRAM = "sagemaker_program"
_SUBMIT = "sagemaker_submit_directory"
_TUNING_METRIC = "_tuning_objective_metric"


def command(request: Mapping[str, Any], python: str) -> list[str]:
    """``python -m MODULE --name value …``, with the names in order."""
    hyperparameters = _hyperparameters(request)
    own = _own(hyperparameters)
    arguments = [text for name in sorted(own) for text in (f"--{name}", _argument(own[name]))]
    return [python, "-m", _module(hyperparameters), *arguments]


def unpack_code(request: Mapping[str, Any], home: Home, sandbox: Sandbox) -> str:
    """The folder, in the container, from which the program runs."""
    source = str(_hyperparameters(request).get(_SUBMIT, ""))
    if not source:
        raise StepFailedError(f"it has no hyperparameter {_SUBMIT}")
    archive = next((file for _, file in home.objects(source)), None) if "://" in source else sandbox.path(source)
    if archive is None or not archive.exists():
        raise StepFailedError(f"there is no code at {source}")
    if archive.is_dir():
        return source
    with tarfile.open(archive) as tar:
        tar.extractall(sandbox.ml / "code", filter="data")
    return f"{ML}/code"


def environment(request: Mapping[str, Any], *, hosts: Sequence[str], host: str, threads: int) -> dict[str, str]:
    """The toolkit's variables, of which those of hyperparameters and channels have their names."""
    hyperparameters = _hyperparameters(request)
    own = _own(hyperparameters)
    channels = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    variables = {
        "SM_MODEL_DIR": f"{ML}/model",
        "SM_OUTPUT_DATA_DIR": f"{ML}/output/data",
        "SM_OUTPUT_DIR": f"{ML}/output",
        "SM_INPUT_DIR": f"{ML}/input",
        "SM_INPUT_CONFIG_DIR": f"{ML}/input/config",
        "SM_MODULE_DIR": str(hyperparameters.get(_SUBMIT, "")),
        "SM_MODULE_NAME": _module(hyperparameters),
        "SM_HOSTS": json.dumps(list(hosts)),
        "SM_CURRENT_HOST": host,
        "SM_NUM_GPUS": str(_gpus(request["ResourceConfig"]["InstanceType"])),
        "SM_NUM_CPUS": str(threads),
        "SM_NETWORK_INTERFACE_NAME": "lo",
        "SM_CHANNELS": json.dumps(sorted(channels)),
        "SM_HPS": json.dumps(own, sort_keys=True),
    }
    variables |= {f"SM_CHANNEL_{name.upper()}": f"{ML}/input/data/{name}" for name in channels}
    return variables | {f"SM_HP_{name.upper()}": _argument(value) for name, value in own.items()}


def _hyperparameters(request: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _decoded(value) for name, value in request.get("HyperParameters", {}).items()}


def _own(hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    """Those for the script: the rest speaks to the toolkit, which keeps it for itself."""
    return {name: value for name, value in hyperparameters.items() if not name.startswith("sagemaker_") and name != _TUNING_METRIC}


def _module(hyperparameters: Mapping[str, Any]) -> str:
    return str(hyperparameters[PROGRAM]).removesuffix(".py")


def _decoded(value: object) -> Any:
    """A hyperparameter as the toolkit reads it: JSON where it is JSON, else text."""
    try:
        return json.loads(str(value))
    except ValueError:
        return value


def _argument(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _gpus(instance_type: str) -> int:
    """This machine's, where the instance type is of a family that has any (ml.p…, ml.g…)."""
    if not instance_type.removeprefix("ml.").startswith(("p", "g")):
        return 0
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())
