"""``fraud synth``: the CloudFormation templates, checked."""

import json
from pathlib import Path
from typing import Annotated

import typer

from fraud.commands.shared import AsJson, context_of, print_json
from fraud.errors import FAILED

OUTPUT = Path("cdk.out")


def synth(
    env: Annotated[list[str] | None, typer.Option("--env", help="An environment; may be repeated. All of them by default.")] = None,
    out: Annotated[Path, typer.Option("--out", help="The folder; each environment has one of its own in it.")] = OUTPUT,
    as_json: AsJson = False,
) -> None:
    """Synthesize the CloudFormation templates and check them; needs no AWS account.

    Each environment's templates are checked by this project's guardrails, by
    two of cdk-nag's packs, and by the CDK's own validator.

    Examples:

      fraud synth

      fraud synth --env prod --json
    """
    import settings
    from fraud.deployment import toolchain

    names = env or settings.environments()
    chosen = {name: settings.load(name) for name in names}
    documents = []
    for name, loaded in chosen.items():
        folder = (out / loaded.name).resolve()
        code = toolchain.synthesize({"env": context_of(name)}, folder, is_quiet=as_json)
        document = {"env": loaded.name, "ok": code == 0, "folder": str(folder)} | (_counted(folder) if code == 0 else {})
        documents.append(document)
        if not as_json:
            print(_line(document))
    if as_json:
        print_json(documents)
    if not all(document["ok"] for document in documents):
        raise typer.Exit(FAILED)


def _counted(folder: Path) -> dict[str, object]:
    import cloud_assembly

    assembly = cloud_assembly.read(folder)
    return {
        "stacks": [
            {"name": template.stack, "template": str(template.file), "resources": sum(1 for _ in template.resources())}
            for template in assembly.templates
        ],
        "accepted_findings": _accepted(folder),
    }


def _accepted(folder: Path) -> int:
    """Findings that an acknowledgment with a reason lets pass."""
    report = json.loads((folder / "validation-report.json").read_text())
    return sum(len(plugin.get("suppressedViolations", ())) for plugin in report["pluginReports"])


def _line(document: dict[str, object]) -> str:
    if not document["ok"]:
        return f"{document['env']}: not synthesized; the findings stand above"
    stacks = document["stacks"]
    assert isinstance(stacks, list)
    counted = ", ".join(f"{stack['name']} ({stack['resources']} resources)" for stack in stacks)
    return f"{document['env']}: {counted}; no findings; in {document['folder']}"
