"""KMS keys: moto's own fail on tags, and keep their first policy."""

import json
from typing import Any

from tests.deployment.emulated_account.resource import Resource
from tests.deployment.emulated_account.resource import install as install_type


def install() -> None:
    install_type(Key)


class Key(Resource):
    type = "AWS::KMS::Key"
    returns = ("Arn", "KeyId")

    def create(self, properties: dict[str, Any], name: str) -> None:
        made = self.client("kms").create_key(
            Description=properties.get("Description", ""),
            Policy=json.dumps(properties["KeyPolicy"]),
            Tags=[{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in properties.get("Tags", ())],
        )["KeyMetadata"]
        self.physical_id = made["KeyId"]
        self.attributes = {"Arn": made["Arn"], "KeyId": made["KeyId"]}
        if str(properties.get("EnableKeyRotation")).lower() == "true":
            self.client("kms").enable_key_rotation(KeyId=self.physical_id)

    def update(self, properties: dict[str, Any]) -> None:
        self.client("kms").put_key_policy(KeyId=self.physical_id, PolicyName="default", Policy=json.dumps(properties["KeyPolicy"]))

    def delete(self, properties: dict[str, Any]) -> None:
        days = int(properties.get("PendingWindowInDays", 30))
        self.client("kms").schedule_key_deletion(KeyId=self.physical_id, PendingWindowInDays=days)
