"""The model package group, and the collections that it is found in."""

from collections.abc import Sequence

from aws_cdk import CfnTag
from aws_cdk import aws_resourcegroups as resourcegroups
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.layout import COLLECTION_TAG

_HELD = ["AWS::SageMaker::ModelPackageGroup", "AWS::ResourceGroups::Group"]


class ModelRegistry(Construct):
    """A model package group inside nested collections, the outermost first.

    A collection is a resource group of all that carries its tag. The SageMaker
    SDK makes up the tag's key with a clock; here it is the depth, so that two
    synths give the same template.
    """

    def __init__(self, scope: Construct, id: str, *, name: str, collections: Sequence[str]) -> None:
        super().__init__(scope, id)
        for depth in range(1, len(collections) + 1):
            self._collection(collections[:depth])
        self.group = sagemaker.CfnModelPackageGroup(
            self,
            "Group",
            model_package_group_name=name,
            # To change this text would replace the group.
            model_package_group_description="Scores auto claims for fraud",
            tags=[_membership(collections)],
        )

    def _collection(self, path: Sequence[str]) -> None:
        tag = _membership(path)
        marks = [CfnTag(key="sagemaker:collection", value="true")]
        marks.append(_membership(path[:-1]) if len(path) > 1 else CfnTag(key=f"{COLLECTION_TAG}:root", value="true"))
        resourcegroups.CfnGroup(
            self,
            f"Collection{len(path)}",
            name=path[-1],
            resource_query=resourcegroups.CfnGroup.ResourceQueryProperty(
                type="TAG_FILTERS_1_0",
                query=resourcegroups.CfnGroup.QueryProperty(
                    resource_type_filters=_HELD,
                    tag_filters=[resourcegroups.CfnGroup.TagFilterProperty(key=tag.key, values=[tag.value])],
                ),
            ),
            tags=marks,
        )


def _membership(path: Sequence[str]) -> CfnTag:
    """The tag that puts something into the collection at ``path``."""
    return CfnTag(key=f"{COLLECTION_TAG}:{len(path)}", value="/".join(path))
