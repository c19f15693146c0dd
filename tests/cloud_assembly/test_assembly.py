"""Reading what a synth has written, and what it says where that cannot be read."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cloud_assembly
from cloud_assembly import Assembly, AssemblyError, Environment, Template
from cloud_assembly.intrinsics import Resolver

BUCKET = {"Type": "AWS::S3::Bucket"}
ROLE = {"Type": "AWS::IAM::Role"}


def _template(resources: dict[str, Any], **sections: Any) -> Template:
    return Template("stack", Path("stack.template.json"), {"Resources": resources} | sections)


def _resolve(value: Any, **sections: Any) -> Any:
    resources = {
        "Bucket": BUCKET, "Role": ROLE, "Queue": {"Type": "AWS::SQS::Queue"}, "Function": {"Type": "AWS::Lambda::Function"},
        "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/mine"}},
        "Group": {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": {"ModelPackageGroupName": "claims"}},
        "Pipeline": {"Type": "AWS::SageMaker::Pipeline", "Properties": {"PipelineName": "claims-pipeline"}},
    }  # fmt: skip
    return Resolver(_template(resources, **sections), exports={"shared": "value"}).resolve(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Ref": "Bucket"}, "stack-bucket"),
        ({"Ref": "Given"}, "default"),
        ({"Ref": "Needed"}, "<Needed>"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "arn:aws:s3:::stack-bucket"),
        ({"Fn::GetAtt": "Role.Arn"}, "arn:aws:iam::000000000000:role/Role"),
        ({"Fn::Join": ["-", ["a", {"Ref": "AWS::AccountId"}]]}, "a-000000000000"),
        ({"Fn::Sub": "s3://${Bucket}/${!literal}/${AWS::Partition}"}, "s3://stack-bucket/${literal}/aws"),
        ({"Fn::Sub": ["${x}-${Role.Arn}", {"x": {"Ref": "Bucket"}}]}, "stack-bucket-arn:aws:iam::000000000000:role/Role"),
        ({"Fn::ImportValue": "shared"}, "value"),
        ({"Fn::FindInMap": ["Map", {"Ref": "AWS::Region"}, "k"]}, "found"),
        ({"Fn::Select": [1, {"Fn::Split": [",", "a,b"]}]}, "b"),
        ({"Fn::Select": ["0", {"Fn::GetAZs": ""}]}, "eu-west-1a"),
        ({"a": ["x", {"Ref": "AWS::NoValue"}], "b": {"Ref": "AWS::NoValue"}}, {"a": ["x"]}),
        ({"Fn::GetAtt": ["Log", "Arn"]}, "arn:aws:logs:eu-west-1:000000000000:log-group:/mine:*"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "arn:aws:sqs:eu-west-1:000000000000:Queue"),
        ({"Fn::GetAtt": ["Function", "Arn"]}, "arn:aws:lambda:eu-west-1:000000000000:function:Function"),
        ({"Ref": "Group"}, "arn:aws:sagemaker:eu-west-1:000000000000:model-package-group/claims"),
        ({"Ref": "Pipeline"}, "claims-pipeline"),
    ],
)
def test_functions_resolve(value: Any, expected: Any) -> None:
    parameters = {"Given": {"Type": "String", "Default": "default"}, "Needed": {"Type": "String"}}
    assert _resolve(value, Parameters=parameters, Mappings={"Map": {"eu-west-1": {"k": "found"}}}) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Ref": "Gone"}, "refers to Gone, which is not in it"),
        ({"Fn::GetAtt": ["Gone", "Arn"]}, "refers to Gone"),
        ({"Fn::ImportValue": "gone"}, "imports gone, which no other template here exports"),
        ({"Fn::FindInMap": ["Map", "nowhere", "k"]}, "the mapping Map has no nowhere with k"),
        ({"Fn::Transform": {}}, "uses Fn::Transform, which is not resolved here"),
    ],
)
def test_what_cannot_be_resolved_is_named(value: Any, message: str) -> None:
    with pytest.raises(AssemblyError, match=message):
        _resolve(value, Mappings={"Map": {}})


_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abc"), inner)
)


@given(_plain)
def test_plain_data_stays_as_it_is(value: Any) -> None:
    assert _resolve(value) == value


def test_the_same_thing_has_the_same_stand_in_wherever_it_is_referred_to() -> None:
    first = _template({"Bucket": BUCKET}, Outputs={"Out": {"Value": {"Ref": "Bucket"}, "Export": {"Name": "bucket"}}})
    user = Template("user", Path("user.template.json"), {"Resources": {"R": ROLE | {"Properties": {"B": {"Fn::ImportValue": "bucket"}}}}})
    assembly = Assembly([first, user])
    (resource,) = user.resources()
    assert assembly.resolved(resource, user)["B"] == assembly.resolver(first).resolve({"Ref": "Bucket"})


def test_a_region_decides_what_a_mapping_gives() -> None:
    template = _template({"Role": ROLE | {"Properties": {"A": {"Ref": "AWS::Region"}}}})
    (resource,) = template.resources()
    assert Assembly([template], Environment(region="us-east-1")).resolved(resource, template) == {"A": "us-east-1"}


def _write(folder: Path, artifacts: dict[str, Any], **files: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    for name, content in files.items():
        (folder / f"{name}.template.json").write_text(json.dumps(content))
    return folder


def _stack(name: str, *dependencies: str) -> dict[str, Any]:
    properties = {"templateFile": f"{name}.template.json", "stackName": f"my-{name}"}
    return {"type": "aws:cloudformation:stack", "properties": properties, "dependencies": list(dependencies)}


def test_stacks_come_in_order_of_dependence_and_from_nested_assemblies(tmp_path: Path) -> None:
    _write(tmp_path / "nested", {"c": _stack("c")}, c={"Resources": {}})
    nested = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "nested"}}
    empty: dict[str, Any] = {"Resources": {}}
    _write(tmp_path, {"a": _stack("a", "b"), "b": _stack("b"), "n": nested}, a=empty, b=empty, old=empty)
    assert [template.stack for template in cloud_assembly.read(tmp_path).templates] == ["my-b", "my-a", "my-c"]


def test_a_template_that_an_earlier_synth_has_left_is_not_part_of_it(tmp_path: Path) -> None:
    _write(tmp_path, {"a": _stack("a")}, a={"Resources": {}}, old={"Resources": {}})
    with pytest.raises(AssemblyError, match="is not one of the templates"):
        cloud_assembly.read(tmp_path / "old.template.json")


@pytest.mark.parametrize(
    ("content", "message"), [("{", "is not JSON"), ("[]", "has no Resources"), ('{"Resources": []}', "has no Resources")]
)
def test_a_file_that_is_no_template_is_a_clear_error(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "a.template.json"
    file.write_text(content)
    with pytest.raises(AssemblyError, match=message):
        Template.load(file)


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(AssemblyError, match="cannot be read: No such file"):
        Template.load(tmp_path / "gone.json")


def test_a_definition_that_is_no_json_is_a_clear_error() -> None:
    body = {"PipelineName": "p", "PipelineDefinition": {"PipelineDefinitionBody": "{"}}
    template = _template({"P": {"Type": "AWS::SageMaker::Pipeline", "Properties": body}})
    with pytest.raises(AssemblyError, match="the definition of P is not JSON"):
        list(Assembly([template]).pipelines())


def test_assets_have_the_name_that_a_deployment_gives_them(tmp_path: Path) -> None:
    _write(tmp_path, {"a": _stack("a")}, a={"Resources": {}})
    entry = {
        "source": {"path": "asset.1.zip"},
        "destinations": {"d": {"bucketName": "assets-${AWS::AccountId}-${AWS::Region}", "objectKey": "1.zip"}},
    }
    own = {"source": {"path": "a.template.json"}, "destinations": {"d": {"bucketName": "b", "objectKey": "k"}}}
    (tmp_path / "a.assets.json").write_text(json.dumps({"files": {"1": entry, "2": own}}))
    (asset,) = cloud_assembly.read(tmp_path).assets()
    assert (asset.path, asset.bucket, asset.key) == (tmp_path / "asset.1.zip", "assets-000000000000-eu-west-1", "1.zip")
