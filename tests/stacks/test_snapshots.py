"""The templates, as a reviewer reads them: hashes masked, the pipeline's definition as the data that it is.

A change that is meant is taken over by `.venv/bin/pytest tests/stacks/test_snapshots.py --snapshot-update`;
the diff of the snapshots is then part of the review.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

import settings
from cloud_assembly import Assembly, Template

_STACKS = [
    (env, part)
    for env in settings.environments()
    for part in ("foundation", "network", "pipeline")
    if part != "network" or settings.load(env).network.mode == "isolated"
]


@pytest.mark.parametrize(("env", "part"), _STACKS)
def test_template(env: str, part: str, synthesized: Callable[[str], Assembly], snapshot: SnapshotAssertion) -> None:
    (template,) = (template for template in synthesized(env).templates if template.stack.endswith(part))
    assert _readable(template) == snapshot(extension_class=JSONSnapshotExtension)


def test_there_is_a_snapshot_of_every_stack(synthesized: Callable[[str], Assembly]) -> None:
    stacks = {(env, template.stack.rpartition("-")[2]) for env in settings.environments() for template in synthesized(env).templates}
    assert stacks == set(_STACKS)


def _readable(template: Template) -> Any:
    body = _spoken(dict(template.body))
    # The same in every template of the CDK.
    body.pop("Rules"), body.pop("Parameters")
    for mapping in body.get("Mappings", {}).values():
        # Its content is compared with the SDK's in tests/oracle.
        mapping.clear()
    for resource in body["Resources"].values():
        if resource["Type"] == "AWS::SageMaker::Pipeline":
            properties = resource["Properties"]
            properties["PipelineDefinition"] = json.loads(properties["PipelineDefinition"]["PipelineDefinitionBody"])
    return json.loads(re.sub(r"[0-9a-f]{64}", "HASH", json.dumps(body)))


def _spoken(value: Any) -> Any:
    """Intrinsic functions as one reads them: ``arn:${AWS::Partition}:s3:::${fraud-detection-dev-DataBucketName}/claims/*``."""
    match value:
        case {"Ref": name} | {"Fn::ImportValue": name} if len(value) == 1:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Join": [separator, parts]}:
            return separator.join(map(_spoken, parts))
        case {"Fn::FindInMap": path}:
            return f"${{{'.'.join(_spoken(key).strip('${}') for key in path)}}}"
        case {"Fn::Sub": str(text)}:
            return text
        case dict():
            return {key: _spoken(inner) for key, inner in value.items()}
        case list():
            return [_spoken(inner) for inner in value]
    return value
