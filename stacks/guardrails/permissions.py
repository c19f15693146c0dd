"""Rules on roles and their policies."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cloud_assembly import Resource, Template
from stacks.guardrails.jobs import jobs
from stacks.guardrails.reviewed_wildcards import REVIEWED
from stacks.guardrails.rules import Finding, Subject, rule


@dataclass(frozen=True)
class Statement:
    """A statement of an identity's policy, resolved."""

    template: Template
    resource: Resource
    roles: tuple[str, ...]
    body: Mapping[str, Any]

    @property
    def is_allowed(self) -> bool:
        return bool(self.body.get("Effect") == "Allow")

    @property
    def actions(self) -> list[str]:
        return _list(self.body.get("Action"))

    @property
    def resources(self) -> list[str]:
        return _list(self.body.get("Resource"))

    @property
    def conditions(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.body.get("Condition", {})
        return found

    def finding(self, text: str) -> Finding:
        name = self.body.get("Sid", ", ".join(self.actions))
        return Finding(self.template, self.resource, "PolicyDocument", f"statement {name}: {text}")


def statements(subject: Subject) -> Iterator[Statement]:
    """Those of managed policies, of policies beside roles, and of policies inside roles."""
    for template, resource in subject.assembly.resources():
        if not resource.type.startswith("AWS::IAM::"):
            continue
        properties = subject.assembly.resolved(resource, template)
        roles = tuple(properties.get("Roles", ())) or (resource.logical_id,)
        documents = [properties.get("PolicyDocument"), *(policy["PolicyDocument"] for policy in properties.get("Policies", ()))]
        for document in documents:
            for body in _list((document or {}).get("Statement")):
                yield Statement(template, resource, roles, body)


@rule("policy-reviewed-wildcard", "On every resource means on those of all other projects of the account, too")
def reviewed_wildcard(subject: Subject) -> Iterator[Finding]:
    for statement in statements(subject):
        unreviewed = [action for action in statement.actions if action not in REVIEWED]
        if statement.is_allowed and "*" in statement.resources and unreviewed:
            yield statement.finding(
                f"allows {', '.join(unreviewed)} on *; name the resources, or have the action reviewed in reviewed_wildcards.py"
            )


@rule("policy-no-wildcard-action", "Such a permission grows with each action that AWS adds")
def no_wildcard_action(subject: Subject) -> Iterator[Finding]:
    for statement in statements(subject):
        if statement.is_allowed and (wild := [action for action in statement.actions if "*" in action]):
            yield statement.finding(f"allows {', '.join(wild)}; name the actions")
        if "NotAction" in statement.body or "NotResource" in statement.body:
            yield statement.finding("uses NotAction or NotResource, which allow what nobody has thought of")


@rule("policy-pass-role", "Whoever can pass any role to any service can do whatever those roles can")
def pass_role(subject: Subject) -> Iterator[Finding]:
    for statement in statements(subject):
        if not statement.is_allowed or "iam:PassRole" not in statement.actions:
            continue
        if "iam:PassedToService" not in statement.conditions.get("StringEquals", {}):
            yield statement.finding("passes roles without iam:PassedToService")
        if wild := [resource for resource in statement.resources if "*" in resource]:
            yield statement.finding(f"passes {', '.join(wild)}; name the roles")


@rule("policy-one-key-per-null", "Keys in one Null block are ANDed: a deny with two of them denies next to nothing")
def one_key_per_null(subject: Subject) -> Iterator[Finding]:
    for statement in statements(subject):
        if len(keys := statement.conditions.get("Null", {})) > 1:
            yield statement.finding(f"has {' and '.join(keys)} in one Null block; write a statement for each")


@rule("step-role-no-api", "A job is code of many hands: it reads and writes files and calls no SageMaker API")
def no_registry_call(subject: Subject) -> Iterator[Finding]:
    step_of = {job.role: job.step for job in jobs(subject)}
    for statement in statements(subject):
        calls = [action for action in statement.actions if action.partition(":")[0] in ("sagemaker", "iam", "sts", "lambda")]
        if statement.is_allowed and calls:
            for role in statement.roles:
                arn = subject.assembly.resolver(statement.template).resolve({"Fn::GetAtt": [role, "Arn"]})
                if arn in step_of:
                    yield statement.finding(f"lets step {step_of[arn]} call {', '.join(calls)}")


@rule("role-trust-this-account", "A service that acts for every account could be made to act for another's")
def trust_this_account(subject: Subject) -> Iterator[Finding]:
    for template, role in subject.assembly.resources("AWS::IAM::Role"):
        for body in subject.assembly.resolved(role, template)["AssumeRolePolicyDocument"]["Statement"]:
            is_trusted = "sagemaker.amazonaws.com" in _list(body.get("Principal", {}).get("Service"))
            if is_trusted and "aws:SourceAccount" not in body.get("Condition", {}).get("StringEquals", {}):
                yield Finding(template, role, "AssumeRolePolicyDocument", "trusts SageMaker without aws:SourceAccount")


@rule("role-boundary", "The boundary is what an account's owner relies on, whatever a policy says")
def boundary(subject: Subject) -> Iterator[Finding]:
    wanted = subject.settings.permissions_boundary
    if not wanted:
        return
    for template, role in subject.assembly.resources("AWS::IAM::Role"):
        found = str(subject.assembly.resolved(role, template).get("PermissionsBoundary", ""))
        if not found.endswith(f":policy/{wanted}"):
            yield Finding(template, role, "PermissionsBoundary", f"is {found or 'missing'}; settings say {wanted}")


def _list(value: Any) -> list[Any]:
    """A policy's lists may be single values."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


RULES = (reviewed_wildcard, no_wildcard_action, pass_role, one_key_per_null, no_registry_call, trust_this_account, boundary)
