"""The fraud-detection pipeline.

Preprocess → Train → Evaluate → Package → QualityGate → Register | Reject
"""

from typing import Any

from pipeline_definition import parameters as p
from pipeline_definition.conditions import Condition, at_least
from pipeline_definition.expressions import ExecutionVariable, Join, text, uri
from pipeline_definition.instances import has_local_disks
from pipeline_definition.pipeline import Pipeline
from pipeline_definition.policies import JOB_RETRIES, REQUEST_RETRIES, Caching
from pipeline_definition.resources import Resources
from pipeline_definition.steps import (
    Channel,
    ConditionStep,
    FailStep,
    Input,
    Metric,
    Output,
    ProcessingStep,
    PropertyFile,
    RegisterModelStep,
    Step,
    TrainingStep,
)
from settings import Settings
from settings.jobs import Job

JOB_STEPS = ("Preprocess", "Train", "Evaluate", "Package")
"""The steps that have a role, an image and an archive of code of their own."""

IMAGE = dict.fromkeys(JOB_STEPS, "XGBoost")
"""The managed image of each of them: one has all that every step needs."""

SERVING_CODE = "Serve"
"""The key of the inference code among ``Resources.code``."""

_PROCESSING = "/opt/ml/processing"
_EVALUATION = "Evaluation"


def build(settings: Settings, resources: Resources) -> dict[str, Any]:
    """The definition as JSON-ready data.

    Raises:
        DefinitionError: settings and resources do not make a valid pipeline.
    """
    return _FraudDetection(settings, resources).pipeline().to_definition()


class _FraudDetection:
    """Builds the steps; each method is one step."""

    def __init__(self, settings: Settings, resources: Resources) -> None:
        self._settings = settings
        self._resources = resources
        gate = settings.gate
        self._claims = p.string("ClaimsUri", resources.claims_uri)
        self._customers = p.string("CustomersUri", resources.customers_uri)
        self._capacity = p.number("ReviewCapacity", settings.review_capacity)
        self._approval = p.string(
            "ModelApprovalStatus", settings.approval_status,
            allowed=("PendingManualApproval", "Approved", "Rejected"),
        )  # fmt: skip
        # Whoever starts a run resolves it from the registry.
        self._champion = p.string("ChampionModelUri", "")
        self._auc = p.number("MinimumAucLowerBound", gate.minimum_auc_lower_bound)
        self._average_precision = p.number("MinimumAveragePrecision", gate.minimum_average_precision)
        self._recall = p.number("MinimumRecallAtCapacity", gate.minimum_recall)
        self._types = {step: p.string(f"{step}InstanceType", self._job(step).instance_type) for step in JOB_STEPS}
        self._preprocess_count = p.integer("PreprocessInstanceCount", settings.jobs.preprocess.instance_count)

    def pipeline(self) -> Pipeline:
        preprocess = self._preprocess()
        train = self._train(preprocess)
        evaluate = self._evaluate(preprocess, train)
        package = self._package(train, evaluate)
        return Pipeline(
            parameters=[
                self._claims, self._customers, self._capacity, self._approval, self._champion,
                self._auc, self._average_precision, self._recall,
                *self._types.values(), self._preprocess_count,
            ],
            steps=[preprocess, train, evaluate, package, self._quality_gate(evaluate, package)],
        )  # fmt: skip

    def _preprocess(self) -> ProcessingStep:
        split = self._settings.split
        return self._processing(
            "Preprocess",
            description="Join claims to customers, quarantine bad rows, encode, split by policy",
            instance_count=self._preprocess_count,
            inputs=[
                Input(name="claims", uri=self._claims, path=f"{_PROCESSING}/input/claims", sharded=True),
                Input(name="customers", uri=self._customers, path=f"{_PROCESSING}/input/customers"),
                Input(name="wheelhouse", uri=self._resources.wheelhouse_uri, path=f"{_PROCESSING}/input/wheelhouse"),
            ],
            arguments=[
                "--salt", split.salt,
                "--validation", str(split.validation),
                "--test", str(split.test),
                "--max-quarantined", str(self._settings.max_quarantined),
            ],
            outputs=["train", "validation", "test", "quality"],
        )  # fmt: skip

    def _train(self, preprocess: ProcessingStep) -> TrainingStep:
        code = self._resources.code["Train"]
        job = self._job("Train")
        own = {name: str(value) for name, value in self._settings.training.hyperparameters.items()}
        seconds = job.max_runtime_minutes * 60
        return TrainingStep(
            name="Train",
            description="Boost trees with early stopping, and measure out of fold",
            image=self._resources.image["Train"],
            role=self._resources.role["Train"],
            instance_type=self._types["Train"],
            volume_gb=job.volume_gb,
            volume_key=self._volume_key(job),
            output_key=self._resources.key,
            max_runtime_seconds=seconds,
            use_spot=self._settings.training.use_spot,
            max_wait_seconds=2 * seconds,
            network=self._resources.network,
            tags=self._resources.tags,
            # The image builds the code before it runs it; with isolation the build would want a network.
            environment={"PIP_NO_BUILD_ISOLATION": "0"},
            hyperparameters={
                "sagemaker_program": "train.py",
                # The container would fetch an S3 URI by itself, which isolation forbids: a channel brings it.
                "sagemaker_submit_directory": f"/opt/ml/input/data/code/{code.file_name}",
                **own,
            },
            channels=[
                Channel(name="train", uri=preprocess.output("train"), content_type="application/x-parquet"),
                Channel(name="validation", uri=preprocess.output("validation"), content_type="application/x-parquet"),
                Channel(name="code", uri=code.uri),
            ],
            metrics=[
                Metric(name=name, regex=rf"{name}=([0-9.]+)")
                for name in ("validation:auc", "validation:logloss", "out_of_fold:auc", "out_of_fold:average_precision")
            ],
            output_uri=self._run_uri("Train"),
            # Stable, because it is part of the cache key; the files inside carry a fingerprint.
            checkpoint_uri=uri(f"s3://{self._resources.artifact_bucket}", "checkpoints", "Train"),
            retries=JOB_RETRIES,
            caching=self._caching(),
        )

    def _evaluate(self, preprocess: ProcessingStep, train: TrainingStep) -> ProcessingStep:
        return self._processing(
            "Evaluate",
            description="Score the untouched test split and find the threshold for the review capacity",
            inputs=[
                Input(name="test", uri=preprocess.output("test"), path=f"{_PROCESSING}/input/test"),
                Input(name="model", uri=train.model_artifacts, path=f"{_PROCESSING}/input/model"),
            ],
            arguments=["--review-capacity", text(self._capacity)],
            outputs=["evaluation"],
            property_files=[PropertyFile(name=_EVALUATION, output="evaluation", path="evaluation.json")],
        )

    def _package(self, train: TrainingStep, evaluate: ProcessingStep) -> ProcessingStep:
        serving = self._resources.code[SERVING_CODE]
        return self._processing(
            "Package",
            description="Model, inference code, threshold and schema in one archive",
            inputs=[
                Input(name="model", uri=train.model_artifacts, path=f"{_PROCESSING}/input/model"),
                Input(name="evaluation", uri=evaluate.output("evaluation"), path=f"{_PROCESSING}/input/evaluation"),
                Input(name="serving-code", uri=serving.uri, path=f"{_PROCESSING}/input/serving-code"),
            ],
            arguments=[],
            outputs=["package"],
        )

    def _quality_gate(self, evaluate: ProcessingStep, package: ProcessingStep) -> ConditionStep:
        metrics = "binary_classification_metrics"
        criteria = [
            ("AUC's lower bound", evaluate.value(_EVALUATION, f"{metrics}.auc.lower"), self._auc),
            ("average precision", evaluate.value(_EVALUATION, f"{metrics}.au_prc.value"), self._average_precision),
            ("recall at the review capacity", evaluate.value(_EVALUATION, "review.recall"), self._recall),
        ]
        conditions: list[Condition] = [at_least(value, bound) for _, value, bound in criteria]
        told = [Join("", [name, " is ", value, " and must be at least ", bound]) for name, value, bound in criteria]
        reject = FailStep(
            name="Reject",
            description="Name each criterion, its value and its bound",
            message=Join("", ["The model did not pass the quality gate: ", Join("; ", told)]),
        )
        return ConditionStep(
            name="QualityGate",
            description="Register only what is good enough",
            conditions=conditions,
            then=[self._register(evaluate, package)],
            otherwise=[reject],
            # The archive is what gets registered, so the gate waits for it.
            depends_on=[package],
        )

    def _register(self, evaluate: ProcessingStep, package: ProcessingStep) -> Step:
        statistics = {"ContentType": "application/json", "S3Uri": uri(evaluate.output("evaluation"), "evaluation.json")}
        return RegisterModelStep(
            name="Register",
            description="A new version in the model package group",
            group=self._resources.model_package_group,
            image=self._resources.image["Train"],
            model_uri=uri(package.output("package"), "model.tar.gz"),
            approval_status=self._approval,
            environment={
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
                "PIP_NO_BUILD_ISOLATION": "0",
            },
            content_types=("text/csv",),
            response_types=("text/csv",),
            instance_types=self._settings.serving_instance_types,
            metrics={"ModelQuality": {"Statistics": statistics}},
            metadata={
                "threshold": text(evaluate.value(_EVALUATION, "review.threshold")),
                "review_capacity": text(self._capacity),
                "claims_uri": self._claims,
                "customers_uri": self._customers,
                "execution_id": ExecutionVariable.PIPELINE_EXECUTION_ID,
            },
            summary="Fraud score for auto claims",
            retries=REQUEST_RETRIES,
        )

    def _processing(
        self, name: str, *, description: str, inputs: list[Input], arguments: list[object], outputs: list[str],
        property_files: list[PropertyFile] | None = None, instance_count: object = 1,
    ) -> ProcessingStep:  # fmt: skip
        """A step whose script is the archive in its ``code`` input."""
        code = self._resources.code[name]
        job = self._job(name)
        return ProcessingStep(
            name=name,
            description=description,
            image=self._resources.image[name],
            role=self._resources.role[name],
            instance_type=self._types[name],
            instance_count=instance_count,
            volume_gb=job.volume_gb,
            volume_key=self._volume_key(job),
            output_key=self._resources.key,
            max_runtime_seconds=job.max_runtime_minutes * 60,
            network=self._resources.network,
            tags=self._resources.tags,
            entrypoint=["python3", f"{_PROCESSING}/input/code/{code.file_name}"],
            container_arguments=arguments,
            inputs=[*inputs, Input(name="code", uri=code.uri, path=f"{_PROCESSING}/input/code")],
            outputs=[
                Output(name=output, uri=self._run_uri(name, output), path=f"{_PROCESSING}/output/{output}")
                for output in outputs
            ],
            property_files=property_files or [],
            retries=JOB_RETRIES,
            caching=self._caching(),
        )

    def _job(self, step: str) -> Job:
        job = getattr(self._settings.jobs, step.lower())
        assert isinstance(job, Job)
        return job

    def _volume_key(self, job: Job) -> str | None:
        """The service refuses a key for volumes of instances that have disks of their own, which are encrypted anyway."""
        return None if has_local_disks(job.instance_type) else self._resources.key

    def _caching(self) -> Caching:
        return Caching(self._settings.cache_for)

    def _run_uri(self, *parts: str) -> Join:
        """A prefix of this run alone. Outputs are no part of a cache key, so it does not defeat caching."""
        step, *rest = parts
        # By step first: permissions and expiry go by prefix.
        return uri(f"s3://{self._resources.artifact_bucket}", "runs", step, ExecutionVariable.PIPELINE_EXECUTION_ID, *rest)
