"""The managed container images, and the account that holds each in a region."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("images.json")


@dataclass(frozen=True)
class Image:
    """``accounts`` are by region."""

    name: str
    repository: str
    tag: str
    accounts: Mapping[str, str]

    def uri(self, *, account: str, region: str, suffix: str) -> str:
        """The image's URI; ``suffix`` is the domain of the region's partition."""
        return f"{account}.dkr.ecr.{region}.{suffix}/{self.repository}:{self.tag}"

    def uri_in(self, region: str) -> str:
        """The URI in a region of the standard partition."""
        return self.uri(account=self.accounts[region], region=region, suffix="amazonaws.com")


@functools.cache
def table() -> Mapping[str, Image]:
    """All images, by name; ``make images`` makes the table out of the SageMaker SDK's."""
    return {name: Image(name=name, **entry) for name, entry in json.loads(TABLE.read_text()).items()}
