"""What every step of the pipeline is built with."""

from collections.abc import Sequence

from pipeline_definition.expressions import ExecutionVariable, Join, uri
from pipeline_definition.fraud_detection import plan
from pipeline_definition.fraud_detection.parameters import Parameters
from pipeline_definition.instances import has_local_disks
from pipeline_definition.policies import JOB_RETRIES, Caching
from pipeline_definition.resources import Resources
from pipeline_definition.steps import Input, Output, ProcessingStep, PropertyFile, Step
from settings import Settings
from settings.jobs import Job

PROCESSING = "/opt/ml/processing"

_COMBINED = "PrepareTrainEvaluate"
_PLACES = {
    "train": "Preprocess", "validation": "Preprocess", "test": "Preprocess", "quality": "Preprocess", "records": "Preprocess",
    "model": "Train", "evaluation": "Evaluate", "predictions": "Evaluate",
}  # fmt: skip

SERVING_ENVIRONMENT = {
    "SAGEMAKER_PROGRAM": "inference.py",
    # With isolation the code must lie in the model's own archive.
    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    "PIP_NO_BUILD_ISOLATION": "0",
}


class Context:
    """Settings, resources and parameters, and what follows from them for any step."""

    def __init__(self, settings: Settings, resources: Resources) -> None:
        self.settings = settings
        self.resources = resources
        self.parameters = Parameters.of(settings, resources)
        self._machines = {entry.step: entry.machine for entry in plan.plan(settings)}

    def processing(
        self, name: str, *, description: str, inputs: Sequence[Input], outputs: Sequence[str], arguments: Sequence[object] = (),
        property_files: Sequence[PropertyFile] = (), depends_on: Sequence[Step] = (),
    ) -> ProcessingStep:  # fmt: skip
        """A step whose script is the archive in its ``code`` input; ``outputs`` are folders' names."""
        code = self.resources.code[name]
        return self.container(
            name,
            description=description,
            entrypoint=["python3", f"{PROCESSING}/input/code/{code.file_name}"],
            arguments=arguments,
            inputs=[*inputs, Input(name="code", uri=code.uri, path=f"{PROCESSING}/input/code")],
            outputs=[self.output(name, output) for output in outputs],
            property_files=property_files,
            depends_on=depends_on,
        )

    def container(
        self, name: str, *, description: str, entrypoint: Sequence[str], arguments: Sequence[object], inputs: Sequence[Input],
        outputs: Sequence[Output], property_files: Sequence[PropertyFile] = (), depends_on: Sequence[Step] = (),
    ) -> ProcessingStep:  # fmt: skip
        """A Processing step of any image; without an entry point, the image's own runs."""
        machine = self.machine(name)
        job = self.job(machine)
        return ProcessingStep(
            name=name,
            description=description,
            depends_on=depends_on,
            image=self.resources.image[name],
            role=self.resources.role[name],
            instance_type=self.parameters.types[machine],
            instance_count=self.parameters.counts.get(machine, 1),
            volume_gb=job.volume_gb,
            volume_key=self.volume_key(job),
            output_key=self.resources.key,
            max_runtime_seconds=job.max_runtime_minutes * 60,
            network=self.resources.network,
            tags=self.resources.tags,
            entrypoint=entrypoint,
            container_arguments=arguments,
            inputs=inputs,
            outputs=outputs,
            property_files=property_files,
            retries=JOB_RETRIES,
            caching=self.caching,
        )

    def machine(self, step: str) -> str:
        machine = self._machines[step]
        assert machine is not None
        return machine

    def job(self, machine: str) -> Job:
        return plan.job(self.settings, machine)

    def volume_key(self, job: Job) -> str | None:
        """The service refuses a key for volumes of instances that have disks of their own, which are encrypted anyway."""
        return None if has_local_disks(job.instance_type) else self.resources.key

    @property
    def caching(self) -> Caching:
        return Caching(self.settings.cache_for)

    def output(self, step: str, name: str) -> Output:
        """A folder of a step; what one job does for several steps lies where these would have put it."""
        place = _PLACES.get(name, step) if step == _COMBINED else step
        return Output(name=name, uri=self.run_uri(place, name), path=f"{PROCESSING}/output/{name}")

    def run_uri(self, step: str, *rest: str) -> Join:
        """A prefix of this run alone, below the name of a step. Outputs are no part of a cache key, so it does not defeat caching."""
        # By step first: permissions and expiry go by prefix.
        return uri(f"s3://{self.resources.artifact_bucket}", "runs", step, ExecutionVariable.PIPELINE_EXECUTION_ID, *rest)

    def facet_arguments(self) -> list[object]:
        """What tells a bias step its facets and its groups."""
        bias = self.settings.bias
        return [*(text for facet in bias.facets for text in ("--facet", facet)), "--group", bias.group]


def read(name: str, place: object) -> Input:
    """An input as the folder of its name."""
    return Input(name=name, uri=place, path=f"{PROCESSING}/input/{name}")
