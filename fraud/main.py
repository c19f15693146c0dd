"""The ``fraud`` command: maps subcommands to files, and errors to exit codes."""

import os
import signal
import sys
from types import FrameType

import typer

from fraud.commands import data, definition, graph, models, run
from fraud.errors import BAD_INPUT, INTERRUPTED, InputError
from local_sagemaker import BadInputError
from pipeline_definition.errors import DefinitionError
from settings import SettingsError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Fraud detection in auto claims: run the pipeline, look at its definition, decide on its models.",
)
app.command()(run.run)
app.command()(data.data)
app.command()(definition.definition)
app.command()(graph.graph)
app.add_typer(models.app, name="models")


def main() -> None:
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app(standalone_mode=True)
    except (InputError, BadInputError, DefinitionError, SettingsError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        print("stopped; steps that had finished are kept and will be reused", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has seen enough (`fraud definition | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """A polite kill ends a run as Ctrl-C does."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
