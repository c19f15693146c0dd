"""docs/guardrails.md says what the code does."""

import re
from collections.abc import Callable

from cloud_assembly import Assembly
from stacks.guardrails import pack
from stacks.guardrails.permissions import statements
from stacks.guardrails.reviewed_wildcards import REVIEWED
from stacks.guardrails.rules import Subject
from tests.support.synth import PROJECT

_PAGE = (PROJECT / "docs" / "guardrails.md").read_text()


def _table(heading: str) -> dict[str, str]:
    section = _PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", section, re.MULTILINE))


def test_every_rule_is_listed_with_its_reason() -> None:
    assert _table("Rules of this project") == {rule.id: rule.reason for rule in pack.RULES}


def test_every_action_on_all_resources_is_listed_with_its_reason_and_used(synthesized: Callable[[str], Assembly]) -> None:
    assert _table("Actions that are allowed on every resource") == REVIEWED
    import settings

    subject = Subject(synthesized("prod"), settings.load("prod"))
    used = {action for statement in statements(subject) if "*" in statement.resources for action in statement.actions}
    assert used == set(REVIEWED)


def test_every_accepted_finding_of_cdk_nag_is_listed() -> None:
    components = PROJECT / "stacks" / "components"
    accepted = {rule for file in components.glob("*.py") for rule in re.findall(r'"((?:NIST|AwsSolutions)[\w.-]+)', file.read_text())}
    accepted |= {"AwsSolutions-IAM5"}
    section = _PAGE.split("## Accepted findings of cdk-nag\n")[1]
    assert set(re.findall(r"^\| `([^`]+)`", section, re.MULTILINE)) == accepted
