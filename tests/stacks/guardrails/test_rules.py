"""Each rule lets the real templates pass, and finds what is planted in them."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

import settings
from cloud_assembly import Assembly, Template
from pipeline_definition.pipeline import walk
from settings.network import ExistingVpc
from stacks.guardrails import pack
from stacks.guardrails.rules import Rule, Subject

RULES = {rule.id: rule for rule in pack.RULES}

Body = dict[str, Any]


class Plant:
    """A synthesized environment that a test breaks."""

    def __init__(self, assembly: Assembly, env: str) -> None:
        self.settings = settings.load(env)
        self._resolver = assembly
        self.bodies = {template.stack.rpartition("-")[2]: copy.deepcopy(dict(template.body)) for template in assembly.templates}
        self.definition: Body = copy.deepcopy(dict(next(assembly.pipelines()).definition))

    def resource(self, stack: str, name: str) -> Body:
        """The first resource whose logical id starts with a name."""
        found: Body = next(body for logical_id, body in self.bodies[stack]["Resources"].items() if logical_id.startswith(name))
        return found

    def step(self, name: str) -> Body:
        found = next(step for step in walk(self.definition["Steps"]) if step["Name"] == name)
        assert isinstance(found, dict)
        return found

    def statement(self, policy: str, sid: str) -> Body:
        statements = self.resource("pipeline", policy)["Properties"]["PolicyDocument"]["Statement"]
        found: Body = next(statement for statement in statements if statement["Sid"] == sid)
        return found

    def subject(self) -> Subject:
        self.resource("pipeline", "SageMakerPipeline")["Properties"]["PipelineDefinition"] = {
            "PipelineDefinitionBody": json.dumps(self.definition)
        }
        templates = [
            Template(template.stack, template.file, self.bodies[template.stack.rpartition("-")[2]]) for template in self._resolver.templates
        ]
        return Subject(Assembly(templates), self.settings)

    def found(self, rule: Rule) -> str:
        return "\n".join(f"{finding.resource.logical_id}: {finding.message}" for finding in rule.check(self.subject()))


def _change(plant: Plant, **changes: Any) -> None:
    plant.settings = plant.settings.model_copy(update=changes)


def _drop(body: Body, *path: str) -> None:
    for key in path[:-1]:
        body = body[key]
    del body[path[-1]]


def _shared_role(plant: Plant) -> None:
    plant.step("Evaluate")["Arguments"]["RoleArn"] = plant.step("Package")["Arguments"]["RoleArn"]


def _pipeline_role(plant: Plant) -> None:
    role = plant.resource("pipeline", "SageMakerPipeline")["Properties"]["RoleArn"]["Fn::GetAtt"][0]
    plant.step("Evaluate")["Arguments"]["RoleArn"] = f"arn:aws:iam::000000000000:role/{role}"


def _bucket_policy(plant: Plant, keep: Callable[[Body], bool]) -> None:
    document = plant.resource("foundation", "StorageDataPolicy")["Properties"]["PolicyDocument"]
    document["Statement"] = [statement for statement in document["Statement"] if keep(statement)]


def _attach(plant: Plant, policy: Any) -> None:
    plant.resource("pipeline", "EvaluateRole")["Properties"]["ManagedPolicyArns"] = [policy]


def _attach_registering(plant: Plant) -> None:
    """As ``role.add_managed_policy`` would write it: the role names the policy, not the other way round."""
    package = "arn:aws:sagemaker:::model-package/x"
    statement = {"Sid": "Own", "Effect": "Allow", "Action": "SageMaker:CreateModelPackage", "Resource": package}
    plant.bodies["pipeline"]["Resources"]["Added"] = {
        "Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {"Statement": [statement]}},
    }  # fmt: skip
    _attach(plant, {"Ref": "Added"})


def _let_in(plant: Plant, stack: str, name: str, field: str) -> None:
    document = plant.resource(stack, name)["Properties"][field]
    document["Statement"].append({"Sid": "Open", "Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"AWS": "*"}})


def _elsewhere(plant: Plant, action: str) -> None:
    for statement in plant.resource("foundation", "StorageDataPolicy")["Properties"]["PolicyDocument"]["Statement"]:
        if statement["Action"] == action:
            statement["Resource"] = "arn:aws:s3:::elsewhere/*"


def _tls(plant: Plant, **changes: Any) -> None:
    for statement in plant.resource("foundation", "StorageDataPolicy")["Properties"]["PolicyDocument"]["Statement"]:
        if "Bool" in statement.get("Condition", {}):
            statement.update(changes)


def _invert(plant: Plant) -> None:
    for statement in plant.resource("foundation", "StorageDataPolicy")["Properties"]["PolicyDocument"]["Statement"]:
        if "StringNotEquals" in statement.get("Condition", {}):
            statement["Condition"]["StringEquals"] = statement["Condition"].pop("StringNotEquals")


PLANTED: list[tuple[str, str, Callable[[Plant], Any], str]] = [
    ("job-volume-encrypted", "dev", lambda p: _drop(p.step("Train"), "Arguments", "ResourceConfig", "VolumeKmsKeyId"),
     "step Train, VolumeKmsKeyId: is missing"),
    ("job-volume-encrypted", "dev",
     lambda p: p.step("Evaluate")["Arguments"]["ProcessingResources"]["ClusterConfig"].update(VolumeKmsKeyId="alias/other"),
     "step Evaluate, VolumeKmsKeyId: is alias/other, which is not the environment's key"),
    ("job-output-encrypted", "dev", lambda p: _drop(p.step("Package"), "Arguments", "ProcessingOutputConfig", "KmsKeyId"),
     "step Package, KmsKeyId of the output: is missing"),
    ("job-isolated", "dev", lambda p: _drop(p.step("Train"), "Arguments", "EnableNetworkIsolation"),
     "step Train, EnableNetworkIsolation: must be True"),
    ("job-isolated", "dev", lambda p: _change(p, network_isolation=False), "step Preprocess, EnableNetworkIsolation: must be False"),
    ("job-traffic-encrypted", "dev",
     lambda p: p.step("Preprocess")["Arguments"]["NetworkConfig"].update(EnableInterContainerTrafficEncryption=False),
     "step Preprocess, EnableInterContainerTrafficEncryption: must be true"),
    ("job-in-vpc", "prod", lambda p: _drop(p.step("Evaluate"), "Arguments", "NetworkConfig", "VpcConfig"),
     "step Evaluate, VpcConfig: is missing, and network in settings says mode: isolated"),
    ("job-in-vpc", "prod", lambda p: _change(p, network=settings.load("dev").network), "step Train, VpcConfig: is there"),
    ("job-time-limited", "dev", lambda p: _drop(p.step("Train"), "Arguments", "StoppingCondition", "MaxRuntimeInSeconds"),
     "step Train, StoppingCondition.MaxRuntimeInSeconds: is missing"),
    ("job-time-limited", "dev",
     lambda p: p.step("Package")["Arguments"]["StoppingCondition"].update(MaxRuntimeInSeconds=86400), "is 86400; at most 3600"),
    ("job-own-role", "dev", _shared_role, "step Package, RoleArn: is the role of Evaluate too"),
    ("job-own-role", "dev", _pipeline_role, "step Evaluate, RoleArn: is missing or the pipeline's"),
    ("policy-reviewed-wildcard", "dev", lambda p: p.statement("TrainPolicy", "ReadInputs").update(Resource="*"),
     "statement ReadInputs: allows s3:GetObject on *"),
    ("policy-no-wildcard-action", "dev", lambda p: p.statement("TrainPolicy", "ReadInputs").update(Action=["s3:Get*"]),
     "statement ReadInputs: allows s3:Get*"),
    ("policy-no-wildcard-action", "dev", lambda p: p.statement("TrainPolicy", "ReadInputs").update(NotAction="s3:GetObject"),
     "statement ReadInputs: uses NotAction"),
    ("policy-pass-role", "dev", lambda p: _drop(p.statement("PipelinePolicy", "PassStepRoles"), "Condition"),
     "statement PassStepRoles: passes roles to any service"),
    ("policy-pass-role", "dev", lambda p: p.statement("PipelinePolicy", "PassStepRoles").update(Resource=["arn:aws:iam::1:role/*"]),
     "passes arn:aws:iam::1:role/*; name the roles"),
    ("policy-one-key-per-null", "dev",
     lambda p: p.statement("PipelineLimits", "DenyUnencryptedOutput")["Condition"]["Null"].update({"sagemaker:VolumeKmsKey": "true"}),
     "statement DenyUnencryptedOutput: has sagemaker:OutputKmsKey and sagemaker:VolumeKmsKey in one Null block"),
    ("step-role-no-api", "dev",
     lambda p: p.statement("EvaluatePolicy", "PullImage").update(Action=["sagemaker:CreateModelPackage", "ecr:BatchGetImage"]),
     "statement PullImage: lets step Evaluate call sagemaker:CreateModelPackage"),
    ("role-trust-this-account", "dev",
     lambda p: _drop(p.resource("pipeline", "TrainRole")["Properties"]["AssumeRolePolicyDocument"]["Statement"][0], "Condition"),
     "trusts SageMaker without aws:SourceAccount"),
    ("job-known-type", "dev", lambda p: p.step("Train").update(Type="AutoML"), "step Train, Type: is AutoML, which no rule looks at"),
    ("policy-reviewed-wildcard", "dev", lambda p: p.statement("TrainPolicy", "ReadInputs").update(Resource="arn:aws:s3:::*"),
     "allows s3:GetObject on arn:aws:s3:::*"),
    ("policy-reviewed-wildcard", "dev", lambda p: p.statement("TrainPolicy", "ReadInputs").update(Resource="**"), "on **"),
    ("policy-no-wildcard-action", "dev", lambda p: p.statement("TrainPolicy", "ReadInputs").update(Action="s3:Get?bject"),
     "allows s3:Get?bject"),
    ("policy-pass-role", "dev",
     lambda p: p.statement("PipelinePolicy", "PassStepRoles").update(
         Action="iam:passrole", Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}),
     "passes roles to ec2.amazonaws.com"),
    ("step-role-no-api", "dev", _attach_registering, "statement Own: lets step Evaluate call SageMaker:CreateModelPackage"),
    ("role-own-policies", "dev", lambda p: _attach(p, "arn:aws:iam::aws:policy/AdministratorAccess"),
     "has arn:aws:iam::aws:policy/AdministratorAccess, which these stacks do not make"),
    ("policy-named-principals", "dev", lambda p: _let_in(p, "foundation", "StorageDataPolicy", "PolicyDocument"), "lets everybody in"),
    ("policy-named-principals", "dev", lambda p: _let_in(p, "foundation", "Key", "KeyPolicy"), "Key: statement Open lets everybody in"),
    ("policy-named-principals", "dev", lambda p: _let_in(p, "pipeline", "TrainRole", "AssumeRolePolicyDocument"), "lets everybody in"),
    ("bucket-tls-only", "dev", lambda p: _elsewhere(p, "s3:*"), "DataBucket: no statement denies requests"),
    ("bucket-key-enforced", "dev", lambda p: _elsewhere(p, "s3:PutObject"), "DataBucket: does not deny objects with another key"),
    ("bucket-key-enforced", "dev", _invert, "DataBucket: does not deny objects with another kind of encryption"),
    ("bucket-key-enforced", "dev",
     lambda p: p.resource("foundation", "DataBucket")["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"][0][
         "ServerSideEncryptionByDefault"].update(KMSMasterKeyID="alias/aws/s3"),
     "DataBucket: has no key of ours as its default"),
    ("job-output-encrypted", "dev", lambda p: p.step("Train")["Arguments"]["OutputDataConfig"].update(KmsKeyId="alias/other"),
     "step Train, KmsKeyId of the output: is alias/other"),
    ("job-in-vpc", "prod", lambda p: _change(p, network=ExistingVpc(
        mode="existing", subnet_ids=("subnet-0123456789abcdef0",), security_group_ids=("sg-0123456789abcdef0",))),
     "step Train, VpcConfig.Subnets: are not those of network.subnet_ids in settings"),
    ("job-time-limited", "dev", lambda p: p.step("Train")["Arguments"]["StoppingCondition"].update(MaxRuntimeInSeconds=0), "is missing"),
    ("job-own-role", "dev", lambda p: _drop(p.step("Train"), "Arguments", "RoleArn"), "step Train, RoleArn: is missing"),
    ("policy-no-wildcard-action", "dev", lambda p: p.statement("TrainPolicy", "ReadInputs").update(NotResource="x"),
     "statement ReadInputs: uses NotAction or NotResource"),
    ("policy-reviewed-wildcard", "dev", lambda p: p.resource("pipeline", "TrainRole")["Properties"].update(Policies=[
        {"PolicyName": "Inline", "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}}]),
     "statement s3:GetObject: allows s3:GetObject on *"),
    ("step-role-no-api", "dev", lambda p: p.statement("EvaluatePolicy", "PullImage").update(Action=["sts:AssumeRole"]),
     "lets step Evaluate call sts:AssumeRole"),
    ("role-boundary", "dev", lambda p: (
        _change(p, permissions_boundary="TeamBoundary"),
        p.resource("pipeline", "TrainRole")["Properties"].update(PermissionsBoundary="arn:aws:iam::1:policy/Other")),
     "is arn:aws:iam::1:policy/Other; settings say TeamBoundary"),
    ("bucket-tls-only", "dev", lambda p: _tls(p, Effect="Allow"), "DataBucket: no statement denies requests"),
    ("bucket-tls-only", "dev", lambda p: _tls(p, Principal={"AWS": "arn:aws:iam::1:root"}), "DataBucket: no statement denies requests"),
    ("bucket-tls-only", "dev", lambda p: _tls(p, Condition={"Bool": {"aws:SecureTransport": "true"}}), "DataBucket: no statement denies"),
    ("bucket-private", "dev",
     lambda p: p.resource("foundation", "DataBucket")["Properties"]["PublicAccessBlockConfiguration"].update(RestrictPublicBuckets=False),
     "DataBucket: lacks RestrictPublicBuckets"),
    ("bucket-key-enforced", "dev", lambda p: _bucket_policy(p, lambda s: s.get("Sid") != "DenyUnnamedKey"), "with no key named"),
    ("stateful-retained", "prod", lambda p: p.resource("foundation", "DataBucket").update(UpdateReplacePolicy="Delete"),
     "DataBucket: is Delete"),
    ("stateful-retained", "prod", lambda p: p.resource("foundation", "StorageDataPolicy").update(DeletionPolicy="Delete"),
     "StorageDataPolicy6B7BFF8E: is Delete"),
    ("tags-present", "dev", lambda p: p.resource("pipeline", "TrainRole")["Properties"]["Tags"][0].update(Value="other"), "lack "),
    ("tags-present", "dev", lambda p: _drop(p.resource("foundation", "DataBucket"), "Properties", "Tags"), "DataBucket: lack"),
    ("tags-present", "dev", lambda p: p.step("Evaluate")["Arguments"].update(Tags=[]), "step Evaluate, Tags: lack"),
    ("definition-parameters", "dev",
     lambda p: p.definition["Parameters"].extend({"Name": f"P{number}", "Type": "String"} for number in range(200)),
     "parameters; an execution takes 200"),
    ("key-rotates", "dev", lambda p: _drop(p.resource("foundation", "Key"), "Properties", "EnableKeyRotation"), "Key: is not true"),
    ("role-boundary", "dev", lambda p: _change(p, permissions_boundary="TeamBoundary"), "is missing; settings say TeamBoundary"),
    ("bucket-tls-only", "dev", lambda p: _bucket_policy(p, lambda s: s["Action"] != "s3:*"), "DataBucket: no statement denies requests"),
    ("bucket-key-enforced", "dev", lambda p: _bucket_policy(p, lambda s: s.get("Sid") != "DenyCustomerKey"),
     "DataBucket: does not deny objects with a key of the caller's"),
    ("bucket-key-enforced", "dev", lambda p: _drop(p.resource("foundation", "ArtifactBucket"), "Properties", "BucketEncryption"),
     "ArtifactBucket: has no key of ours as its default"),
    ("bucket-private", "dev",
     lambda p: p.resource("foundation", "DataBucket")["Properties"]["PublicAccessBlockConfiguration"].update(BlockPublicAcls=False),
     "DataBucket: lacks BlockPublicAcls"),
    ("bucket-versioned", "dev", lambda p: _drop(p.resource("foundation", "AccessLogBucket"), "Properties", "VersioningConfiguration"),
     "AccessLogBucket: is not Enabled"),
    ("stateful-retained", "prod", lambda p: p.resource("foundation", "Key").update(DeletionPolicy="Delete"),
     "Key: is Delete; storage.retention in settings means Retain"),
    ("tags-present", "dev", lambda p: _drop(p.resource("pipeline", "TrainRole"), "Properties", "Tags"), "lack project, environment"),
    ("tags-present", "dev", lambda p: p.step("Train")["Arguments"].update(Tags=[]), "step Train, Tags: lack project, environment"),
    ("definition-valid", "dev", lambda p: p.step("Train")["Arguments"].update(InputDataConfg=[]), "step Train: "),
    ("definition-valid", "dev", lambda p: p.step("Evaluate")["Arguments"]["AppSpecification"].update(ContainerArguments=["x" * 257]),
     "has 257 characters; 256 are allowed"),
    ("definition-consistent", "dev",
     lambda p: p.step("Evaluate")["Arguments"]["AppSpecification"].update(ContainerArguments=[{"Get": "Parameters.Gone"}]),
     "uses the parameter Gone, which is not declared"),
    ("definition-parameters", "dev", lambda p: p.definition["Parameters"][0].update(Name="Claims Uri"), "parameter Claims Uri: a name is"),
    ("definition-parameters", "dev", lambda p: p.definition["Parameters"][0].update(DefaultValue="x" * 1025), "longer than 1024"),
    ("definition-size", "dev", lambda p: p.step("Train").update(Description="x" * 2**20), "1048576 are allowed"),
    ("definition-size", "dev",
     lambda p: p.resource("pipeline", "SageMakerPipeline")["Properties"].update(PipelineName="my_pipeline"), "the name my_pipeline is not"),
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_real_templates_pass(rule: Rule, assembly: Assembly) -> None:
    env = next(assembly.pipelines()).name.removeprefix("fraud-detection-")
    assert list(rule.check(Subject(assembly, settings.load(env)))) == []


@pytest.mark.parametrize(("rule", "env", "plant", "message"), PLANTED, ids=[f"{number}-{case[0]}" for number, case in enumerate(PLANTED)])
def test_what_is_planted_is_found(
    rule: str, env: str, plant: Callable[[Plant], Any], message: str, synthesized: Callable[[str], Assembly]
) -> None:
    planted = Plant(synthesized(env), env)
    assert planted.found(RULES[rule]) == ""
    plant(planted)
    assert message in planted.found(RULES[rule])


def test_every_rule_has_a_case_that_fails() -> None:
    assert {rule for rule, *_ in PLANTED} == set(RULES)


def test_rules_that_look_at_jobs_see_the_trials_of_a_tuning_step(synthesized: Callable[[str], Assembly]) -> None:
    planted = Plant(synthesized("dev"), "dev")
    step = planted.step("Train")
    first, second = step["Arguments"], copy.deepcopy(step["Arguments"])
    step["Type"], step["Arguments"] = "Tuning", {"TrainingJobDefinition": first, "TrainingJobDefinitions": [second]}
    # Trials of one step share its role.
    for rule in ("job-volume-encrypted", "job-own-role"):
        assert planted.found(RULES[rule]) == ""
    for definition in (first, second):
        key = definition["ResourceConfig"].pop("VolumeKmsKeyId")
        assert "step Train, VolumeKmsKeyId: is missing" in planted.found(RULES["job-volume-encrypted"])
        definition["ResourceConfig"]["VolumeKmsKeyId"] = key


def test_rules_that_look_at_jobs_see_a_transform(synthesized: Callable[[str], Assembly]) -> None:
    """It has neither a network nor a role nor a limit of its own: those are its model's."""
    planted = Plant(synthesized("dev"), "dev")
    step, key = planted.step("Train"), planted.step("Train")["Arguments"]["OutputDataConfig"]["KmsKeyId"]
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeKmsKeyId": key}
    step["Type"], step["Arguments"] = "Transform", {"TransformResources": resources, "TransformOutput": {"KmsKeyId": key}}
    jobs = [rule for rule in RULES if rule.startswith("job-")]
    assert [planted.found(RULES[rule]) for rule in jobs] == [""] * len(jobs)
    del step["Arguments"]["TransformOutput"]["KmsKeyId"]
    assert "step Train, KmsKeyId of the output: is missing" in planted.found(RULES["job-output-encrypted"])


def test_an_instance_with_disks_of_its_own_needs_no_volume_key(synthesized: Callable[[str], Assembly]) -> None:
    planted = Plant(synthesized("dev"), "dev")
    for parameter in planted.definition["Parameters"]:
        if parameter["Name"] == "TrainInstanceType":
            parameter["DefaultValue"] = "ml.g5.xlarge"
    del planted.step("Train")["Arguments"]["ResourceConfig"]["VolumeKmsKeyId"]
    assert planted.found(RULES["job-volume-encrypted"]) == ""


def test_rules_have_reasons_and_ids_of_their_own() -> None:
    assert len(RULES) == len(pack.RULES)
    assert all(rule.reason for rule in pack.RULES)
