"""The deployed pipeline: its definition, its roles, its triggers."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import cloud_assembly
import pipeline_definition
import settings
from cloud_assembly import Assembly, Pipeline
from fraud import local_resources
from pipeline_definition import Code, Network, Resources, images
from pipeline_definition.fraud_detection import assets
from pipeline_definition.instances import LOCAL_DISKS
from pipeline_definition.pipeline import walk
from stacks import layout
from stacks.functions import start_execution
from tests.support import synth

ENVIRONMENTS = settings.environments()


def _pipeline(assembly: Assembly) -> Pipeline:
    (pipeline,) = assembly.pipelines()
    return pipeline


def _statements(assembly: Assembly, role: str) -> list[dict[str, Any]]:
    """What the policies of a role say, resolved."""
    template = _pipeline(assembly).template
    found = []
    for policy in template.resources("AWS::IAM::ManagedPolicy"):
        resolved = assembly.resolved(policy, template)
        if any(name.startswith(role) for name in resolved["Roles"]):
            found += resolved["PolicyDocument"]["Statement"]
    assert found, role
    return found


def _allowed(assembly: Assembly, role: str, action: str) -> set[str]:
    """The resources that a role may do something to."""
    return {
        resource
        for statement in _statements(assembly, role)
        if statement["Effect"] == "Allow" and action in _list(statement["Action"])
        for resource in _list(statement["Resource"])
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_the_definition_is_the_one_that_runs_locally(assembly: Assembly) -> None:
    """What differs are names: of buckets, keys, roles and archives, and the network."""
    env = _pipeline(assembly).name.removeprefix("fraud-detection-")
    chosen = settings.load(env)
    deployed = _pipeline(assembly).definition
    steps = {step["Name"]: step for step in walk(deployed["Steps"])}
    named = local_resources.named(chosen)
    resources = Resources(
        artifact_bucket=steps["Train"]["Arguments"]["CheckpointConfig"]["S3Uri"]["Std:Join"]["Values"][0].removeprefix("s3://"),
        key=steps["Train"]["Arguments"]["OutputDataConfig"]["KmsKeyId"],
        role={step: _role(steps[step]) for step in named.role},
        code=_code(deployed),
        image=named.image,
        wheelhouse_uri=_input(steps["Preprocess"], "wheelhouse"),
        claims_uri=None,
        customers_uri=None,
        model_package_group=chosen.resource_name,
        network=_network(steps["Train"]["Arguments"], chosen),
        tags=chosen.tags,
    )
    assert deployed == json.loads(json.dumps(pipeline_definition.build(chosen, resources)))


def _code(definition: Mapping[str, Any]) -> dict[str, Code]:
    steps = {step["Name"]: step for step in walk(definition["Steps"])}
    parameters = definition["Parameters"]
    uris = {name: _input(step, "code") for name, step in steps.items() if step["Type"] == "Processing"}
    uris["NoChampion"] = next(e["DefaultValue"] for e in parameters if e["Name"] == "ChampionModelUri")
    uris["Serve"] = _input(steps["Package"], "serving-code")
    uris["Train"] = steps["Train"]["Arguments"]["InputDataConfig"][-1]["DataSource"]["S3DataSource"]["S3Uri"]
    # The definition is the same in every environment but for names; so is the code.
    brought = assets(settings.load("dev"))
    return {name: Code(uri, uri.rpartition("/")[2], brought[name].digest) for name, uri in uris.items()}


def _input(step: dict[str, Any], name: str) -> str:
    return next(str(entry["S3Input"]["S3Uri"]) for entry in step["Arguments"]["ProcessingInputs"] if entry["InputName"] == name)


def _network(arguments: dict[str, Any], chosen: settings.Settings) -> Network:
    vpc = arguments.get("VpcConfig", {})
    return Network(isolated=chosen.network_isolation, subnets=vpc.get("Subnets", ()), security_groups=vpc.get("SecurityGroupIds", ()))


def test_archives_are_those_that_the_steps_run(assembly: Assembly) -> None:
    """Each archive lies in the assembly under the hash that its step names, with the bytes that a local run takes."""
    env = _pipeline(assembly).name.removeprefix("fraud-detection-")
    keys = {asset.key: asset.path for asset in assembly.assets()}
    code = _code(_pipeline(assembly).definition)
    wanted = assets(settings.load(env))
    assert set(wanted) == set(code)
    for name, archive in wanted.items():
        assert keys[code[name].file_name].read_bytes() == archive.content


def test_an_edit_of_one_step_changes_the_code_of_that_step_alone(tmp_path: Path) -> None:
    project = synth.copy(tmp_path / "project")
    before = _synthesized_code(project, tmp_path / "before")
    script = project / "training_code/evaluate/__main__.py"
    script.write_text(script.read_text() + "\n# edited\n")
    after = _synthesized_code(project, tmp_path / "after")
    assert {step for step in before if before[step] != after[step]} == {"Evaluate"}


def _synthesized_code(project: Path, folder: Path) -> dict[str, str]:
    done = synth.synthesize("dev", folder, project=project)
    assert done.returncode == 0, done.stderr[-2000:]
    return {step: code.uri for step, code in _code(_pipeline(cloud_assembly.read(folder)).definition).items()}


def test_one_template_is_right_in_every_region(synthesized: Callable[[str], Assembly]) -> None:
    assembly = synthesized("dev")
    for region in images.table()["XGBoost"].accounts:
        there = Assembly(assembly.templates, cloud_assembly.Environment(region=region))
        uris = {
            step["Arguments"].get("AppSpecification", {}).get("ImageUri")
            or step["Arguments"].get("AlgorithmSpecification", {}).get("TrainingImage")
            for step in walk(_pipeline(there).definition["Steps"])
            if step["Type"] in ("Processing", "Training")
        }
        assert uris == {images.table()["XGBoost"].uri_in(region)}


JOBS = ("Preprocess", "Train", "Evaluate", "PreTrainingBias", "PostTrainingBias", "Explain", "Package", "ModelCard")
ROLES = (*JOBS, "CreateModel")


def _role(step: Mapping[str, Any]) -> str:
    return str(step["Arguments"].get("RoleArn") or step["Arguments"]["ExecutionRoleArn"])


@pytest.mark.parametrize(
    ("step", "reads", "writes"),
    [
        ("Preprocess", {"claims/*", "customers/*", "incoming/*/claims/*", "incoming/*/customers/*"},
         {f"runs/Preprocess/*/{name}/*" for name in ("train", "validation", "test", "quality", "records")}),
        ("Train", {"runs/Preprocess/*/train/*", "runs/Preprocess/*/validation/*", "checkpoints/Train/*"},
         {"runs/Train/*/*", "checkpoints/Train/*"}),
        ("Evaluate", {"runs/Preprocess/*/test/*", "runs/Train/*/*/output/model.tar.gz", "runs/Package/*/package/model.tar.gz"},
         {"runs/Evaluate/*/evaluation/*", "runs/Evaluate/*/predictions/*"}),
        ("PostTrainingBias", {"runs/Preprocess/*/test/*", "runs/Evaluate/*/predictions/*"}, {"runs/PostTrainingBias/*/bias/*"}),
        ("Package", {"runs/Evaluate/*/evaluation/*", "runs/Train/*/*/output/model.tar.gz", "runs/Preprocess/*/train/*"},
         {"runs/Package/*/package/*", "runs/Package/*/baseline/*"}),
    ],
)  # fmt: skip
def test_a_step_reads_its_inputs_and_writes_its_outputs(assembly: Assembly, step: str, reads: set[str], writes: set[str]) -> None:
    keys = {arn.partition("/")[2] for arn in _allowed(assembly, step, "s3:GetObject") if "cdk-" not in arn}
    code = {arn for arn in _allowed(assembly, step, "s3:GetObject") if "cdk-" in arn}
    assert keys == reads
    assert {arn.partition("/")[2] for arn in _allowed(assembly, step, "s3:PutObject")} == writes
    assert code
    assert not [arn for arn in code if "*" in arn]


def test_jobs_call_no_api_of_sagemaker_and_each_has_a_role_of_its_own(assembly: Assembly) -> None:
    for step in ROLES:
        actions = {action for statement in _statements(assembly, step) for action in _list(statement["Action"])}
        assert {action.partition(":")[0] for action in actions} <= {"s3", "kms", "logs", "cloudwatch", "ecr", "ec2"}
    roles = {_role(step) for step in walk(_pipeline(assembly).definition["Steps"]) if step["Name"] in ROLES}
    assert len(roles) == len(ROLES)


def test_a_model_reads_and_writes_what_its_transform_does(assembly: Assembly) -> None:
    assert {arn.partition("/")[2] for arn in _allowed(assembly, "CreateModel", "s3:GetObject")} == {
        "runs/Package/*/package/model.tar.gz", "runs/Preprocess/*/records/*",
    }  # fmt: skip
    assert {arn.partition("/")[2] for arn in _allowed(assembly, "CreateModel", "s3:PutObject")} == {"runs/BatchTransform/*/*"}
    (streams,) = _allowed(assembly, "CreateModel", "logs:PutLogEvents")
    assert "log-group:/aws/sagemaker/TransformJobs:" in streams


def test_the_pipeline_passes_exactly_the_roles_of_its_steps(assembly: Assembly) -> None:
    roles = {_role(step) for step in walk(_pipeline(assembly).definition["Steps"]) if step["Name"] in ROLES}
    assert _allowed(assembly, "Pipeline", "iam:PassRole") == roles
    (statement,) = (each for each in _statements(assembly, "Pipeline") if each["Action"] == "iam:PassRole")
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_only_the_pipeline_registers(assembly: Assembly) -> None:
    assert _allowed(assembly, "Pipeline", "sagemaker:CreateModelPackage")
    for step in ROLES:
        assert not _allowed(assembly, step, "sagemaker:CreateModelPackage")


def test_what_a_definition_must_not_ask_for_is_denied(assembly: Assembly) -> None:
    """Each key has a statement of its own, and what may be absent a Null beside it."""
    chosen = settings.load(_pipeline(assembly).name.removeprefix("fraud-detection-"))
    denied = {statement["Sid"]: statement["Condition"] for statement in _statements(assembly, "Pipeline") if statement["Effect"] == "Deny"}
    arguments = next(step["Arguments"] for step in walk(_pipeline(assembly).definition["Steps"]) if step["Name"] == "Train")
    key = arguments["OutputDataConfig"]["KmsKeyId"]
    longest = max(getattr(chosen.jobs, name).max_runtime_minutes for name in type(chosen.jobs).model_fields) * 60
    expected = {
        "DenyUnencryptedVolume": {
            "Null": {"sagemaker:VolumeKmsKey": "true"},
            "ForAnyValue:StringNotLike": {"sagemaker:InstanceTypes": list(LOCAL_DISKS)},
        },
        "DenyOtherVolumeKey": {"Null": {"sagemaker:VolumeKmsKey": "false"}, "ArnNotEquals": {"sagemaker:VolumeKmsKey": key}},
        "DenyUnencryptedOutput": {"Null": {"sagemaker:OutputKmsKey": "true"}},
        "DenyOtherOutputKey": {"Null": {"sagemaker:OutputKmsKey": "false"}, "ArnNotEquals": {"sagemaker:OutputKmsKey": key}},
        "DenyUnlimitedTime": {"Null": {"sagemaker:MaxRuntimeInSeconds": "true"}},
        "DenyLongTime": {"NumericGreaterThan": {"sagemaker:MaxRuntimeInSeconds": str(longest)}},
        "DenyNetwork": {"BoolIfExists": {"sagemaker:NetworkIsolation": "false"}},
        "DenyPlainTraffic": {"BoolIfExists": {"sagemaker:InterContainerTrafficEncryption": "false"}},
    }
    if "VpcConfig" in arguments:
        subnets, groups = arguments["VpcConfig"]["Subnets"], arguments["VpcConfig"]["SecurityGroupIds"]
        expected |= {
            "DenyNoSubnet": {"Null": {"sagemaker:VpcSubnets": "true"}},
            "DenyOtherSubnet": {"ForAnyValue:StringNotEquals": {"sagemaker:VpcSubnets": subnets}},
            "DenyNoSecurityGroup": {"Null": {"sagemaker:VpcSecurityGroupIds": "true"}},
            "DenyOtherSecurityGroup": {"ForAnyValue:StringNotEquals": {"sagemaker:VpcSecurityGroupIds": groups}},
        }
    assert {sid: _normal(condition) for sid, condition in denied.items()} == {
        sid: _normal(condition) for sid, condition in expected.items()
    }


def test_no_denial_asks_for_a_key_that_a_request_does_not_have(assembly: Assembly) -> None:
    """A Null on such a key is always true: it would deny the request whatever it says."""
    denials = {each["Sid"]: set(_list(each["Action"])) for each in _statements(assembly, "Pipeline") if each["Effect"] == "Deny"}
    jobs = {f"sagemaker:Create{name}Job" for name in ("Processing", "Training")}
    assert denials["DenyUnlimitedTime"] == denials["DenyPlainTraffic"] == jobs
    assert denials["DenyUnencryptedOutput"] == denials["DenyUnencryptedVolume"] == jobs | {"sagemaker:CreateTransformJob"}
    assert denials["DenyNetwork"] == jobs | {"sagemaker:CreateModel"}
    if "DenyNoSubnet" in denials:
        assert denials["DenyNoSubnet"] == jobs | {"sagemaker:CreateModel"}


def _normal(condition: dict[str, Any]) -> dict[str, Any]:
    """A single value and a list of one are the same to IAM."""
    return {operator: {key: _list(value) for key, value in keys.items()} for operator, keys in condition.items()}


def test_the_pipeline_waits_for_its_permissions(assembly: Assembly) -> None:
    """Otherwise an execution could start before its roles may do anything."""
    pipeline = _pipeline(assembly)
    policies = {policy.logical_id for policy in pipeline.template.resources("AWS::IAM::ManagedPolicy")}
    waited = set(pipeline.resource.body["DependsOn"])
    assert {policy for policy in policies if not policy.startswith("Triggers")} <= waited


def test_triggers_are_off_unless_they_are_set(synthesized: Callable[[str], Assembly]) -> None:
    assert not settings.Settings(name="new").triggers.are_on
    types = {resource.type for _, resource in synthesized("dev").resources()}
    assert not types & {"AWS::Events::Rule", "AWS::Lambda::Function"}
    assert not any("NotificationConfiguration" in bucket.properties for _, bucket in synthesized("dev").resources("AWS::S3::Bucket"))


def test_prod_starts_on_a_schedule_and_on_announced_batches(synthesized: Callable[[str], Assembly]) -> None:
    assembly = synthesized("prod")
    rules = [assembly.resolved(rule, template) for template, rule in assembly.resources("AWS::Events::Rule")]
    (schedule,) = (rule["ScheduleExpression"] for rule in rules if "ScheduleExpression" in rule)
    (pattern,) = (rule["EventPattern"] for rule in rules if "EventPattern" in rule)
    assert schedule == "cron(0 3 ? * SUN *)"
    assert pattern["detail"]["object"]["key"] == [{"wildcard": "incoming/*/_READY"}]
    (data,) = (bucket for _, bucket in assembly.resources("AWS::S3::Bucket") if bucket.logical_id == "DataBucket")
    assert data.properties["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_the_function_and_the_stacks_mean_the_same_places() -> None:
    """The function can import nothing of the project."""
    assert (start_execution.BATCHES, start_execution.MARKER) == (layout.BATCHES, layout.MARKER)


def test_a_boundary_is_on_every_role(tmp_path: Path) -> None:
    file = tmp_path / "bound.yaml"
    file.write_text("permissions_boundary: TeamBoundary\ntriggers: {new_data: true}\nnetwork: {mode: isolated}\n")
    done = synth.synthesize(str(file), tmp_path / "out", has_guardrails=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assembly = cloud_assembly.read(tmp_path / "out")
    roles = [assembly.resolved(role, template) for template, role in assembly.resources("AWS::IAM::Role")]
    assert len(roles) == len(ROLES) + 3
    assert {role["PermissionsBoundary"] for role in roles} == {"arn:aws:iam::000000000000:policy/TeamBoundary"}


def test_stacks_stand_in_order_and_prod_is_protected(synthesized: Callable[[str], Assembly]) -> None:
    folder = synthesized("prod").templates[0].file.parent
    artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"]
    name = "fraud-detection-prod"
    assert f"{name}-foundation" in artifacts[f"{name}-network"]["dependencies"]
    assert f"{name}-network" in artifacts[f"{name}-pipeline"]["dependencies"]
    protected = {part: artifacts[f"{name}-{part}"]["properties"].get("terminationProtection") for part in ("foundation", "pipeline")}
    assert protected == {"foundation": True, "pipeline": False}


def test_the_trigger_may_do_what_it_does_and_hears_of_its_own_bucket_alone(synthesized: Callable[[str], Assembly]) -> None:
    assembly = synthesized("prod")
    assert _allowed(assembly, "Triggers", "sagemaker:StartPipelineExecution") == {
        "arn:aws:sagemaker:eu-west-1:000000000000:pipeline/fraud-detection-prod"
    }
    for action in ("s3:ListBucket", "s3:ListBucketVersions"):
        (bucket,) = _allowed(assembly, "Triggers", action)
        assert bucket == "arn:aws:s3:::fraud-detection-prod-foundation-databucket"
    for action in ("ListModelPackages", "DescribeModelPackage", "ListPipelineExecutions", "ListPipelineParametersForExecution"):
        assert _allowed(assembly, "Triggers", f"sagemaker:{action}")
    rules = [assembly.resolved(rule, template) for template, rule in assembly.resources("AWS::Events::Rule")]
    (pattern,) = (rule["EventPattern"] for rule in rules if "EventPattern" in rule)
    assert pattern["detail"]["bucket"] == {"name": ["fraud-detection-prod-foundation-databucket"]}
    # Neither what cannot be delivered nor what the function cannot do gets lost.
    (queue,) = (queue.logical_id for _, queue in assembly.resources("AWS::SQS::Queue"))
    assert all(target["DeadLetterConfig"]["Arn"].endswith(queue) for rule in rules for target in rule["Targets"])
    (function,) = (assembly.resolved(function, template) for template, function in assembly.resources("AWS::Lambda::Function"))
    assert function["DeadLetterConfig"]["TargetArn"].endswith(queue)
    assert function["Environment"]["Variables"] == {
        "DATA_BUCKET": "fraud-detection-prod-foundation-databucket", "PIPELINE_NAME": "fraud-detection-prod",
        "MODEL_PACKAGE_GROUP": "fraud-detection-prod",
    }  # fmt: skip


def test_the_vpc_leads_to_the_data_and_to_the_code_and_nowhere_else(synthesized: Callable[[str], Assembly]) -> None:
    assembly = synthesized("prod")
    ((template, endpoint),) = assembly.resources("AWS::EC2::VPCEndpoint")
    (statement,) = assembly.resolved(endpoint, template)["PolicyDocument"]["Statement"]
    buckets = {
        "fraud-detection-prod-foundation-databucket", "fraud-detection-prod-foundation-artifactbucket",
        "cdk-hnb659fds-assets-000000000000-eu-west-1",
    }  # fmt: skip
    assert set(statement["Resource"]) == {f"arn:aws:s3:::{bucket}{rest}" for bucket in buckets for rest in ("", "/*")}
    ((template, group),) = assembly.resources("AWS::EC2::SecurityGroup")
    (egress,) = assembly.resolved(group, template)["SecurityGroupEgress"]
    assert (egress["FromPort"], egress["ToPort"]) == (443, 443)


def test_storage_is_kept_as_long_as_the_settings_say(synthesized: Callable[[str], Assembly]) -> None:
    for env in ENVIRONMENTS:
        storage = settings.load(env).storage
        buckets = {bucket.logical_id: bucket.properties for _, bucket in synthesized(env).resources("AWS::S3::Bucket")}
        rules = {
            (name, rule["Id"]): (rule.get("ExpirationInDays"), rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"))
            for name, properties in buckets.items()
            for rule in properties["LifecycleConfiguration"]["Rules"]
        }
        assert rules[("AccessLogBucket", "expire")] == (storage.access_log_days, None)
        assert rules[("DataBucket", "housekeeping")] == (None, storage.noncurrent_days)
        assert rules[("ArtifactBucket", "expire-runs-Train")] == (storage.intermediate_days, None)
        groups = [group.properties["RetentionInDays"] for _, group in synthesized(env).resources("AWS::Logs::LogGroup")]
        assert all(days == storage.log_days for days in groups)


def test_without_isolation_nothing_asks_for_it(tmp_path: Path) -> None:
    file = tmp_path / "open.yaml"
    file.write_text("network_isolation: false\n")
    done = synth.synthesize(str(file), tmp_path / "out", has_guardrails=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assembly = cloud_assembly.read(tmp_path / "out")
    assert "DenyNetwork" not in {statement.get("Sid") for statement in _statements(assembly, "Pipeline")}


def test_a_region_without_the_image_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "far.yaml"
    file.write_text('account: "111111111111"\nregion: eu-west-9\n')
    done = synth.synthesize(str(file), tmp_path / "out")
    assert done.returncode == 2
    assert "region: the image XGBoost is not in eu-west-9; it is in" in done.stderr


def test_a_schedule_alone_brings_its_function(tmp_path: Path) -> None:
    file = tmp_path / "weekly.yaml"
    file.write_text("triggers: {schedule: rate(7 days)}\n")
    assert synth.synthesize(str(file), tmp_path / "out").returncode == 0
    assembly = cloud_assembly.read(tmp_path / "out")
    (rule,) = (rule.properties for _, rule in assembly.resources("AWS::Events::Rule"))
    assert rule["ScheduleExpression"] == "rate(7 days)"
    assert len(list(assembly.resources("AWS::Lambda::Function"))) == 1


def test_jobs_run_in_an_existing_vpc(tmp_path: Path) -> None:
    file = tmp_path / "there.yaml"
    file.write_text(
        'account: "111111111111"\nregion: eu-central-1\n'
        "network: {mode: existing, subnet_ids: [subnet-0123456789abcdef0], security_group_ids: [sg-0123456789abcdef0]}\n"
    )
    done = synth.synthesize(str(file), tmp_path / "out", has_guardrails=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assembly = cloud_assembly.read(tmp_path / "out")
    assert not list(assembly.resources("AWS::EC2::VPC"))
    for step in walk(_pipeline(assembly).definition["Steps"]):
        if step["Name"] in JOBS:
            network = step["Arguments"].get("NetworkConfig", step["Arguments"])
            assert network["VpcConfig"] == {"SecurityGroupIds": ["sg-0123456789abcdef0"], "Subnets": ["subnet-0123456789abcdef0"]}
    # An account in the settings needs no look-up there.
    assert "missing" not in json.loads((tmp_path / "out" / "manifest.json").read_text())
