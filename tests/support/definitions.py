"""Small pipeline definitions whose steps are scripts that a test writes."""

import hashlib
import io
import json
import tarfile
import textwrap
from pathlib import Path
from typing import Any

from local_sagemaker import Definition, Execution, Home, Options, Result

IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:3.2-0"
ROLE = "arn:aws:iam::123456789012:role/Job"
ML = "/opt/ml/processing"
Step = dict[str, Any]


def put(home: Home, uri: str, content: str | bytes) -> str:
    path = home.path(uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return uri


def processing(
    home: Home, name: str, script: str, *, inputs: dict[str, Any] | None = None, outputs: tuple[str, ...] = ("out",),
    arguments: tuple[Any, ...] = (), cached: bool = False, instances: int = 1, seconds: int = 60, environment: dict[str, str] | None = None,
    sharded: bool = False, **more: Any,
) -> Step:  # fmt: skip
    """A Processing step that runs ``script`` with its outputs at ``/opt/ml/processing/output/NAME``."""
    text = textwrap.dedent(script)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    put(home, f"s3://code/{name}/{digest}/run.py", text)
    sources = (inputs or {}) | {"code": f"s3://code/{name}/{digest}"}
    step: Step = {
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": instances, "VolumeSizeInGB": 1}
            },
            "AppSpecification": {
                "ImageUri": IMAGE,
                "ContainerEntrypoint": ["python3", f"{ML}/input/code/run.py"],
                **({"ContainerArguments": list(arguments)} if arguments else {}),
            },
            "RoleArn": ROLE,
            "Environment": environment or {},
            "ProcessingInputs": [
                {
                    "InputName": key,
                    "S3Input": {
                        "S3Uri": uri, "LocalPath": f"{ML}/input/{key}", "S3DataType": "S3Prefix", "S3InputMode": "File",
                        "S3DataDistributionType": "ShardedByS3Key" if sharded and key != "code" else "FullyReplicated",
                    },
                }
                for key, uri in sources.items()
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": output,
                        "S3Output": {
                            "S3Uri": _run_uri(name, output),
                            "LocalPath": f"{ML}/output/{output}",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                    for output in outputs
                ]
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": seconds},
        },
    }  # fmt: skip
    if cached:
        step["CacheConfig"] = {"Enabled": True, "ExpireAfter": "P30D"}
    return step | more


def _run_uri(*parts: str) -> dict[str, Any]:
    return {"Std:Join": {"On": "/", "Values": ["s3://runs", {"Get": "Execution.PipelineExecutionId"}, *parts]}}


def training(home: Home, name: str, script: str, *, hyperparameters: dict[str, str] | None = None, **more: Any) -> Step:
    """A Training step in script mode, its code as a channel."""
    buffer = io.BytesIO()
    content = textwrap.dedent(script).encode()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo("entry.py")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    put(home, f"s3://code/{name}/sourcedir.tar.gz", buffer.getvalue())
    put(home, "s3://data/train/a.csv", "1,2\n")
    return {
        "Name": name,
        "Type": "Training",
        "Arguments": {
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE, "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
            },
            "HyperParameters": {
                "sagemaker_program": "entry.py",
                "sagemaker_submit_directory": "/opt/ml/input/data/code/sourcedir.tar.gz",
            } | (hyperparameters or {}),
            "InputDataConfig": [
                {"ChannelName": key, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}
                for key, uri in {"train": "s3://data/train", "code": f"s3://code/{name}/sourcedir.tar.gz"}.items()
            ],
            "OutputDataConfig": {"S3OutputPath": "s3://models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            "RoleArn": ROLE,
        } | more,
    }  # fmt: skip


def output(step: str, name: str = "out") -> dict[str, str]:
    """The URI of a step's output, as a later step refers to it."""
    return {"Get": f"Steps.{step}.ProcessingOutputConfig.Outputs['{name}'].S3Output.S3Uri"}


def definition(*steps: Step, parameters: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {"Version": "2020-12-01", "Parameters": list(parameters), "Steps": list(steps)}


def run(
    home: Home, *steps: Step, parameters: tuple[dict[str, Any], ...] = (), overrides: dict[str, Any] | None = None, **options: Any
) -> Result:
    parsed = Definition.parse(json.loads(json.dumps(definition(*steps, parameters=parameters))))
    return Execution(parsed, home, overrides=overrides, options=Options(**({"pipeline": "test", "slots": 2} | options))).run()


def statuses(result: Result) -> dict[str, str]:
    return {step.name: "Cached" if step.is_cached else step.status for step in result.steps}


def content(home: Home, result: Result, step: str, file: str, name: str = "out") -> str:
    uri = result.step(step).properties["ProcessingOutputConfig"]["Outputs"][name]["S3Output"]["S3Uri"]
    return Path(home.path(uri), file).read_text()


def archive(home: Home, uri: str, files: dict[str, str]) -> str:
    """A ``.tar.gz`` of some files at ``uri``."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            content = textwrap.dedent(text).encode()
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return put(home, uri, buffer.getvalue())


def model(
    home: Home, script: str, *, name: str = "Create", image: str = IMAGE, files: dict[str, str] | None = None,
    environment: dict[str, str] | None = None,
) -> Step:  # fmt: skip
    """A Model step whose archive has ``script`` as its inference code."""
    digest = hashlib.sha256(json.dumps([script, files]).encode()).hexdigest()[:12]
    uri = archive(home, f"s3://models/{digest}/model.tar.gz", {"code/inference.py": script} | (files or {}))
    own = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"} if environment is None else environment
    container = {"Image": image, "ModelDataUrl": uri, "Environment": own}
    return {"Name": name, "Type": "Model", "Arguments": {"ExecutionRoleArn": ROLE, "PrimaryContainer": container}}


def transform(
    name: str = "Batch", *, uri: str = "s3://data/in/", model_name: Any = None, source: dict[str, Any] | None = None,
    target: dict[str, Any] | None = None, instances: int = 1, **more: Any,
) -> Step:  # fmt: skip
    """A Transform step over the lines of ``uri`` with what the step Create has made."""
    location = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}
    return {
        "Name": name,
        "Type": "Transform",
        "Arguments": {
            "ModelName": model_name or {"Get": "Steps.Create.ModelName"},
            "TransformInput": {"DataSource": location, "ContentType": "text/csv", "SplitType": "Line"} | (source or {}),
            "TransformOutput": {"S3OutputPath": _run_uri(name), "Accept": "text/csv", "AssembleWith": "Line"} | (target or {}),
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": instances},
            "BatchStrategy": "MultiRecord",
            "MaxPayloadInMB": 6,
        } | more,
    }  # fmt: skip


def tuning(
    home: Home, name: str, script: str, *, ranges: dict[str, Any] | None = None, config: dict[str, Any] | None = None,
    trials: int = 4, parallel: int = 2, metric: str = "loss", kind: str = "Minimize", static: dict[str, str] | None = None, **more: Any,
) -> Step:  # fmt: skip
    """A Tuning step whose trials run ``script``, which prints ``loss=VALUE``; ``more`` is of their training job."""
    job = training(home, name, script)["Arguments"] | more
    hyperparameters = job.pop("HyperParameters")
    x = {"Name": "x", "MinValue": "0.0", "MaxValue": "1.0"}
    return {
        "Name": name,
        "Type": "Tuning",
        "Arguments": {
            "HyperParameterTuningJobConfig": {
                "Strategy": "Random",
                "ResourceLimits": {"MaxNumberOfTrainingJobs": trials, "MaxParallelTrainingJobs": parallel},
                "HyperParameterTuningJobObjective": {"Type": kind, "MetricName": metric},
                "ParameterRanges": ranges if ranges is not None else {"ContinuousParameterRanges": [x]},
                "TrainingJobEarlyStoppingType": "Off",
                "RandomSeed": 7,
            } | (config or {}),
            "TrainingJobDefinition": job | {"StaticHyperParameters": hyperparameters | (static or {})},
        },
    }  # fmt: skip
