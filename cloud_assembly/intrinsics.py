"""Resolves CloudFormation's intrinsic functions without an account.

What only a deployment knows (the ARN of a role, the name of a bucket) becomes
a stand-in of the right form, made of the logical id: the same thing has the
same stand-in wherever it is referred to.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cloud_assembly.errors import AssemblyError
from cloud_assembly.template import Template


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where a template is imagined to be deployed."""

    account: str = "000000000000"
    region: str = "eu-west-1"
    partition: str = "aws"
    url_suffix: str = "amazonaws.com"


NOWHERE = Environment()
_NO_VALUE = {"Ref": "AWS::NoValue"}


@dataclass(frozen=True)
class Resolver:
    """Resolves values of one template; ``exports`` are what other stacks export, by name."""

    template: Template
    environment: Environment = NOWHERE
    exports: Mapping[str, Any] = field(default_factory=dict)

    def resolve(self, value: Any) -> Any:
        """The value with plain data in place of functions.

        Raises:
            AssemblyError: a function that is not known here, or a reference that leads nowhere.
        """
        if isinstance(value, list):
            return [self.resolve(inner) for inner in value if inner != _NO_VALUE]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref" or name.startswith("Fn::"):
                return self._call(name, argument)
        return {key: self.resolve(inner) for key, inner in value.items() if inner != _NO_VALUE}

    def _call(self, name: str, argument: Any) -> Any:
        functions: Mapping[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Join": lambda a: a[0].join(str(part) for part in self.resolve(a[1])),
            "Fn::Sub": self._sub,
            "Fn::FindInMap": self._find_in_map,
            "Fn::ImportValue": self._import,
            "Fn::Select": lambda a: self.resolve(a[1])[int(a[0])],
            "Fn::Split": lambda a: self.resolve(a[1]).split(a[0]),
            "Fn::GetAZs": lambda a: [self.environment.region + zone for zone in "abc"],
        }
        if name not in functions:
            raise AssemblyError(f"{self.template.file.name} uses {name}, which is not resolved here")
        return functions[name](argument)

    def _ref(self, name: str) -> Any:
        pseudo = {
            "AWS::AccountId": self.environment.account,
            "AWS::Region": self.environment.region,
            "AWS::Partition": self.environment.partition,
            "AWS::URLSuffix": self.environment.url_suffix,
            "AWS::StackName": self.template.stack,
        }
        if name in pseudo:
            return pseudo[name]
        parameter = self.template.body.get("Parameters", {}).get(name)
        if parameter is not None:
            return parameter.get("Default", f"<{name}>")
        kind = self._type_of(name)
        forms: Mapping[str, Callable[[], Any]] = {
            "AWS::S3::Bucket": lambda: _bucket_name(self.template.stack, name),
            "AWS::EC2::Subnet": lambda: f"subnet-{_hex(name)}",
            "AWS::EC2::SecurityGroup": lambda: f"sg-{_hex(name)}",
            "AWS::EC2::VPC": lambda: f"vpc-{_hex(name)}",
            "AWS::SageMaker::ModelPackageGroup": lambda: self._arn(name, kind),
            "AWS::IAM::ManagedPolicy": lambda: self._arn(name, kind),
            "AWS::SageMaker::Pipeline": lambda: self.resolve(self._properties(name)["PipelineName"]),
        }
        return forms.get(kind, lambda: name)()

    def _get_att(self, argument: Any) -> Any:
        name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        kind = self._type_of(name)
        if attribute.endswith("Arn"):
            return self._arn(name, kind)
        if attribute == "GroupId":
            return f"sg-{_hex(name)}"
        return f"{name}.{attribute}"

    def _arn(self, name: str, kind: str) -> str:
        at = f"{self.environment.region}:{self.environment.account}"
        partition = f"arn:{self.environment.partition}"
        if kind == "AWS::S3::Bucket":
            return f"{partition}:s3:::{_bucket_name(self.template.stack, name)}"
        if kind == "AWS::SageMaker::ModelPackageGroup":
            group = self.resolve(self._properties(name)["ModelPackageGroupName"])
            return f"{partition}:sagemaker:{at}:model-package-group/{group}"
        if kind.startswith("AWS::IAM::"):
            return f"{partition}:iam::{self.environment.account}:{'role' if kind.endswith('Role') else 'policy'}/{name}"
        if kind == "AWS::Logs::LogGroup":
            return f"{partition}:logs:{at}:log-group:{self.resolve(self._properties(name)['LogGroupName'])}:*"
        if kind == "AWS::SQS::Queue":
            return f"{partition}:sqs:{at}:{name}"
        if kind == "AWS::Lambda::Function":
            return f"{partition}:lambda:{at}:function:{name}"
        _, service, resource = kind.split("::")
        return f"{partition}:{service.lower()}:{at}:{resource.lower()}/{name}"

    def _sub(self, argument: Any) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in own:
                return str(self.resolve(own[name]))
            return str(self._get_att(name) if "." in name else self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", value, text)

    def _find_in_map(self, argument: list[Any]) -> Any:
        name, first, second = (self.resolve(key) for key in argument[:3])
        try:
            return self.template.body["Mappings"][name][first][second]
        except KeyError:
            raise AssemblyError(f"{self.template.file.name}: the mapping {name} has no {first} with {second}") from None

    def _import(self, argument: Any) -> Any:
        name = self.resolve(argument)
        if name not in self.exports:
            raise AssemblyError(f"{self.template.file.name} imports {name}, which no other template here exports")
        return self.exports[name]

    def _type_of(self, name: str) -> str:
        if name not in self.template.body["Resources"]:
            raise AssemblyError(f"{self.template.file.name} refers to {name}, which is not in it")
        return str(self.template.body["Resources"][name]["Type"])

    def _properties(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.template.body["Resources"][name].get("Properties", {})
        return found


def _hex(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:17]


def _bucket_name(stack: str, name: str) -> str:
    return f"{stack}-{name}".lower()[:63]
