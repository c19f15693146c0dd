"""The rule on tags."""

from collections.abc import Iterator
from typing import Any

from pipeline_definition.pipeline import walk
from stacks.guardrails.rules import Finding, Subject, rule

UNTAGGABLE = frozenset(
    {
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::KMS::Alias",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::Permission",
        "AWS::S3::BucketPolicy",
        "AWS::SQS::QueuePolicy",
    }
)
"""Types that CloudFormation cannot tag."""

_TAGGED_STEPS = ("Processing", "Training", "Tuning", "Transform")


@rule("tags-present", "A bill that nobody can attribute is a bill that nobody pays")
def present(subject: Subject) -> Iterator[Finding]:
    wanted = dict(subject.settings.tags)
    for template, resource in subject.assembly.resources():
        if resource.type in UNTAGGABLE:
            continue
        tags = subject.assembly.resolved(resource, template).get("Tags", [])
        if missing := _missing(tags, wanted):
            yield Finding(template, resource, "Tags", f"lack {', '.join(missing)}, which settings give")
    for pipeline in subject.pipelines:
        for step in walk(pipeline.definition["Steps"]):
            if step["Type"] in _TAGGED_STEPS and (missing := _missing(step["Arguments"].get("Tags", []), wanted)):
                text = f"step {step['Name']}, Tags: lack {', '.join(missing)}, which settings give"
                yield Finding(pipeline.template, pipeline.resource, "PipelineDefinition", text)


def _missing(tags: Any, wanted: dict[str, str]) -> list[str]:
    found = dict(tags) if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
    return [key for key, value in wanted.items() if found.get(key) != value]


RULES = (present,)
