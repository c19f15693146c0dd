"""The container images: managed ones by region, in a mapping, so that one template is right in every region; or one's own."""

from collections.abc import Collection
from pathlib import Path

from aws_cdk import CfnMapping
from aws_cdk import aws_ecr_assets as ecr_assets
from constructs import Construct

from pipeline_definition import images
from pipeline_definition.errors import DefinitionError
from pipeline_definition.fraud_detection import CUSTOM_IMAGE
from settings.training import Container
from stacks import arns


class ContainerImages(Construct):
    """``uri`` and ``repository_arn`` of an image, by its name in ``pipeline_definition.images``.

    Raises:
        DefinitionError: there is no image in the region of the settings, or no Dockerfile in the folder.
    """

    def __init__(
        self, scope: Construct, id: str, *, names: Collection[str], region: str | None, container: Container | None = None
    ) -> None:
        super().__init__(scope, id)
        managed = [image for name, image in images.table().items() if name in names]
        for image in managed:
            if region and region not in image.accounts:
                raise DefinitionError(f"region: the image {image.name} is not in {region}; it is in {', '.join(image.accounts)}")
        regions = sorted({region for image in managed for region in image.accounts})
        self._mapping = CfnMapping(
            self,
            "Accounts",
            mapping={
                region: {image.name: image.accounts[region] for image in managed if region in image.accounts} for region in regions
            },
        )
        self._mapping.override_logical_id("ImageAccounts")
        self._container = container
        self._built = self._build(container.folder) if container and container.folder else None

    def _build(self, folder: str) -> ecr_assets.DockerImageAsset:
        """The image is built and uploaded by a deploy; a synth looks at the folder's content only."""
        path = Path(folder)
        if not (path / "Dockerfile").is_file():
            raise DefinitionError(f"training.container.folder: there is no Dockerfile in {path.absolute()}")
        return ecr_assets.DockerImageAsset(self, "Training", directory=str(path), platform=ecr_assets.Platform.LINUX_AMD64)

    def uri(self, name: str) -> str:
        if name != CUSTOM_IMAGE:
            return images.table()[name].uri(account=self._account(name), region=arns.REGION, suffix=arns.URL_SUFFIX)
        if self._built:
            return self._built.image_uri
        assert self._container and self._container.image
        return self._container.image

    def repository_arn(self, name: str) -> str:
        if name != CUSTOM_IMAGE:
            return arns.arn("ecr", f"repository/{images.table()[name].repository}", account=self._account(name))
        if self._built:
            return self._built.repository.repository_arn
        assert self._container
        account, region, repository = self._container.repository
        return arns.arn("ecr", f"repository/{repository}", account=account, region=region)

    def _account(self, name: str) -> str:
        return self._mapping.find_in_map(arns.REGION, name)
