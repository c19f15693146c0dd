"""What cfn-lint and an IAM linter say of every template and every policy."""

import json
import subprocess
import sys
from pathlib import Path

import parliament
import pytest

from cloud_assembly import Assembly


def test_cfn_lint_has_no_findings(assembly: Assembly) -> None:
    files = [str(template.file) for template in assembly.templates]
    # W3005 finds that DependsOn says again what a reference says, which the CDK always does.
    command = [Path(sys.executable).with_name("cfn-lint"), "--ignore-checks", "W3005", "--", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_iam_linter_has_no_findings_on_any_policy(assembly: Assembly) -> None:
    findings, checked = [], 0
    for template, resource in assembly.resources():
        for document in _policies(dict(assembly.resolved(resource, template))):
            checked += 1
            findings += [f"{resource.logical_id}: {finding}" for finding in _findings(document)]
    assert findings == []
    assert checked >= 6


@pytest.mark.parametrize(
    ("action", "resource", "issue"),
    [("s3:GetObjects", "*", "UNKNOWN_ACTION"), ("s3:GetObject", "arn:aws:s3:::bucket", "RESOURCE_MISMATCH")],
)
def test_the_iam_linter_finds_what_is_wrong(action: str, resource: str, issue: str) -> None:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    assert issue in "".join(_findings({"Version": "2012-10-17", "Statement": [statement]}))


def _findings(document: object) -> list[str]:
    return [f"{finding.issue} {finding.detail}" for finding in parliament.analyze_policy_string(json.dumps(document)).findings]


def _policies(properties: dict[str, object]) -> list[object]:
    """The policies of an identity. Those of resources name principals, which this linter does not know."""
    found = [properties.get("PolicyDocument")] if "Roles" in properties else []
    policies = properties.get("Policies", [])
    assert isinstance(policies, list)
    return [*found, *(policy["PolicyDocument"] for policy in policies)]


def test_policies_fit_into_iam(assembly: Assembly) -> None:
    """6,144 characters, white space not counted, for a managed policy; ten of them for a role."""
    of_role: dict[str, int] = {}
    for template, policy in assembly.resources("AWS::IAM::ManagedPolicy"):
        resolved = assembly.resolved(policy, template)
        # A deployed bucket's name can be longer than its stand-in by what CloudFormation appends.
        assert len(json.dumps(resolved["PolicyDocument"], separators=(",", ":"))) < 6144 * 0.9, policy.logical_id
        for role in resolved["Roles"]:
            of_role[role] = of_role.get(role, 0) + 1
    assert max(of_role.values()) <= 10
