"""What a rule is, and what it looks at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from cloud_assembly import Assembly, Pipeline, Resource, Template
from settings import Settings


@dataclass(frozen=True)
class Subject:
    """A synthesized environment and what its settings say."""

    assembly: Assembly
    settings: Settings

    @cached_property
    def pipelines(self) -> list[Pipeline]:
        return list(self.assembly.pipelines())


@dataclass(frozen=True)
class Finding:
    """``message`` names the thing, the field and the remedy; ``field`` is where it stands in the resource."""

    template: Template
    resource: Resource
    field: str
    message: str


Check = Callable[[Subject], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """``reason`` says what would go wrong without it."""

    id: str
    reason: str
    check: Check


def rule(id: str, reason: str) -> Callable[[Check], Rule]:
    """Make a rule of a function that yields findings."""

    def made(check: Check) -> Rule:
        return Rule(id, reason, check)

    return made
