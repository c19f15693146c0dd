"""How a CloudFormation type that moto lacks is added: a subclass says how to create, update and delete it."""

from typing import Any, ClassVar

from moto.cloudformation.exceptions import UnformattedGetAttTemplateException
from moto.core.common_models import CloudFormationModel

from tests.deployment.emulated_account import calls


class Resource:
    """One resource of one type, in one account and region.

    ``type`` is CloudFormation's; ``name`` the property that holds the name, or
    ""; ``returns`` the attributes that ``Fn::GetAtt`` may ask for.
    """

    type: ClassVar[str]
    name: ClassVar[str] = ""
    returns: ClassVar[tuple[str, ...]] = ()

    def __init__(self, account: str, region: str) -> None:
        self.account, self.region = account, region
        self.physical_id = ""
        self.attributes: dict[str, str] = {}

    def client(self, service: str) -> Any:
        return calls.client(service, self.account, self.region)

    def create(self, properties: dict[str, Any], name: str) -> None:
        """Make it, and set ``physical_id`` and ``attributes``."""
        raise NotImplementedError

    def update(self, properties: dict[str, Any]) -> None:
        raise NotImplementedError(f"the emulation cannot update {self.type}")

    def delete(self, properties: dict[str, Any]) -> None:
        raise NotImplementedError


_installed: list[type[CloudFormationModel]] = []
"""moto finds types as subclasses, which Python forgets once nothing refers to them."""


def install(kind: type[Resource]) -> None:
    """Make moto's CloudFormation use a type, in place of its own where it has one."""

    class Model(CloudFormationModel):
        def __init__(self, resource: Resource) -> None:
            self.resource = resource

        @staticmethod
        def cloudformation_name_type() -> str:
            return kind.name

        @staticmethod
        def cloudformation_type() -> str:
            return kind.type

        @classmethod
        def has_cfn_attr(cls, attr: str) -> bool:
            return attr in kind.returns

        def get_cfn_attribute(self, attribute_name: str) -> str:
            if attribute_name not in self.resource.attributes:
                raise UnformattedGetAttTemplateException
            return self.resource.attributes[attribute_name]

        @property
        def physical_resource_id(self) -> str:
            return self.resource.physical_id

        def is_created(self) -> bool:
            return True

        @classmethod
        def create_from_cloudformation_json(
            cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
        ) -> "Model":
            made = kind(account_id, region_name)
            made.create(dict(cloudformation_json.get("Properties", {})), resource_name)
            return cls(made)

        @classmethod
        def update_from_cloudformation_json(
            cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
        ) -> "Model":
            original_resource.resource.update(dict(cloudformation_json.get("Properties", {})))
            return original_resource  # type: ignore[no-any-return]

        @classmethod
        def delete_from_cloudformation_json(
            cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
        ) -> None:
            gone = kind(account_id, region_name)
            gone.physical_id = resource_name
            gone.delete(dict(cloudformation_json.get("Properties", {})))

    Model.__name__ = kind.__name__
    _installed.append(Model)
