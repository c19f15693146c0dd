"""The templates, as a reviewer reads them: hashes masked, the pipeline's definition as the data that it is.

A change that is meant is taken over by `.venv/bin/pytest tests/stacks/test_snapshots.py --snapshot-update`;
the diff of the snapshots is then part of the review.
"""

import copy
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
    assembly = synthesized(env)
    (template,) = (template for template in assembly.templates if template.stack.endswith(part))
    assert _readable(assembly, template) == snapshot(extension_class=JSONSnapshotExtension)


def test_there_is_a_snapshot_of_every_stack(synthesized: Callable[[str], Assembly]) -> None:
    stacks = {(env, template.stack.rpartition("-")[2]) for env in settings.environments() for template in synthesized(env).templates}
    assert stacks == set(_STACKS)


def _readable(assembly: Assembly, template: Template) -> Any:
    body = copy.deepcopy(dict(template.body))
    # The same in every template of the CDK.
    body.pop("Rules"), body.pop("Parameters")
    for pipeline in assembly.pipelines():
        if pipeline.template is template:
            body["Resources"][pipeline.resource.logical_id]["Properties"]["PipelineDefinition"] = pipeline.definition
    return json.loads(re.sub(r"[0-9a-f]{64}", "HASH", json.dumps(body)))
