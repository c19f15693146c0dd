"""Rules on roles and their policies."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from cloud_assembly import Resource, Template
from stacks.guardrails.jobs import jobs
from stacks.guardrails.reviewed_wildcards import REVIEWED
from stacks.guardrails.rules import Finding, Subject, rule

_EVERYTHING = re.compile(r"\*+|arn:\*+|arn(:[^:]*){4}:\*+")
_APIS = ("iam", "lambda", "sagemaker", "sts")
_RESOURCE_POLICIES = {
    "AWS::IAM::Role": "AssumeRolePolicyDocument",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::SageMaker::ModelPackageGroup": "ModelPackageGroupPolicy",
}


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

    def may(self, action: str) -> bool:
        """Whether it allows an action; IAM minds neither case nor who writes out what a wildcard means."""
        return self.is_allowed and any(fnmatchcase(action.lower(), pattern.lower()) for pattern in self.actions)

    @property
    def conditions(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.body.get("Condition", {})
        return found

    def finding(self, text: str) -> Finding:
        name = self.body.get("Sid", ", ".join(self.actions))
        return Finding(self.template, self.resource, "PolicyDocument", f"statement {name}: {text}")


def statements(subject: Subject) -> Iterator[Statement]:
    """Those of managed policies, of policies beside roles, and of policies inside roles."""
    attached = _attached(subject)
    for template, resource in subject.assembly.resources():
        if not resource.type.startswith("AWS::IAM::"):
            continue
        properties = subject.assembly.resolved(resource, template)
        arn = subject.assembly.resolver(template).resolve({"Ref": resource.logical_id})
        named = (*properties.get("Roles", ()), *attached.get(arn, ()))
        roles = named if resource.type != "AWS::IAM::Role" else (resource.logical_id,)
        documents = [properties.get("PolicyDocument"), *(policy["PolicyDocument"] for policy in properties.get("Policies", ()))]
        for document in documents:
            for body in _list((document or {}).get("Statement")):
                yield Statement(template, resource, roles, body)


def _attached(subject: Subject) -> dict[str, list[str]]:
    """The roles that name a policy themselves, by the policy's ARN."""
    found: dict[str, list[str]] = {}
    for template, role in subject.assembly.resources("AWS::IAM::Role"):
        for arn in subject.assembly.resolved(role, template).get("ManagedPolicyArns", ()):
            found.setdefault(arn, []).append(role.logical_id)
    return found


@rule("policy-reviewed-wildcard", "On every resource means on those of all other projects of the account, too")
def reviewed_wildcard(subject: Subject) -> Iterator[Finding]:
    for statement in statements(subject):
        unreviewed = [action for action in statement.actions if action not in REVIEWED]
        everything = [resource for resource in statement.resources if _EVERYTHING.fullmatch(resource)]
        if statement.is_allowed and everything and unreviewed:
            allowed = f"allows {', '.join(unreviewed)} on {everything[0]}"
            yield statement.finding(f"{allowed}; name the resources, or have the action reviewed in reviewed_wildcards.py")


@rule("policy-no-wildcard-action", "Such a permission grows with each action that AWS adds")
def no_wildcard_action(subject: Subject) -> Iterator[Finding]:
    for statement in statements(subject):
        if statement.is_allowed and (wild := [action for action in statement.actions if set(action) & set("*?")]):
            yield statement.finding(f"allows {', '.join(wild)}; name the actions")
        if statement.is_allowed and ("NotAction" in statement.body or "NotResource" in statement.body):
            yield statement.finding("uses NotAction or NotResource, which allow what nobody has thought of")


@rule("policy-pass-role", "Whoever can pass any role to any service can do whatever those roles can")
def pass_role(subject: Subject) -> Iterator[Finding]:
    for statement in statements(subject):
        if not statement.may("iam:PassRole"):
            continue
        services = _list(statement.conditions.get("StringEquals", {}).get("iam:PassedToService"))
        if services != ["sagemaker.amazonaws.com"]:
            yield statement.finding(f"passes roles to {', '.join(services) or 'any service'}; limit iam:PassedToService to SageMaker")
        if wild := [resource for resource in statement.resources if set(resource) & set("*?")]:
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
        calls = [action for action in statement.actions if action.lower().partition(":")[0] in _APIS]
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


@rule("role-own-policies", "A policy of someone else's can change without a change here")
def own_policies(subject: Subject) -> Iterator[Finding]:
    own = {
        subject.assembly.resolver(template).resolve({"Ref": policy.logical_id})
        for template, policy in subject.assembly.resources("AWS::IAM::ManagedPolicy")
    }
    for template, role in subject.assembly.resources("AWS::IAM::Role"):
        for arn in subject.assembly.resolved(role, template).get("ManagedPolicyArns", ()):
            if arn not in own:
                yield Finding(template, role, "ManagedPolicyArns", f"has {arn}, which these stacks do not make")


@rule("policy-named-principals", "Whoever is not named is everybody, in every account")
def named_principals(subject: Subject) -> Iterator[Finding]:
    for template, resource in subject.assembly.resources():
        field = _RESOURCE_POLICIES.get(resource.type)
        document = subject.assembly.resolved(resource, template).get(field) if field else None
        for body in _list((document or {}).get("Statement")):
            principals = body.get("Principal", {})
            named = [each for value in principals.values() for each in _list(value)] if isinstance(principals, Mapping) else [principals]
            if body.get("Effect") == "Allow" and "*" in named:
                yield Finding(template, resource, str(field), f"statement {body.get('Sid', '')} lets everybody in; name who")


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


RULES = (
    reviewed_wildcard, no_wildcard_action, pass_role, one_key_per_null, no_registry_call, trust_this_account, own_policies,
    named_principals, boundary,
)  # fmt: skip
