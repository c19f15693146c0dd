"""What exists around the pipeline: names and ARNs, or CDK tokens in their place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where jobs run; without subnets, outside of any VPC."""

    isolated: bool = True
    encrypt_between_instances: bool = True
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()


@dataclass(frozen=True)
class Code:
    """An archive of code: the URI of the object, its last segment (which a token hides), and the SHA-256 of its content."""

    uri: str
    file_name: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Resources:
    """``role`` and ``image`` are by step name, ``code`` by the name of the asset.

    ``artifact_bucket`` takes what runs write; ``key`` is the ARN or alias of
    the key that encrypts it, None without one.
    """

    artifact_bucket: str
    key: str | None
    role: Mapping[str, str]
    code: Mapping[str, Code]
    image: Mapping[str, str]
    wheelhouse_uri: str
    claims_uri: str | None
    customers_uri: str | None
    model_package_group: str
    network: Network = field(default_factory=Network)
    tags: Mapping[str, str] = field(default_factory=dict)
