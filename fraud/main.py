"""The ``fraud`` command: maps subcommands to files, and errors to exit codes."""

import os
import signal
import sys
from types import FrameType

import typer

from fraud.commands import cdk, data, definition, deploy, destroy, graph, models, run, score, start, synth
from fraud.errors import BAD_INPUT, FAILED, INTERRUPTED, InputError
from local_sagemaker import BadInputError
from pipeline_definition.errors import DefinitionError
from settings import SettingsError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Fraud detection in auto claims: run the pipeline here or in AWS, look at it, decide on its models.",
)
_PASSED_ON: dict[str, object] = {"allow_extra_args": True}

_ACCOUNT = "CloudFormation goes on with what it has begun; run it again to go on from there"
_AFTER_STOP = {
    "score": "nothing was written",
    "run": "steps that had finished are kept and will be reused",
    "deploy": _ACCOUNT,
    "destroy": _ACCOUNT,
    "start": "an execution that has been started goes on in AWS",
}

app.command()(run.run)
app.command()(data.data)
app.command()(score.score)
app.command()(definition.definition)
app.command()(graph.graph)
app.command()(synth.synth)
app.command(context_settings=_PASSED_ON)(deploy.deploy)
app.command()(start.start)
app.command(context_settings=_PASSED_ON)(destroy.destroy)
app.command(context_settings=_PASSED_ON | {"ignore_unknown_options": True, "help_option_names": []})(cdk.cdk)
app.add_typer(models.app, name="models")


def main() -> None:
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _run()
    except (InputError, BadInputError, DefinitionError, SettingsError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except ModuleNotFoundError as error:
        if error.name not in ("boto3", "aws_cdk"):
            raise
        print("error: what talks to AWS is not installed: run `make setup-cdk`", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except SystemExit as stop:
        # What typer makes of Ctrl-C.
        if stop.code == INTERRUPTED:
            print(f"stopped; {_AFTER_STOP.get(sys.argv[1] if len(sys.argv) > 1 else '', 'run it again to go on')}", file=sys.stderr)
        raise
    except Exception as error:
        # Not imported for the sake of this: most commands have nothing to do with AWS.
        if type(error).__module__.partition(".")[0] not in ("boto3", "botocore"):
            raise
        print(f"error: AWS: {error}", file=sys.stderr)
        sys.exit(FAILED)


def _run() -> None:
    try:
        app(standalone_mode=True)
    except BrokenPipeError:
        # Whoever read our output has seen enough (`fraud definition | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """A polite kill ends a run as Ctrl-C does."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
