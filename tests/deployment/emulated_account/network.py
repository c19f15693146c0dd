"""Rules of security groups that stand beside their group."""

from typing import Any

from tests.deployment.emulated_account.resource import Resource
from tests.deployment.emulated_account.resource import install as install_type


def install() -> None:
    install_type(SecurityGroupEgress)


class SecurityGroupEgress(Resource):
    type = "AWS::EC2::SecurityGroupEgress"

    def create(self, properties: dict[str, Any], name: str) -> None:
        made = self.client("ec2").authorize_security_group_egress(GroupId=properties["GroupId"], IpPermissions=[_permission(properties)])
        self.physical_id = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]

    def delete(self, properties: dict[str, Any]) -> None:
        """It goes with its group."""


def _permission(properties: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"IpProtocol": str(properties["IpProtocol"])}
    if "FromPort" in properties:
        found |= {"FromPort": int(properties["FromPort"]), "ToPort": int(properties["ToPort"])}
    if group := properties.get("DestinationSecurityGroupId"):
        found["UserIdGroupPairs"] = [{"GroupId": group}]
    if cidr := properties.get("CidrIp"):
        found["IpRanges"] = [{"CidrIp": cidr}]
    return found
