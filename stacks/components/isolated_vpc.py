"""A VPC without a way to the internet, in which jobs reach S3 and each other."""

from collections.abc import Sequence

from aws_cdk import Fn
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from settings.network import IsolatedVpc as Shape
from stacks.components import policy
from stacks.components.log_group import log_group
from stacks.components.policy import Statement


class IsolatedVpc(Construct):
    """Subnets, one security group for all jobs, the endpoint for S3, and flow logs.

    The service pulls images, writes logs and calls KMS from its own network;
    through the VPC go inputs and outputs alone. An isolated job calls nothing
    else, so that S3's gateway, which is free, is the only endpoint.
    """

    def __init__(
        self, scope: Construct, id: str, *, environment: str, shape: Shape, bucket_arns: Sequence[str], key: kms.IKey, log_days: int
    ) -> None:
        super().__init__(scope, id)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            # Looked up in CloudFormation, not at synth.
            availability_zones=[Fn.select(index, Fn.get_azs()) for index in range(shape.zones)],
            ip_addresses=ec2.IpAddresses.cidr(shape.cidr),
            nat_gateways=0,
            # The L2 construct would deploy a Lambda function for it.
            restrict_default_security_group=False,
            subnet_configuration=[ec2.SubnetConfiguration(name="jobs", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)],
        )
        reason = "Nothing is in the default group: each job names its own"
        policy.acknowledge(self.vpc, "NIST.800.53.R5-VPCDefaultSecurityGroupClosed", reason)
        self.security_group = self._security_group()
        self._s3_endpoint(bucket_arns)
        self._flow_logs(environment, key, log_days)

    @property
    def subnet_ids(self) -> list[str]:
        return [subnet.subnet_id for subnet in self.vpc.isolated_subnets]

    def _security_group(self) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(self, "Jobs", vpc=self.vpc, description="SageMaker jobs", allow_all_outbound=False)
        # The instances of one job talk to each other over ports that they choose.
        group.add_ingress_rule(group, ec2.Port.all_tcp(), "Instances of one job")
        group.add_egress_rule(group, ec2.Port.all_tcp(), "Instances of one job")
        # The only route out of the VPC is the endpoint's.
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "S3 through its endpoint")
        return group

    def _s3_endpoint(self, bucket_arns: Sequence[str]) -> None:
        endpoint = self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        endpoint.add_to_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],
                actions=["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListBucket", "s3:PutObject"],
                resources=[each for arn in bucket_arns for each in (arn, f"{arn}/*")],
            )
        )

    def _flow_logs(self, environment: str, key: kms.IKey, log_days: int) -> None:
        group = log_group(self, "FlowLogGroup", environment=environment, name="vpc-flow-logs", key=key, days=log_days)
        service = iam.ServicePrincipal("vpc-flow-logs.amazonaws.com")
        role = iam.Role(self, "FlowLogRole", assumed_by=service, description=f"Writes flow logs of {environment}")
        writes = Statement(
            sid="WriteFlowLogs",
            actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            resources=[group.log_group_arn],
        )
        policy.allow(self, "FlowLogPolicy", role=role, statements=[writes])
        ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_id=self.vpc.vpc_id,
            resource_type="VPC",
            traffic_type="ALL",
            log_group_name=group.log_group_name,
            deliver_logs_permission_arn=role.role_arn,
        )
