"""Puts the rule packs into the synth, as validation plugins: a finding fails it."""

from pathlib import Path

import jsii
from aws_cdk import (
    App,
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
    Validations,
)
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks

from cloud_assembly import Assembly, AssemblyError
from settings import Settings
from stacks.guardrails.pack import RULES
from stacks.guardrails.rules import Finding, Rule, Subject

NAME = "FraudDetection"


def enforce(app: App, settings: Settings) -> None:
    """Check the app's templates by this project's rules and by two of cdk-nag's packs."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app), _RulePack(settings))


@jsii.implements(IPolicyValidationPlugin)
class _RulePack:
    """This project's rules, as the CDK calls them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def name(self) -> str:
        return NAME

    @property
    def version(self) -> str:
        return "1"

    @property
    def rule_ids(self) -> list[str]:
        return [rule.id for rule in RULES]

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        subject = Subject(Assembly.of([Path(file) for file in context.template_paths]), self._settings)
        try:
            violations = [_violation(rule, finding) for rule in RULES for finding in rule.check(subject)]
        except AssemblyError as error:
            # What cannot be read cannot be checked.
            violations = [PolicyViolation(rule_name="template-readable", description=str(error), violating_resources=[], severity="error")]
        return PolicyValidationPluginReport(success=not violations, violations=violations)


def _violation(rule: Rule, finding: Finding) -> PolicyViolation:
    return PolicyViolation(
        rule_name=rule.id,
        severity="error",
        description=f"{finding.resource.logical_id}: {finding.message}",
        fix=f"{rule.reason}.",
        violating_resources=[
            PolicyViolatingResource(
                resource_logical_id=finding.resource.logical_id, template_path=str(finding.template.file), locations=[finding.field]
            )
        ],
    )
