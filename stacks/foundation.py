"""Key, buckets and model registry: stateful, in a stack that changes rarely and is protected."""

from aws_cdk import CfnOutput, CfnResource, Fn, RemovalPolicy
from constructs import Construct, IConstruct

from settings import Settings
from stacks.base import EnvironmentStack
from stacks.components.buckets import Buckets
from stacks.components.encryption_key import EncryptionKey
from stacks.components.model_registry import ModelRegistry
from stacks.components.sharing import share_models


class FoundationStack(EnvironmentStack):
    """What holds data: the ``key``, the ``buckets`` and the ``registry``."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        retained = settings.storage.retention == "retain"
        super().__init__(scope, id, settings=settings, description="Data, keys and models", is_protected=retained)
        removal_policy = RemovalPolicy.RETAIN if retained else RemovalPolicy.DESTROY
        self.key = EncryptionKey(self, "Encryption", name=settings.resource_name, removal_policy=removal_policy).key
        self.buckets = Buckets(
            self,
            "Storage",
            key=self.key,
            storage=settings.storage,
            removal_policy=removal_policy,
            announces_data=settings.triggers.new_data,
        )
        self.registry = ModelRegistry(
            self, "Registry", name=settings.resource_name, collections=[f"{name}-{settings.name}" for name in settings.collections]
        )
        self.registry.group.apply_removal_policy(removal_policy)
        share_models(settings.trusted_accounts, group=self.registry.group, bucket=self.buckets.artifacts, key=self.key)
        self._name_stateful_resources()
        self._tell(settings)

    def _name_stateful_resources(self) -> None:
        """Logical ids that no move of a construct can change: another id would replace the resource."""
        _name(self.key, "Key")
        _name(self.buckets.data, "DataBucket")
        _name(self.buckets.artifacts, "ArtifactBucket")
        _name(self.buckets.access_logs, "AccessLogBucket")
        self.registry.group.override_logical_id("ModelPackageGroup")

    def _tell(self, settings: Settings) -> None:
        """What the other stacks build on, and the ``fraud`` command looks up."""
        told = {
            "DataBucketName": self.buckets.data.bucket_name,
            "ArtifactBucketName": self.buckets.artifacts.bucket_name,
            "KeyArn": self.key.key_arn,
        }
        for name, value in told.items():
            CfnOutput(self, name, value=value, export_name=f"{settings.resource_name}-{name}")
        CfnOutput(self, "ModelPackageGroupName", value=settings.resource_name)


class Foundation:
    """What other stacks know of the foundation: names that it exports.

    The names are ours and not made by the CDK out of a construct's place, so
    that constructs can move; and CloudFormation refuses to delete what is
    still imported.
    """

    def __init__(self, settings: Settings) -> None:
        self.data_bucket = Fn.import_value(f"{settings.resource_name}-DataBucketName")
        self.artifact_bucket = Fn.import_value(f"{settings.resource_name}-ArtifactBucketName")
        self.key_arn = Fn.import_value(f"{settings.resource_name}-KeyArn")


def _name(construct: IConstruct, logical_id: str) -> None:
    resource = construct.node.default_child
    assert isinstance(resource, CfnResource)
    resource.override_logical_id(logical_id)
