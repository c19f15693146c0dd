"""How much sooner a tuning job ends with two trials side by side than with one, on the same trials."""

import json
import os
import statistics
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.measure import python
from local_sagemaker import Home
from pipeline_definition import code_archives

_CLAIMS, _TRIALS, _SLOTS = 20_000, 4, 2
_REPEATS = 3
_IMAGE = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:3.2-0"


def tuning(folder: Path, rows: int) -> None:
    """Print the medians of both and of their ratio; ``rows`` is for other benchmarks."""
    print(f"\ntuning on {_CLAIMS:,} generated claims, {_TRIALS} trials on {_SLOTS} CPU slots, medians of {_REPEATS}, in turn")
    measure.run(python("fraud.main", "data", "--rows", _CLAIMS, "--out", folder / "some"))
    claims, customers = folder / "some/claims.csv", folder / "some/customers.csv"
    measure.run(python("training_code.preprocess", "--claims", claims, "--customers", customers, "--output", folder / "splits"))
    alone, together = [], []
    for number in range(_REPEATS):
        alone.append(_run(folder, f"alone{number}", parallel=1))
        together.append(_run(folder, f"together{number}", parallel=2))
    ratio = statistics.median(one / two for one, two in zip(alone, together, strict=True))
    print(f"one trial at a time  {statistics.median(alone):6.2f} s")
    print(f"two side by side     {statistics.median(together):6.2f} s   {ratio:.2f} × as fast")


def _run(folder: Path, name: str, *, parallel: int) -> float:
    home = Home(folder / name)
    for split in ("train", "validation"):
        _link(folder / "splits" / split, home.path(f"s3://data/{split}"))
    code = code_archives.source_distribution()
    file = home.path(f"s3://code/{code.file_name}")
    file.parent.mkdir(parents=True)
    file.write_bytes(code.content)
    definition = folder / f"{name}.json"
    definition.write_text(json.dumps({"Version": "2020-12-01", "Steps": [_step(code.file_name, parallel)]}))
    return measure.run(python("local_sagemaker", definition, "--home", home.folder, "--slots", _SLOTS)).seconds


def _link(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for file in source.iterdir():
        os.link(file, target / file.name)


def _step(archive: str, parallel: int) -> dict[str, Any]:
    """Random search, so that both ways try the same values."""
    metric = "out_of_fold:auc"
    ranges = {
        "IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "2", "MaxValue": "4"}],
        "ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.02", "MaxValue": "0.1", "ScalingType": "Logarithmic"}],
    }
    channels = {"train": "s3://data/train", "validation": "s3://data/validation", "code": f"s3://code/{archive}"}
    return {
        "Name": "Tune",
        "Type": "Tuning",
        "Arguments": {
            "HyperParameterTuningJobConfig": {
                "Strategy": "Random",
                "ResourceLimits": {"MaxNumberOfTrainingJobs": _TRIALS, "MaxParallelTrainingJobs": parallel},
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": metric},
                "ParameterRanges": ranges,
                "TrainingJobEarlyStoppingType": "Off",
                "RandomSeed": 7,
            },
            "TrainingJobDefinition": {
                "AlgorithmSpecification": {
                    "TrainingImage": _IMAGE, "TrainingInputMode": "File",
                    "MetricDefinitions": [{"Name": metric, "Regex": f"{metric}=([0-9.]+)"}],
                },
                "StaticHyperParameters": {
                    "sagemaker_program": "train.py",
                    "sagemaker_submit_directory": f"/opt/ml/input/data/code/{archive}",
                    # All of the rounds, so that no trial is over at once.
                    "num_round": "300", "early_stopping_rounds": "300",
                },
                "InputDataConfig": [
                    {"ChannelName": name, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}
                    for name, uri in channels.items()
                ],
                "OutputDataConfig": {"S3OutputPath": "s3://models"},
                "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
                "StoppingCondition": {"MaxRuntimeInSeconds": 600},
                "CheckpointConfig": {"S3Uri": "s3://checkpoints"},
                "RoleArn": "arn:aws:iam::000000000000:role/Tune",
            },
        },
    }  # fmt: skip
