"""The actions that may be allowed on every resource, each with the API's reason; docs/guardrails.md lists them."""

REVIEWED = {
    "cloudwatch:PutMetricData": "Metrics have no ARN; the policies limit the namespace",
    "ec2:DescribeDhcpOptions": "EC2's describe calls take no resource; jobs in a VPC need them to attach",
    "ec2:DescribeNetworkInterfaces": "EC2's describe calls take no resource; jobs in a VPC need them to attach",
    "ec2:DescribeSecurityGroups": "EC2's describe calls take no resource; jobs in a VPC need them to attach",
    "ec2:DescribeSubnets": "EC2's describe calls take no resource; jobs in a VPC need them to attach",
    "ec2:DescribeVpcs": "EC2's describe calls take no resource; jobs in a VPC need them to attach",
    "ecr:GetAuthorizationToken": "A token is an account's; what it may pull is limited to one repository",
}
