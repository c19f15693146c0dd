"""What the pipeline brings along: the code of its steps, and small files that jobs read."""

from collections.abc import Mapping

from pipeline_definition import code_archives
from pipeline_definition.code_archives import Archive
from pipeline_definition.fraud_detection.plan import plan
from settings import Settings

SERVING_CODE = "Serve"
"""The inference code that Package puts into the model."""

NO_CHAMPION = "NoChampion"
"""What Evaluate reads where there is no champion: an input of a job cannot be left out."""


def assets(settings: Settings) -> Mapping[str, Archive]:
    """By name, which is the step's name for the code of a step."""
    wanted = {entry.code for entry in plan(settings) if entry.code}
    found = {name: _asset(name) for name in sorted(wanted)}
    return found | {
        SERVING_CODE: code_archives.serving(),
        NO_CHAMPION: Archive("no-champion.json", b'{"champion": null}\n'),
    }


def _asset(name: str) -> Archive:
    return code_archives.source_distribution() if name == "Train" else code_archives.executable(name)

