"""The smallest CDK app: one stack, one bucket. The measure for the synth of ours."""

import sys

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

app = cdk.App(outdir=sys.argv[1], analytics_reporting=False)
s3.Bucket(cdk.Stack(app, "Stack"), "Bucket")
app.synth()
