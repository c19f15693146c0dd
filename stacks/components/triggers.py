"""What starts the pipeline without a person: a schedule, and batches that are announced."""

from pathlib import Path

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from settings.triggers import Triggers as Wanted
from stacks import arns, functions, layout
from stacks.components import policy
from stacks.components.log_group import log_group
from stacks.components.policy import Statement

_CODE = Path(functions.__file__).with_name("start_execution.py")


class Triggers(Construct):
    """Rules, the function that they call, and the queue of what it could not do.

    A rule alone could not start the pipeline: it can neither look up the
    champion nor make an URI of a bucket and a key.
    """

    def __init__(
        self, scope: Construct, id: str, *, wanted: Wanted, pipeline: str, group: str, data_bucket: str, key: kms.IKey, log_days: int
    ) -> None:
        super().__init__(scope, id)
        self.failures = sqs.Queue(
            self, "Failures", encryption=sqs.QueueEncryption.SQS_MANAGED, enforce_ssl=True, retention_period=Duration.days(14)
        )
        self.function = self._function(pipeline, group, data_bucket, key, log_days)
        if wanted.schedule:
            self._rule("Schedule", schedule=events.Schedule.expression(wanted.schedule))
        if wanted.new_data:
            self._rule("NewData", event_pattern=_announcements(data_bucket))

    def _function(self, pipeline: str, group: str, data_bucket: str, key: kms.IKey, log_days: int) -> lambda_.Function:
        group_of_logs = log_group(self, "Log", environment=pipeline, name="start-execution", key=key, days=log_days)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), description=f"Starts {pipeline}")
        statements = [*_start(pipeline, group), _find_batches(data_bucket), _log(group_of_logs), _hand_over(self.failures)]
        allowed = policy.allow(self, "Policy", role=role, statements=statements)
        function = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"{_CODE.stem}.handler",
            code=lambda_.Code.from_asset(str(_CODE.parent), exclude=["__pycache__", "__init__.py"]),
            description=f"Starts {pipeline} on a batch of claims",
            role=role.without_policy_updates(),
            environment={"DATA_BUCKET": data_bucket, "PIPELINE_NAME": pipeline, "MODEL_PACKAGE_GROUP": group},
            log_group=group_of_logs,
            dead_letter_queue=self.failures,
            retry_attempts=2,
            timeout=Duration.minutes(1),
        )
        function.node.add_dependency(allowed)
        policy.acknowledge(function, "NIST.800.53.R5-LambdaInsideVPC", "It calls the APIs of AWS alone, and holds no data")
        policy.acknowledge(function, "NIST.800.53.R5-LambdaConcurrency", "It runs now and then; new accounts have nothing to reserve from")
        return function

    def _rule(self, id: str, *, schedule: events.Schedule | None = None, event_pattern: events.EventPattern | None = None) -> None:
        events.Rule(
            self,
            id,
            schedule=schedule,
            event_pattern=event_pattern,
            targets=[
                targets.LambdaFunction(
                    self.function, dead_letter_queue=self.failures, retry_attempts=2, max_event_age=Duration.hours(2)
                )
            ],
        )


def _announcements(data_bucket: str) -> events.EventPattern:
    return events.EventPattern(
        source=["aws.s3"],
        detail_type=["Object Created"],
        detail={
            "bucket": {"name": [data_bucket]},
            "object": {"key": [{"wildcard": f"{layout.BATCHES}/*/{layout.MARKER}"}]},
        },
    )


def _start(pipeline: str, group: str) -> list[Statement]:
    return [
        Statement(sid="Start", actions=["sagemaker:StartPipelineExecution"], resources=[arns.arn("sagemaker", f"pipeline/{pipeline}")]),
        Statement(
            sid="FindExecutions",
            actions=["sagemaker:ListPipelineExecutions", "sagemaker:ListPipelineParametersForExecution"],
            resources=[arns.arn("sagemaker", f"pipeline/{pipeline}"), arns.arn("sagemaker", f"pipeline/{pipeline}/execution/*")],
            why="Executions are numbered when they start",
        ),
        Statement(
            sid="FindChampion",
            actions=["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"],
            resources=[arns.arn("sagemaker", kind) for kind in (f"model-package-group/{group}", f"model-package/{group}/*")],
            why="Versions of the group are numbered when they are made",
        ),
    ]


def _find_batches(data_bucket: str) -> Statement:
    return Statement(
        sid="FindBatches",
        actions=["s3:ListBucket", "s3:ListBucketVersions"],
        resources=[arns.bucket_arn(data_bucket)],
        conditions={"StringLike": {"s3:prefix": [f"{layout.BATCHES}/*"]}},
    )


def _log(group: logs.LogGroup) -> Statement:
    return Statement(
        sid="WriteLogs",
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        # With the streams of the group, which are part of its ARN.
        resources=[group.log_group_arn],
    )


def _hand_over(failures: sqs.Queue) -> Statement:
    return Statement(sid="KeepFailures", actions=["sqs:SendMessage"], resources=[failures.queue_arn])
