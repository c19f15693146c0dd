"""An environment's whole life, with the real CDK CLI, in an emulated account.

State is asserted with boto3: the CLI reports success of what the emulation has
not done. The tests are one story, in order.
"""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

import settings
from pipeline_definition.fraud_detection import assets
from pipeline_definition.pipeline import walk
from pipeline_definition.validation import findings
from tests.conftest import PROJECT
from tests.deployment.conftest import ACCOUNT, Account, definition_of
from tests.support.claims import Tables

pytestmark = pytest.mark.slow

PIPELINE = GROUP = "fraud-detection-dev"
STACKS = {f"{PIPELINE}-foundation", f"{PIPELINE}-pipeline"}


def _stacks(account: Account) -> set[str]:
    found = account.client("cloudformation").describe_stacks()["Stacks"]
    assert all(stack["StackStatus"].endswith("_COMPLETE") for stack in found), found
    return {stack["StackName"] for stack in found} - {"CDKToolkit"}


def _outputs(account: Account) -> dict[str, str]:
    stack = account.client("cloudformation").describe_stacks(StackName=f"{PIPELINE}-foundation")["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _roles(account: Account) -> dict[str, Any]:
    return {role["Arn"]: role for role in account.client("iam").list_roles()["Roles"] if PIPELINE in role["RoleName"]}


def _executions(account: Account) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = account.client("sagemaker").list_pipeline_executions(PipelineName=PIPELINE)["PipelineExecutionSummaries"]
    return found


def _parameters(account: Account, arn: str) -> dict[str, str]:
    found = account.client("sagemaker").list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
    return {parameter["Name"]: parameter["Value"] for parameter in found}


def test_before_the_bootstrap_deploy_says_how(account: Account) -> None:
    done = account.fraud("deploy", "--yes")
    assert done.code == 2
    assert f"has not been bootstrapped: run `.venv/bin/fraud cdk bootstrap aws://{ACCOUNT}/eu-west-1` once" in done.error


def test_before_the_deployment_start_says_how(bootstrapped: Account) -> None:
    done = bootstrapped.fraud("start")
    assert done.code == 2
    assert f"dev is not deployed in account {ACCOUNT}, region eu-west-1" in done.error
    assert "run `make deploy ENV=dev`" in done.error


def test_deploy_brings_up_what_the_pipeline_needs(bootstrapped: Account) -> None:
    """By the CDK CLI alone, as somebody would who does not know the `fraud` command."""
    done = bootstrapped.cdk("deploy", "--all", "--require-approval", "never", "--method=direct", "-c", "env=dev")
    assert done.code == 0, done.error[-3000:]
    assert _stacks(bootstrapped) == STACKS


def test_the_buckets_are_as_the_template_says(bootstrapped: Account) -> None:
    s3, outputs = bootstrapped.client("s3"), _outputs(bootstrapped)
    for bucket in (outputs["DataBucketName"], outputs["ArtifactBucketName"]):
        rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
        assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": outputs["KeyArn"]}
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
        assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
        assert {"Bool": {"aws:SecureTransport": "false"}} in [statement.get("Condition") for statement in policy["Statement"]]
        assert "accesslogbucket" in s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"]["TargetBucket"]
    assert bootstrapped.client("kms").get_key_rotation_status(KeyId=outputs["KeyArn"])["KeyRotationEnabled"]


_STEPS = (
    "Preprocess", "Train", "Evaluate", "PreTrainingBias", "PostTrainingBias", "Explain", "Package", "QualityGate",
    "ModelCard", "Register", "CreateModel", "BatchTransform", "Reject",
)  # fmt: skip


def test_the_pipeline_is_the_definition_and_its_code_is_there(bootstrapped: Account) -> None:
    definition = definition_of(bootstrapped, PIPELINE)
    assert findings(definition) == []
    assert definition["PipelineExperimentConfig"] is None
    steps = {step["Name"]: step for step in walk(definition["Steps"])}
    assert list(steps) == list(_STEPS)
    brought = assets(settings.load("dev"))
    for step in ("Preprocess", "Evaluate", "Package"):
        uri = next(entry["S3Input"]["S3Uri"] for entry in steps[step]["Arguments"]["ProcessingInputs"] if entry["InputName"] == "code")
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        assert bootstrapped.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read() == brought[step].content
    roles = _roles(bootstrapped)
    used = {arn for step in steps.values() if (arn := step["Arguments"].get("RoleArn") or step["Arguments"].get("ExecutionRoleArn"))}
    assert len(used) == 9
    assert used < set(roles)
    for arn in used:
        attached = bootstrapped.client("iam").list_attached_role_policies(RoleName=arn.partition("/")[2])["AttachedPolicies"]
        assert len(attached) == 1


def test_the_group_lies_in_its_collections(bootstrapped: Account) -> None:
    groups = bootstrapped.client("resource-groups").list_groups()["Groups"]
    assert {group["Name"] for group in groups} == {"insurance-dev", "auto-claims-dev"}
    described = bootstrapped.client("sagemaker").describe_model_package_group(ModelPackageGroupName=GROUP)
    tags = bootstrapped.client("sagemaker").list_tags(ResourceArn=described["ModelPackageGroupArn"])["Tags"]
    assert {"Key": "sagemaker:collection-path:2", "Value": "insurance-dev/auto-claims-dev"} in tags


def test_start_uploads_the_claims_once_and_starts_the_pipeline_on_them(bootstrapped: Account, synthetic: Tables) -> None:
    arguments = ("start", "--claims", synthetic.claims, "--customers", synthetic.customers, "--param", "ReviewCapacity=0.05", "--json")
    first, second = bootstrapped.fraud(*arguments, "--wait"), bootstrapped.fraud(*arguments)
    assert (first.code, second.code) == (0, 0), first.error + second.error
    assert "uploading" in first.error
    assert "is there already" in second.error
    assert "uploading" not in second.error
    assert (first.json["status"], second.json["status"]) == ("Succeeded", "Executing")
    given = _parameters(bootstrapped, first.json["execution"])
    assert given == _parameters(bootstrapped, second.json["execution"])
    assert given["ReviewCapacity"] == "0.05"
    bucket, _, prefix = given["ClaimsUri"].removeprefix("s3://").partition("/")
    assert bucket == _outputs(bootstrapped)["DataBucketName"]
    (stored,) = bootstrapped.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    assert bootstrapped.client("s3").get_object(Bucket=bucket, Key=stored["Key"])["Body"].read() == synthetic.claims.read_bytes()


def test_start_resolves_the_champion(bootstrapped: Account, synthetic: Tables) -> None:
    sagemaker = bootstrapped.client("sagemaker")
    for number, status in enumerate(("Approved", "PendingManualApproval"), 1):
        sagemaker.create_model_package(
            ModelPackageGroupName=GROUP, ModelApprovalStatus=status,
            InferenceSpecification={
                "Containers": [{"Image": "image", "ModelDataUrl": f"s3://models/{number}/model.tar.gz"}],
                "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"],
            },
        )  # fmt: skip
    done = bootstrapped.fraud("start", "--claims", synthetic.claims, "--customers", synthetic.customers, "--json")
    assert _parameters(bootstrapped, done.json["execution"])["ChampionModelUri"] == "s3://models/1/model.tar.gz"


def test_start_waits_for_the_end_and_names_what_failed(bootstrapped: Account, synthetic: Tables, tmp_path: Path) -> None:
    claims = tmp_path / "fails.csv"
    claims.write_bytes(synthetic.claims.read_bytes())
    done = bootstrapped.fraud("start", "--claims", claims, "--customers", synthetic.customers, "--wait")
    assert done.code == 1
    assert "Failed: arn:aws:sagemaker" in done.out
    assert "Reject: The model did not pass the quality gate" in done.out


def test_start_takes_what_lies_in_the_data_bucket(bootstrapped: Account) -> None:
    bucket = _outputs(bootstrapped)["DataBucketName"]
    uris = {table: f"s3://{bucket}/{table}/abc/" for table in ("claims", "customers")}
    done = bootstrapped.fraud("start", "--claims", uris["claims"], "--customers", uris["customers"], "--json")
    assert done.code == 0, done.error
    assert _parameters(bootstrapped, done.json["execution"])["ClaimsUri"] == uris["claims"]


@pytest.mark.parametrize(
    ("param", "message"),
    [
        ("ReviewCapcity=0.1", "--param ReviewCapcity: fraud-detection-dev has no such parameter; it has ClaimsUri, CustomersUri"),
        ("ModelApprovalStatus=Maybe", "--param ModelApprovalStatus=Maybe: may be PendingManualApproval, Approved, Rejected"),
        ("ReviewCapacity", "is not of the form Name=Value"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(bootstrapped: Account, synthetic: Tables, param: str, message: str) -> None:
    done = bootstrapped.fraud("start", "--claims", synthetic.claims, "--customers", synthetic.customers, "--param", param)
    assert (done.code, message in done.error) == (2, True), done.error


def test_an_error_of_aws_is_said_without_a_traceback(bootstrapped: Account) -> None:
    """SageMaker does not answer, while CloudFormation does."""
    done = bootstrapped.fraud("start", "--claims", "s3://x", "--customers", "s3://x", AWS_ENDPOINT_URL_SAGEMAKER="http://127.0.0.1:9")
    assert (done.code, "Traceback" in done.error) == (1, False), done.error
    assert "error: AWS: Could not connect" in done.error


def test_an_upload_that_was_cut_short_is_made_again(bootstrapped: Account, synthetic: Tables) -> None:
    arguments = ("start", "--claims", synthetic.claims, "--customers", synthetic.customers, "--json")
    uri = _parameters(bootstrapped, bootstrapped.fraud(*arguments).json["execution"])["ClaimsUri"]
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    key = f"{prefix}{synthetic.claims.name}"
    bootstrapped.client("s3").put_object(Bucket=bucket, Key=key, Body=b"half")
    assert "uploading" in bootstrapped.fraud(*arguments).error
    assert bootstrapped.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read() == synthetic.claims.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--claims", "gone.csv", "--customers", "gone.csv"], "--claims: there is no file or folder gone.csv"),
        (["--claims", "s3://elsewhere/claims/x", "--customers", "s3://elsewhere/customers/x"], "is not where the jobs may read: s3://"),
        (["--claims", "a.csv"], "--claims and --customers go together"),
        ([], "no batch has been announced"),
    ],
)
def test_start_says_what_is_wrong_with_its_data(bootstrapped: Account, arguments: list[str], message: str) -> None:
    done = bootstrapped.fraud("start", *arguments)
    assert (done.code, message in done.error) == (2, True), done.error


def test_another_account_than_the_settings_say_is_refused(bootstrapped: Account, settings_file: Path) -> None:
    other = settings_file.with_name("other.yaml")
    other.write_text(f'{settings_file.read_text()}account: "999999999999"\nregion: eu-west-1\n')
    for command in (["deploy", "--yes"], ["start"], ["destroy", "--yes"]):
        done = bootstrapped.fraud(*command, "--env", other)
        assert done.code == 2
        assert f"the credentials are for account {ACCOUNT}, and settings say that other is account 999999999999" in done.error


def test_a_changed_setting_is_deployed(bootstrapped: Account, settings_file: Path) -> None:
    """A machine, a trigger, a network, an account that may serve: resources are added and updated, none replaced."""
    before, roles = _outputs(bootstrapped), _roles(bootstrapped)
    changed = yaml.safe_load(settings_file.read_text()) | {
        "jobs": {"train": {"instance_type": "ml.m5.2xlarge"}},
        "network": {"mode": "isolated"},
        "triggers": {"new_data": True, "schedule": "rate(7 days)"},
        "trusted_accounts": ["222222222222"],
    }
    settings_file.write_text(yaml.safe_dump(changed))
    done = bootstrapped.deploy(settings_file)
    assert done.code == 0, done.error[-3000:]
    assert _stacks(bootstrapped) == STACKS | {f"{PIPELINE}-network"}
    assert _outputs(bootstrapped) == before
    definition = definition_of(bootstrapped, PIPELINE)
    defaults = {parameter["Name"]: parameter.get("DefaultValue") for parameter in definition["Parameters"]}
    assert defaults["TrainInstanceType"] == "ml.m5.2xlarge"
    train = next(step["Arguments"] for step in definition["Steps"] if step["Name"] == "Train")
    subnets = bootstrapped.client("ec2").describe_subnets(SubnetIds=train["VpcConfig"]["Subnets"])["Subnets"]
    assert len({subnet["AvailabilityZone"] for subnet in subnets}) == 2
    assert set(roles) < set(_roles(bootstrapped))
    policy = json.loads(bootstrapped.client("sagemaker").get_model_package_group_policy(ModelPackageGroupName=GROUP)["ResourcePolicy"])
    assert policy["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::222222222222:root"}
    key = json.loads(bootstrapped.client("kms").get_key_policy(KeyId=before["KeyArn"], PolicyName="default")["Policy"])
    assert "TrustedAccounts" in [statement.get("Sid") for statement in key["Statement"]]


def test_the_jobs_network_leads_nowhere_but_to_s3(bootstrapped: Account) -> None:
    ec2 = bootstrapped.client("ec2")
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"]
    here = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    for table in ec2.describe_route_tables(Filters=here)["RouteTables"]:
        assert all(route.get("GatewayId", "").startswith(("local", "vpce-")) for route in table["Routes"]), table["Routes"]
    assert not ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc["VpcId"]]}])["InternetGateways"]
    (endpoint,) = ec2.describe_vpc_endpoints(Filters=here)["VpcEndpoints"]
    assert endpoint["ServiceName"].endswith(".s3")
    (log,) = ec2.describe_flow_logs()["FlowLogs"]
    assert (log["ResourceId"], log["LogGroupName"]) == (vpc["VpcId"], f"/{PIPELINE}/vpc-flow-logs")


def test_an_announced_batch_starts_the_pipeline(bootstrapped: Account) -> None:
    """S3's event, the rule, and the deployed function, which runs as it was uploaded."""
    before = {execution["PipelineExecutionArn"] for execution in _executions(bootstrapped)}
    bucket = _outputs(bootstrapped)["DataBucketName"]
    for key in ("claims/part.csv", "customers/part.csv", "_READY"):
        bootstrapped.client("s3").put_object(Bucket=bucket, Key=f"incoming/2026-06/{key}", Body=b"x")
    deadline = time.monotonic() + 60
    while not (new := [each for each in _executions(bootstrapped) if each["PipelineExecutionArn"] not in before]):
        assert time.monotonic() < deadline, "no execution was started"
        time.sleep(0.5)
    (execution,) = new
    parameters = _parameters(bootstrapped, execution["PipelineExecutionArn"])
    assert parameters["ClaimsUri"] == f"s3://{bucket}/incoming/2026-06/claims/"
    assert parameters["ChampionModelUri"] == "s3://models/1/model.tar.gz"


def test_start_takes_the_newest_batch(bootstrapped: Account) -> None:
    done = bootstrapped.fraud("start", "--json")
    assert done.json["parameters"]["ClaimsUri"].endswith("/incoming/2026-06/claims/")


def test_diff_is_clean_after_a_deployment(bootstrapped: Account, settings_file: Path) -> None:
    done = bootstrapped.cdk("diff", "--fail", "--method=template", "-c", f"env={settings_file}", "-c", "guardrails=false")
    assert done.code == 0, done.out + done.error
    assert "Number of stacks with differences: 0" in done.out + done.error


def test_a_deployment_of_nothing_new_changes_nothing(bootstrapped: Account, settings_file: Path) -> None:
    def events() -> int:
        client = bootstrapped.client("cloudformation")
        return sum(len(client.describe_stack_events(StackName=name)["StackEvents"]) for name in _stacks(bootstrapped))

    before = events()
    assert bootstrapped.deploy(settings_file).code == 0
    assert events() == before


def test_the_cli_synthesizes_what_app_py_does(bootstrapped: Account, tmp_path: Path) -> None:
    from tests.support import synth

    assert bootstrapped.cdk("synth", "--quiet", "-c", "env=prod", "-c", "guardrails=false").code == 0
    assert synth.synthesize("prod", tmp_path / "app").returncode == 0
    names = sorted(file.name for file in (tmp_path / "app").glob("*.template.json"))
    assert len(names) == 3
    for name in names:
        assert (bootstrapped.folder / "cdk.out" / name).read_bytes() == (tmp_path / "app" / name).read_bytes()


def test_a_stack_that_the_settings_ask_for_no_more_is_named(bootstrapped: Account, settings_file: Path) -> None:
    """The CDK forgets it; and destroy has to find it all the same."""
    settings_file.write_text(yaml.safe_dump(yaml.safe_load(settings_file.read_text()) | {"network": {"mode": "none"}}))
    done = bootstrapped.deploy(settings_file)
    assert done.code == 0, done.error[-3000:]
    assert f"note: {PIPELINE}-network stands, and the settings of dev ask for it no more" in done.out
    assert f"{PIPELINE}-network" in _stacks(bootstrapped)


def test_nothing_is_destroyed_that_nobody_confirms(bootstrapped: Account, settings_file: Path) -> None:
    """Without a terminal nobody can, unless --yes says so beforehand."""
    standing = _stacks(bootstrapped)
    done = bootstrapped.fraud("destroy", "--env", settings_file)
    assert (done.code, "without a terminal nobody can confirm: give --yes" in done.error) == (2, True), done.error
    assert _stacks(bootstrapped) == standing
    assert _executions(bootstrapped)


def test_destroy_leaves_nothing(bootstrapped: Account, settings_file: Path) -> None:
    """With claims, models, access logs, a deleted object and a running execution. The bootstrap is the account's, and stays."""
    key, bucket = _outputs(bootstrapped)["KeyArn"], _outputs(bootstrapped)["DataBucketName"]
    bootstrapped.client("s3").delete_object(Bucket=bucket, Key="incoming/2026-06/_READY")
    running = bootstrapped.client("sagemaker").start_pipeline_execution(
        PipelineName=PIPELINE, PipelineExecutionDisplayName="lasts", ClientRequestToken="t" * 32
    )["PipelineExecutionArn"]
    bootstrapped.client("logs").create_log_group(logGroupName="/aws/sagemaker/TrainingJobs")
    done = bootstrapped.run("make", "--no-print-directory", "destroy", f"ENV={settings_file}", "ARGS=--yes --json")
    assert done.code == 0, done.error[-3000:]
    assert f"stopping {running}" in done.error
    bootstrapped.client("logs").delete_log_group(logGroupName="/aws/sagemaker/TrainingJobs")
    assert _stacks(bootstrapped) == set()
    left = {bucket["Name"] for bucket in bootstrapped.client("s3").list_buckets()["Buckets"]}
    assert all(name.startswith("cdk-hnb659fds-assets") for name in left)
    assert not _roles(bootstrapped)
    assert not bootstrapped.client("iam").list_policies(Scope="Local")["Policies"]
    for service, call, field in (
        ("sagemaker", "list_pipelines", "PipelineSummaries"), ("sagemaker", "list_model_package_groups", "ModelPackageGroupSummaryList"),
        ("sagemaker", "list_model_packages", "ModelPackageSummaryList"), ("resource-groups", "list_groups", "Groups"),
        ("logs", "describe_log_groups", "logGroups"), ("lambda", "list_functions", "Functions"), ("events", "list_rules", "Rules"),
        ("ec2", "describe_vpc_endpoints", "VpcEndpoints"), ("ec2", "describe_flow_logs", "FlowLogs"),
    ):  # fmt: skip
        assert getattr(bootstrapped.client(service), call)()[field] == [], call
    assert "QueueUrls" not in bootstrapped.client("sqs").list_queues()
    assert not bootstrapped.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"]
    assert not [alias for alias in bootstrapped.client("kms").list_aliases()["Aliases"] if PIPELINE in alias["AliasName"]]
    # What nobody can delete is listed.
    assert bootstrapped.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    listed = json.loads(done.out[done.out.index("{") :])["left"]
    assert any(key.rpartition("/")[2] in line for line in listed)
    assert any("/aws/sagemaker/TrainingJobs" in line for line in listed)


def test_destroying_again_is_no_error(bootstrapped: Account, settings_file: Path) -> None:
    done = bootstrapped.fraud("destroy", "--env", settings_file, "--yes")
    assert done.code == 0
    assert f"nothing of dev stands in account {ACCOUNT}" in done.out


def test_a_retained_environment_is_not_destroyed(bootstrapped: Account) -> None:
    done = bootstrapped.fraud("destroy", "--env", "prod", "--yes")
    assert done.code == 2
    assert "prod keeps its data (storage.retention: retain)" in done.error


def test_prod_deploys_and_is_protected(bootstrapped: Account, tmp_path: Path) -> None:
    assert bootstrapped.deploy("prod").code == 0
    outputs = bootstrapped.client("cloudformation").describe_stacks(StackName="fraud-detection-prod-foundation")["Stacks"][0]["Outputs"]
    bucket = next(output["OutputValue"] for output in outputs if output["OutputKey"] == "DataBucketName")
    bootstrapped.client("s3").put_object(Bucket=bucket, Key="claims/part.csv", Body=b"claims")
    # What was deployed decides, and not what a file says by now.
    changed = tmp_path / "prod.yaml"
    changed.write_text((PROJECT / "settings" / "prod.yaml").read_text().replace("retention: retain", "retention: destroy"))
    done = bootstrapped.fraud("destroy", "--env", changed, "--yes")
    assert (done.code, "was deployed to keep its data, whatever the settings say now" in done.error) == (2, True), done.error
    assert bootstrapped.client("s3").get_object(Bucket=bucket, Key="claims/part.csv")["Body"].read() == b"claims"
    stack = "fraud-detection-prod-foundation"
    assert bootstrapped.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["EnableTerminationProtection"]
    done = bootstrapped.cdk("destroy", "--force", "-c", "env=prod", "-c", "guardrails=false", "fraud-detection-prod-pipeline", stack)
    assert done.code != 0
    assert stack in _stacks(bootstrapped)
