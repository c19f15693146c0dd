"""The pipeline: its code, the roles of its steps, its definition, its triggers."""

import json

from aws_cdk import CfnOutput
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

import pipeline_definition
from pipeline_definition import Network, Resources, data_access
from pipeline_definition.fraud_detection import NO_CHAMPION, plan
from pipeline_definition.pipeline import walk
from settings import Settings
from stacks import arns, layout
from stacks.base import EnvironmentStack
from stacks.components.code_assets import CodeAssets
from stacks.components.container_images import ContainerImages
from stacks.components.pipeline_role import PipelineRole
from stacks.components.step_role import StepRole
from stacks.components.triggers import Triggers
from stacks.foundation import Foundation


class PipelineStack(EnvironmentStack):
    """Deploys what ``pipeline_definition`` builds. Each role can do what the definition asks of its step."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, foundation: Foundation, network: Network) -> None:
        super().__init__(scope, id, settings=settings, description="SageMaker pipeline")
        self._settings, self._foundation, self._network = settings, foundation, network
        self._name = settings.resource_name
        self._image_names = {job.step: job.image for job in plan(settings)}
        self._code = CodeAssets(self, "Code", settings=settings)
        self._images = ContainerImages(
            self, "Images", names=set(self._image_names.values()), region=settings.region, container=settings.training.container
        )
        self._roles = {job.step: StepRole(self, job.step, step=job.step, pipeline=self._name) for job in plan(settings)}
        self._pipeline_role = PipelineRole(self, "Pipeline", pipeline=self._name)
        self._definition = pipeline_definition.build(settings, self._resources())
        self._allow_steps()
        self._allow_pipeline()
        self.pipeline = self._pipeline()
        if settings.triggers.are_on:
            self._triggers()
        CfnOutput(self, "PipelineName", value=self._name)

    def _resources(self) -> Resources:
        return Resources(
            artifact_bucket=self._foundation.artifact_bucket,
            key=self._foundation.key_arn,
            role={step: role.role.role_arn for step, role in self._roles.items()},
            code=self._code.code,
            image={step: self._images.uri(name) for step, name in self._image_names.items()},
            wheelhouse_uri=self._code.wheelhouse.uri,
            claims_uri=None,
            customers_uri=None,
            model_package_group=self._name,
            network=self._network,
            tags=self._settings.tags,
        )

    def _allow_steps(self) -> None:
        types = {step["Name"]: step["Type"] for step in walk(self._definition["Steps"])}
        self._policies = [
            self._roles[step].allow(
                job=types[step],
                access=access,
                parameter_reads=[arn for name in sorted(access.parameters) for arn in self._pointed_to(name)],
                key_arn=self._foundation.key_arn,
                repository_arn=self._images.repository_arn(self._image_names[step]),
                network=self._network,
            )
            for step, access in data_access.of_jobs(self._definition).items()
        ]

    def _pointed_to(self, parameter: str) -> list[str]:
        """The ARNs of what a parameter with an URI may name."""
        if parameter == layout.CHAMPION_PARAMETER:
            return [
                f"{arns.bucket_arn(self._foundation.artifact_bucket)}/{layout.CHAMPIONS}",
                arns.object_arn(self._code.code[NO_CHAMPION].uri),
            ]
        bucket = arns.bucket_arn(self._foundation.data_bucket)
        return [f"{bucket}/{folder}" for folder in layout.readable(layout.DATA_PARAMETERS[parameter])]

    def _allow_pipeline(self) -> None:
        types = {step["Type"] for step in walk(self._definition["Steps"])}
        job_types = sorted(types & {*data_access.ROLE_TYPES, "Transform"})
        key_arn = self._foundation.key_arn
        self._pipeline_role.allow(
            job_types=job_types,
            step_roles=[role.role for role in self._roles.values()],
            group=self._name,
            reads=[arns.object_arn(place) for place in data_access.of_pipeline(self._definition).reads],
            key_arn=key_arn,
        )
        longest = self._settings.jobs.longest_seconds
        self._pipeline_role.deny(job_types=job_types, network=self._network, key_arn=key_arn, longest_seconds=longest)

    def _pipeline(self) -> sagemaker.CfnPipeline:
        pipeline = sagemaker.CfnPipeline(
            self,
            "SageMakerPipeline",
            pipeline_name=self._name,
            pipeline_display_name=self._name,
            pipeline_description="Trains, evaluates and registers a model that scores auto claims for fraud",
            # Not Stack.to_json_string, which drops nulls: one of them keeps SageMaker from making experiments.
            pipeline_definition={"PipelineDefinitionBody": json.dumps(self._definition, separators=(",", ":"))},
            parallelism_configuration={"MaxParallelExecutionSteps": self._settings.max_parallel_steps},
            role_arn=self._pipeline_role.role.role_arn,
        )
        # Otherwise an execution could start before its roles may do anything.
        pipeline.node.add_dependency(*self._policies, *self._pipeline_role.policies)
        return pipeline

    def _triggers(self) -> None:
        triggers = Triggers(
            self,
            "Triggers",
            wanted=self._settings.triggers,
            pipeline=self._name,
            group=self._name,
            data_bucket=self._foundation.data_bucket,
            key=kms.Key.from_key_arn(self, "Key", self._foundation.key_arn),
            log_days=self._settings.storage.log_days,
        )
        triggers.node.add_dependency(self.pipeline)
