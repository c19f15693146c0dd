"""Rules on the pipeline definition as a whole, which neither cdk-nag nor cfn-lint looks into."""

import json
import re
from collections.abc import Iterator

from cloud_assembly import Pipeline
from pipeline_definition import pipeline as structure
from pipeline_definition import validation
from pipeline_definition.errors import DefinitionError
from stacks.guardrails.rules import Finding, Subject, rule

_LARGEST = 2**20
_PARAMETER = re.compile(r"[A-Za-z0-9\-_]{1,256}")
_PIPELINE = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9]){0,255}")
_MOST_PARAMETERS, _LONGEST_VALUE = 200, 1024


def _finding(pipeline: Pipeline, text: str) -> Finding:
    return Finding(pipeline.template, pipeline.resource, "PipelineDefinition", text)


@rule("definition-valid", "SageMaker would refuse the step, but only when an execution reaches it")
def valid(subject: Subject) -> Iterator[Finding]:
    for pipeline in subject.pipelines:
        for text in validation.findings(pipeline.definition):
            yield _finding(pipeline, text)


@rule("definition-consistent", "A reference to nothing fails the deployment, or the execution")
def consistent(subject: Subject) -> Iterator[Finding]:
    for pipeline in subject.pipelines:
        try:
            structure.check(pipeline.definition)
        except DefinitionError as error:
            yield _finding(pipeline, str(error))


@rule("definition-parameters", "An execution cannot be started with a parameter whose name or default the API refuses")
def parameters(subject: Subject) -> Iterator[Finding]:
    for pipeline in subject.pipelines:
        declared = pipeline.definition["Parameters"]
        if len(declared) > _MOST_PARAMETERS:
            yield _finding(pipeline, f"{len(declared)} parameters; an execution takes {_MOST_PARAMETERS}")
        for entry in declared:
            if not _PARAMETER.fullmatch(entry["Name"]):
                yield _finding(pipeline, f"parameter {entry['Name']}: a name is 1 to 256 letters, digits, - and _")
            if len(str(entry.get("DefaultValue", ""))) > _LONGEST_VALUE:
                yield _finding(pipeline, f"parameter {entry['Name']}: its default is longer than {_LONGEST_VALUE} characters")


@rule("definition-size", "The API refuses larger ones")
def size(subject: Subject) -> Iterator[Finding]:
    for pipeline in subject.pipelines:
        if not _PIPELINE.fullmatch(pipeline.name):
            yield _finding(pipeline, f"the name {pipeline.name} is not 1 to 256 letters, digits and hyphens")
        if (length := len(json.dumps(pipeline.definition))) > _LARGEST:
            yield _finding(pipeline, f"the definition has {length} bytes; {_LARGEST} are allowed")


RULES = (valid, consistent, parameters, size)
