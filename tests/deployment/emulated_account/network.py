"""Networks that go with their stack, and rules of security groups that stand beside their group."""

from collections.abc import Callable
from typing import Any

from moto.awslambda import models as lambda_
from moto.ec2.models import ec2_backends, flow_logs, route_tables, security_groups, subnets, vpcs

from tests.deployment.emulated_account import calls
from tests.deployment.emulated_account.resource import Resource
from tests.deployment.emulated_account.resource import install as install_type


def install() -> None:
    install_type(SecurityGroupEgress)
    _delete(route_tables.RouteTable, lambda ec2, name: ec2.delete_route_table(RouteTableId=name))
    _delete(subnets.SubnetRouteTableAssociation, _disassociate)
    vpcs.VPCEndPoint.delete_from_cloudformation_json = classmethod(_forget_endpoint)
    _delete(flow_logs.FlowLogs, lambda ec2, name: ec2.delete_flow_logs(FlowLogIds=[name]))
    # These go with what they are a part of.
    _delete(security_groups.SecurityGroupIngress, lambda ec2, name: None)
    _delete(lambda_.Permission, lambda ec2, name: None)


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


def _delete(model: Any, call: Callable[[Any, str], object]) -> None:
    """Give one of moto's types the deletion that it lacks."""

    def deleted(cls: Any, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str) -> None:
        call(calls.client("ec2", account_id, region_name), resource_name)

    model.delete_from_cloudformation_json = classmethod(deleted)


def _forget_endpoint(cls: Any, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str) -> None:
    """The API's deletion looks for route tables, which may be gone already."""
    ec2_backends[account_id][region_name].vpc_end_points.pop(resource_name)


def _disassociate(ec2: Any, subnet_or_association: str) -> None:
    """moto's associations do not know their own id."""
    for table in ec2.describe_route_tables()["RouteTables"]:
        for association in table["Associations"]:
            ids = (association.get("SubnetId"), association["RouteTableAssociationId"], table["RouteTableId"])
            if subnet_or_association in ids and not association["Main"]:
                ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
