"""The code of each step, and the wheels that preprocessing ships, as file assets named by their content."""

import tempfile
from pathlib import Path

from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from pipeline_definition import Code, wheelhouse
from pipeline_definition.code_archives import Archive
from pipeline_definition.fraud_detection import assets as brought
from settings import Settings


class CodeAssets(Construct):
    """``code`` by the name of the asset, and the ``wheelhouse``.

    An edit changes the key of the one archive that it concerns, and with it
    what SageMaker's cache compares; all other steps stay reusable over deploys.
    """

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        self.code = {name: self._asset(name, archive) for name, archive in brought(settings).items()}
        self.wheelhouse = self._asset("Wheelhouse", wheelhouse.build())

    def _asset(self, id: str, archive: Archive) -> Code:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, archive.file_name)
            file.write_bytes(archive.content)
            # The construct copies the file while it is made.
            asset = assets.Asset(self, id, path=str(file), asset_hash=archive.digest)
        return Code(f"s3://{asset.s3_bucket_name}/{asset.s3_object_key}", asset.s3_object_key, archive.digest)
