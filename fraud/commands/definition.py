"""``fraud definition``: the pipeline definition as JSON."""

from typing import Annotated

import typer

from fraud.commands.shared import AsJson, Env, print_json
from fraud.errors import FAILED


def definition(
    env: Env = "dev",
    check: Annotated[bool, typer.Option("--check", help="Check it against the API's own request shapes and print findings.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the definition that SageMaker would execute, with local names for resources.

    Examples:

      fraud definition

      fraud definition --env prod --check
    """
    import pipeline_definition
    import settings
    from fraud import local_resources
    from pipeline_definition import validation

    chosen = settings.load(env)
    built = pipeline_definition.build(chosen, local_resources.named(chosen))
    if not check:
        print_json(built)
        return
    findings = validation.findings(built)
    if as_json:
        print_json({"findings": findings})
    else:
        print("\n".join(findings) or "no findings: every step's arguments fit its operation")
    if findings:
        raise typer.Exit(FAILED)
