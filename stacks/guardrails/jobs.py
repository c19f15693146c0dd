"""Rules on the jobs of a pipeline: encrypted, isolated, limited, each with a role of its own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cloud_assembly import Pipeline
from pipeline_definition.instances import has_local_disks
from pipeline_definition.pipeline import walk
from settings.network import ExistingVpc, NoVpc
from stacks.guardrails.rules import Finding, Subject, rule

_JOBS = ("Processing", "Training", "Transform", "Tuning")
_REQUESTS = ("Condition", "Fail", "Model", "RegisterModel")


@dataclass(frozen=True)
class Job:
    """A step that runs a job, with the parts of its request that rules look at, wherever the request has them."""

    pipeline: Pipeline
    step: str
    request: Mapping[str, Any]

    @property
    def role(self) -> str | None:
        return self.request.get("RoleArn") or self.request.get("ExecutionRoleArn")

    @property
    def cluster(self) -> Mapping[str, Any]:
        """Instances and volume."""
        request = self.request
        found: Mapping[str, Any] = (
            request.get("ProcessingResources", {}).get("ClusterConfig")
            or request.get("ResourceConfig")
            or request.get("TransformResources")
            or {}
        )
        return found

    @property
    def output(self) -> Mapping[str, Any]:
        """Where results go, and their key."""
        request = self.request
        found: Mapping[str, Any] = (
            request.get("ProcessingOutputConfig") or request.get("OutputDataConfig") or request.get("TransformOutput") or {}
        )
        return found

    @property
    def network(self) -> Mapping[str, Any]:
        """Isolation, traffic and VPC; Processing has a part of its request for it."""
        found: Mapping[str, Any] = self.request.get("NetworkConfig", self.request)
        return found

    @property
    def has_network(self) -> bool:
        """A batch transform takes its network from its model."""
        return "TransformResources" not in self.request

    def finding(self, field: str, text: str) -> Finding:
        return Finding(self.pipeline.template, self.pipeline.resource, "PipelineDefinition", f"step {self.step}, {field}: {text}")


def jobs(subject: Subject) -> Iterator[Job]:
    """All jobs of all pipelines; a tuning step's are its trials."""
    for pipeline in subject.pipelines:
        for step in walk(pipeline.definition["Steps"]):
            arguments = step["Arguments"]
            if step["Type"] == "Tuning":
                for definition in [arguments.get("TrainingJobDefinition"), *arguments.get("TrainingJobDefinitions", ())]:
                    if definition:
                        yield Job(pipeline, step["Name"], definition)
            elif step["Type"] in _JOBS:
                yield Job(pipeline, step["Name"], arguments)


def models(subject: Subject) -> Iterator[Job]:
    """The models that steps make: what runs in a batch transform has its model's role and network."""
    for pipeline in subject.pipelines:
        for step in walk(pipeline.definition["Steps"]):
            if step["Type"] == "Model":
                yield Job(pipeline, step["Name"], step["Arguments"])


def keys(subject: Subject) -> set[str]:
    """The keys that these stacks make."""
    return {
        subject.assembly.resolver(template).resolve({"Fn::GetAtt": [key.logical_id, "Arn"]})
        for template, key in subject.assembly.resources("AWS::KMS::Key")
    }


@rule("job-known-type", "What no rule looks at is encrypted, isolated and limited by nobody")
def known_type(subject: Subject) -> Iterator[Finding]:
    for pipeline in subject.pipelines:
        for step in walk(pipeline.definition["Steps"]):
            if step["Type"] not in (*_JOBS, *_REQUESTS):
                yield Job(pipeline, step["Name"], step["Arguments"]).finding("Type", f"is {step['Type']}, which no rule looks at")


@rule("job-volume-encrypted", "Claims lie on the volume while a job runs")
def volume_encrypted(subject: Subject) -> Iterator[Finding]:
    ours = keys(subject)
    for job in jobs(subject):
        key = job.cluster.get("VolumeKmsKeyId")
        if key is None and not has_local_disks(_default(job, job.cluster.get("InstanceType"))):
            yield job.finding("VolumeKmsKeyId", "is missing; give it the environment's key")
        elif key is not None and key not in ours:
            yield job.finding("VolumeKmsKeyId", f"is {key}, which is not the environment's key")


@rule("job-output-encrypted", "Models and splits would be readable by whoever may read the bucket")
def output_encrypted(subject: Subject) -> Iterator[Finding]:
    ours = keys(subject)
    for job in jobs(subject):
        key = job.output.get("KmsKeyId")
        if key not in ours:
            yield job.finding("KmsKeyId of the output", f"is {key or 'missing'}; give it the environment's key")


@rule("job-isolated", "A container that can call out can carry claims away")
def isolated(subject: Subject) -> Iterator[Finding]:
    wanted = subject.settings.network_isolation
    for job in (*jobs(subject), *models(subject)):
        if job.has_network and job.network.get("EnableNetworkIsolation", False) != wanted:
            yield job.finding("EnableNetworkIsolation", f"must be {wanted}, as network_isolation in settings says")


@rule("job-traffic-encrypted", "Instances of one job exchange gradients and rows")
def traffic_encrypted(subject: Subject) -> Iterator[Finding]:
    for job in jobs(subject):
        if job.has_network and not job.network.get("EnableInterContainerTrafficEncryption"):
            yield job.finding("EnableInterContainerTrafficEncryption", "must be true")


@rule("job-in-vpc", "Outside of the VPC neither its endpoint policy nor its flow logs apply")
def in_vpc(subject: Subject) -> Iterator[Finding]:
    chosen = subject.settings.network
    for job in (*jobs(subject), *models(subject)):
        if not job.has_network:
            continue
        subnets = set(job.network.get("VpcConfig", {}).get("Subnets", ()))
        if isinstance(chosen, NoVpc):
            if subnets:
                yield job.finding("VpcConfig", "is there, and network in settings says mode: none")
        elif not subnets:
            yield job.finding("VpcConfig", f"is missing, and network in settings says mode: {chosen.mode}")
        elif isinstance(chosen, ExistingVpc) and subnets - set(chosen.subnet_ids):
            yield job.finding("VpcConfig.Subnets", "are not those of network.subnet_ids in settings")


@rule("job-time-limited", "A job that hangs would be billed until someone looks")
def time_limited(subject: Subject) -> Iterator[Finding]:
    longest = subject.settings.jobs.longest_seconds
    for job in jobs(subject):
        if "TransformResources" in job.request:
            continue
        limit = job.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
        if not isinstance(limit, int) or not 0 < limit <= longest:
            yield job.finding("StoppingCondition.MaxRuntimeInSeconds", f"is {limit or 'missing'}; at most {longest} is set in jobs")


@rule("job-own-role", "With a shared role each step could do what any of them may")
def own_role(subject: Subject) -> Iterator[Finding]:
    used: dict[str, str] = {}
    for job in (*jobs(subject), *models(subject)):
        if "TransformResources" in job.request:
            continue
        properties = subject.assembly.resolved(job.pipeline.resource, job.pipeline.template)
        if not job.role or job.role == properties.get("RoleArn"):
            yield job.finding("RoleArn", "is missing or the pipeline's; give the step a role of its own")
        elif job.role in used and used[job.role] != job.step:
            yield job.finding("RoleArn", f"is the role of {used[job.role]} too; give the step a role of its own")
        else:
            used[job.role] = job.step


def _default(job: Job, instance_type: Any) -> str:
    """An instance type, or the default of the parameter that names it."""
    if isinstance(instance_type, Mapping):
        name = str(instance_type.get("Get", "")).removeprefix("Parameters.")
        declared = {entry["Name"]: entry.get("DefaultValue") for entry in job.pipeline.definition["Parameters"]}
        return str(declared.get(name, ""))
    return str(instance_type)


RULES = (known_type, volume_encrypted, output_encrypted, isolated, traffic_encrypted, in_vpc, time_limited, own_role)
