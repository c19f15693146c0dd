"""All rules of this project."""

from stacks.guardrails import definition, jobs, permissions, storage, tags
from stacks.guardrails.rules import Rule

RULES: tuple[Rule, ...] = (*jobs.RULES, *permissions.RULES, *storage.RULES, *tags.RULES, *definition.RULES)
