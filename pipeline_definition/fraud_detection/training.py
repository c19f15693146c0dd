"""Training jobs: the default, the trials of a search, and the reference of a mitigation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline_definition.expressions import uri
from pipeline_definition.fraud_detection.context import Context, read
from pipeline_definition.fraud_detection.preparation import script_hyperparameters
from pipeline_definition.policies import JOB_RETRIES
from pipeline_definition.steps import Channel, Metric, ProcessingStep, Range, Strategy, TrainingStep, TuningStep
from settings import training as options
from settings.training import Algorithm
from training_code.claims import schema

_METRICS = ("validation:auc", "validation:logloss", "out_of_fold:auc", "out_of_fold:average_precision")
_PARQUET, _CSV = "application/x-parquet", "text/csv"
_FOLDS = 5
"""How often a trial tells its objective: once a fold."""

_LONGEST_WAIT_WITHOUT_CHECKPOINTS = 3600
"""The service lets a job on Spot wait no longer if its algorithm cannot go on from where it was interrupted."""

_DEFAULTS: Mapping[Algorithm, Mapping[str, str]] = {
    # As the script's: many shallow trees with a small step.
    Algorithm.BUILT_IN_XGBOOST: {
        "objective": "binary:logistic", "eval_metric": "auc,logloss", "num_round": "600", "early_stopping_rounds": "100",
        "max_depth": "2", "eta": "0.02", "subsample": "0.8", "colsample_bytree": "0.5", "min_child_weight": "5", "lambda": "5", "seed": "7",
    },
    Algorithm.LINEAR_LEARNER: {
        "predictor_type": "binary_classifier", "feature_dim": str(len(schema.FEATURES)), "positive_example_weight_mult": "balanced",
        # The features come scaled, so that the weights are those of what the model is given.
        "normalize_data": "false",
    },
    Algorithm.KMEANS: {"k": "10", "feature_dim": str(len(schema.FEATURES))},
}  # fmt: skip


def train(context: Context, splits: ProcessingStep) -> TrainingStep:
    algorithm = context.settings.training.algorithm
    description = {
        Algorithm.XGBOOST: "Boost trees with early stopping, and measure out of fold",
        Algorithm.LOGISTIC_REGRESSION: "Fit a logistic regression, and measure out of fold",
    }.get(algorithm, f"Train with {algorithm}")
    return TrainingStep(name="Train", description=description, **_job(context, splits, "Train"))


def train_reference(context: Context, splits: ProcessingStep) -> TrainingStep:
    """The model without mitigation, to compare with."""
    job = _job(context, splits, "TrainReference", is_reference=True)
    return TrainingStep(name="TrainReference", description="Train once more, without mitigation", **job)


@dataclass(frozen=True)
class Tuned:
    """The search, and where its best model lies."""

    step: TuningStep
    best_model: object


def tune(context: Context, splits: ProcessingStep) -> Tuned:
    wanted = context.settings.training.tuning
    assert wanted is not None
    job = _job(context, splits, "Tune")
    policies = {name: job.pop(name) for name in ("retries", "caching")}
    step = TuningStep(
        name="Tune",
        description=f"Search for better hyperparameters: {wanted.strategy}",
        trial=TrainingStep(name="Trial", **job),
        ranges=[_range(name, entry) for name, entry in wanted.ranges.items()],
        objective=wanted.objective,
        strategy=Strategy(wanted.strategy),
        max_jobs=wanted.max_trials,
        max_parallel_jobs=wanted.parallel_trials,
        early_stopping=wanted.early_stopping,
        resources=(1, _FOLDS),
        seed=wanted.seed,
        **policies,
    )
    return Tuned(step, step.best_model(context.run_uri("Tune")))


def select_model(context: Context, default: TrainingStep, tuned: Tuned) -> ProcessingStep:
    wanted = context.settings.training.tuning
    assert wanted is not None
    return context.processing(
        "SelectModel",
        description="Pass on the default's model or the best trial's, whichever has the better objective",
        inputs=[read("default", default.model_artifacts), read("tuned", tuned.best_model)],
        arguments=["--objective", wanted.objective],
        outputs=["model", "selection"],
    )


def _job(context: Context, splits: ProcessingStep, name: str, *, is_reference: bool = False) -> dict[str, Any]:
    """What every training job of this pipeline is given."""
    resources, training, job = context.resources, context.settings.training, context.job("train")
    seconds = job.max_runtime_minutes * 60
    is_script = training.algorithm.is_script
    wait = 2 * seconds if training.algorithm.has_checkpoints else _LONGEST_WAIT_WITHOUT_CHECKPOINTS
    return {
        "image": resources.image[name],
        "role": resources.role[name],
        "instance_type": context.parameters.types["train"],
        "instance_count": context.parameters.counts.get("train", 1),
        "volume_gb": job.volume_gb,
        "volume_key": context.volume_key(job),
        "output_key": resources.key,
        "max_runtime_seconds": seconds,
        "use_spot": training.use_spot,
        "max_wait_seconds": wait if training.use_spot else None,
        "network": resources.network,
        "tags": resources.tags,
        # The image builds the code before it runs it; with isolation the build would want a network.
        "environment": {"PIP_NO_BUILD_ISOLATION": "0"} if is_script else {},
        "hyperparameters": _hyperparameters(context, is_reference=is_reference),
        "channels": _channels(context, splits),
        "metrics": [Metric(name=metric, regex=rf"{metric}=([0-9.]+)") for metric in _METRICS] if is_script else [],
        "output_uri": context.run_uri(name),
        # Stable, because it is part of the cache key; the files inside carry a fingerprint.
        "checkpoint_uri": uri(f"s3://{resources.artifact_bucket}", "checkpoints", name) if training.algorithm.has_checkpoints else None,
        "retries": JOB_RETRIES,
        "caching": context.caching,
    }


def _hyperparameters(context: Context, *, is_reference: bool) -> dict[str, str]:
    training = context.settings.training
    if not training.algorithm.is_script:
        return {**_DEFAULTS.get(training.algorithm, {}), **{name: str(value) for name, value in training.hyperparameters.items()}}
    return {
        "sagemaker_program": "train.py",
        # The container would fetch an S3 URI by itself, which isolation forbids: a channel brings it.
        "sagemaker_submit_directory": f"/opt/ml/input/data/code/{context.resources.code['Train'].file_name}",
        **script_hyperparameters(context, is_reference=is_reference),
    }


def _channels(context: Context, splits: ProcessingStep) -> Sequence[Channel]:
    algorithm = context.settings.training.algorithm
    # With several instances each takes its share; one takes all.
    is_sharded = "train" in context.parameters.counts
    if algorithm is Algorithm.KMEANS:
        return [Channel(name="train", uri=splits.output("algorithm_train"), content_type=f"{_CSV};label_size=0")]
    if algorithm.is_built_in:
        return [
            Channel(name="train", uri=splits.output("algorithm_train"), content_type=_CSV, sharded=is_sharded),
            Channel(name="validation", uri=splits.output("algorithm_validation"), content_type=_CSV),
        ]
    channels = [
        Channel(name="train", uri=splits.output("train"), content_type=_PARQUET, sharded=is_sharded),
        Channel(name="validation", uri=splits.output("validation"), content_type=_PARQUET),
    ]
    return [*channels, Channel(name="code", uri=context.resources.code["Train"].uri)] if algorithm.is_script else channels


def _range(name: str, entry: options.Range) -> Range:
    return Range(name=name, low=entry.low, high=entry.high, choices=entry.choices, scaling=entry.scaling)
