"""Managed policies whose wildcards each have a reason.

Managed and not inline, so that a person finds them in the account's list of
policies, with their versions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement; ``why`` says why a resource has to have a wildcard."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[str]
    conditions: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""

    def __post_init__(self) -> None:
        if not self.why and any("*" in resource for resource in self.resources):
            raise ValueError(f"statement {self.sid} has a wildcard among its resources and does not say why")

    def to_json(self, effect: str) -> dict[str, Any]:
        """The statement as IAM writes it, CDK tokens included."""
        found: dict[str, Any] = {"Sid": self.sid, "Effect": effect, "Action": list(self.actions), "Resource": list(self.resources)}
        return found | ({"Condition": dict(self.conditions)} if self.conditions else {})


def allow(scope: Construct, id: str, *, role: iam.IRole, statements: Sequence[Statement]) -> iam.ManagedPolicy:
    """A policy of this role that allows the statements, each wildcard acknowledged with its reason."""
    policy = _policy(scope, id, role, "Allow", statements)
    wild = [(resource, statement.why) for statement in statements for resource in statement.resources if "*" in resource]
    # All at once: each call goes to another process.
    resolved = Stack.of(scope).resolve([resource for resource, _ in wild])
    findings = {f"AwsSolutions-IAM5[Resource::{_as_reported(each)}]": why for each, (_, why) in zip(resolved, wild, strict=True)}
    if findings:
        Validations.of(policy).acknowledge(*(Acknowledgment(id=rule, reason=why) for rule, why in findings.items()))
    return policy


def deny(scope: Construct, id: str, *, role: iam.IRole, statements: Sequence[Statement]) -> iam.ManagedPolicy:
    """A policy of this role that denies the statements, whatever else allows them."""
    return _policy(scope, id, role, "Deny", statements)


def _policy(scope: Construct, id: str, role: iam.IRole, effect: str, statements: Sequence[Statement]) -> iam.ManagedPolicy:
    body = {"Version": "2012-10-17", "Statement": [statement.to_json(effect) for statement in statements]}
    return iam.ManagedPolicy(scope, id, roles=[role], document=iam.PolicyDocument.from_json(body))


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept one finding of one rule at one construct."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))


def _as_reported(resource: Any) -> str:
    """A resource in the words of cdk-nag's findings, which is how one is told from another."""
    return "".join(_parts(resource))


def _parts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case {"Fn::Join": [separator, parts]}:
            yield separator.join("".join(_parts(part)) for part in parts)
        case {"Ref": name}:
            yield f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            yield f"<{name}.{attribute}>"
        case {"Fn::ImportValue": name} | {"Fn::Sub": name}:
            yield from _parts(name)
        case _:
            raise ValueError(f"{value} has no form that findings would name")
