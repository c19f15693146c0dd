"""The managed container images, found by region in a mapping, so that one template is right in every region."""

from aws_cdk import CfnMapping
from constructs import Construct

from pipeline_definition import images
from pipeline_definition.errors import DefinitionError
from stacks import arns


class ContainerImages(Construct):
    """``uri`` and ``repository_arn`` of an image, by its name in ``pipeline_definition.images``.

    Raises:
        DefinitionError: there is no image in the region of the settings.
    """

    def __init__(self, scope: Construct, id: str, *, region: str | None) -> None:
        super().__init__(scope, id)
        for image in images.table().values():
            if region and region not in image.accounts:
                raise DefinitionError(f"region: the image {image.name} is not in {region}; it is in {', '.join(image.accounts)}")
        regions = sorted({region for image in images.table().values() for region in image.accounts})
        self._mapping = CfnMapping(
            self,
            "Accounts",
            mapping={
                region: {name: image.accounts[region] for name, image in images.table().items() if region in image.accounts}
                for region in regions
            },
        )
        self._mapping.override_logical_id("ImageAccounts")

    def uri(self, name: str) -> str:
        return images.table()[name].uri(account=self._account(name), region=arns.REGION, suffix=arns.URL_SUFFIX)

    def repository_arn(self, name: str) -> str:
        return arns.arn("ecr", f"repository/{images.table()[name].repository}", account=self._account(name))

    def _account(self, name: str) -> str:
        return self._mapping.find_in_map(arns.REGION, name)
