"""``fraud graph``: the pipeline as a picture."""

from pathlib import Path
from typing import Annotated

import typer

from fraud.commands.shared import AsJson, Env, print_json
from fraud.errors import InputError


def graph(
    env: Env = "dev",
    format: Annotated[str, typer.Option(help="svg, or mermaid for a README.")] = "svg",  # noqa: A002
    out: Annotated[Path | None, typer.Option(help="The file to write; standard output without it.")] = None,
    definition: Annotated[Path | None, typer.Option(help="Draw this definition instead of the project's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Draw the steps and what waits for what.

    Examples:

      fraud graph --out pipeline.svg

      fraud graph --format mermaid
    """
    import pipeline_definition
    import settings
    from fraud import local_resources
    from local_sagemaker import Definition
    from pipeline_definition import picture

    if format not in ("svg", "mermaid"):
        raise InputError(f"--format {format} is not one of svg, mermaid")
    chosen = settings.load(env)
    source = Definition.read(definition).source if definition else pipeline_definition.build(chosen, local_resources.named(chosen))
    drawn = picture.Graph.of(source)
    if as_json:
        print_json(
            {
                "nodes": [{"name": node.name, "type": node.type} for node in drawn.nodes],
                "edges": [{"from": edge.source, "to": edge.target, "label": edge.label} for edge in drawn.edges],
            }
        )
        return
    text = picture.svg(drawn) if format == "svg" else picture.mermaid(drawn)
    if out is None:
        print(text, end="")
    else:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"--out: cannot write {out}: {error.strerror}") from error
        print(out)
