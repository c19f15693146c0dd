"""Run a pipeline definition:

    python -m local_sagemaker definition.json --home .local --param InputUri=s3://bucket/data/
"""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from local_sagemaker import BadInputError, Definition, Event, Execution, Home, Options
from local_sagemaker.sandbox import Isolation


def main() -> int:
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        overrides = dict(_pair(text) for text in arguments.param)
        options = Options(
            pipeline=arguments.pipeline or arguments.definition.stem,
            use_cache=not arguments.no_cache,
            isolation=Isolation(arguments.isolation),
            **({"slots": arguments.slots} if arguments.slots else {}),
        )
        execution = Execution(
            Definition.read(arguments.definition), Home(arguments.home), overrides=overrides, options=options, listener=_tell
        )
        result = execution.run()
    except BadInputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; what had finished is kept", file=sys.stderr)
        return 130
    print(f"{result.execution} {result.status} in {result.seconds:.1f} s")
    return 0 if result.status == "Succeeded" else 1


def _interrupt(number: int, frame: FrameType | None) -> None:
    """A polite kill ends a run as Ctrl-C does."""
    raise KeyboardInterrupt


def _tell(event: Event) -> None:
    cached = " (cached)" if event.cached else ""
    said = event.progress or event.reason
    reason = f": {said}" if said else ""
    print(f"{event.step} {event.status}{cached} {event.seconds:.1f} s{reason}", flush=True)


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise BadInputError(f"--param {text} is not of the form Name=Value")
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local_sagemaker", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("definition", type=Path, help="a pipeline definition, as JSON")
    parser.add_argument("--home", type=Path, default=Path(".local"), help="where everything is kept (default: .local)")
    parser.add_argument("--param", action="append", default=[], metavar="Name=Value", help="a parameter; may be repeated")
    parser.add_argument("--pipeline", help="the pipeline's name, by which the cache is kept (default: the file's)")
    parser.add_argument("--no-cache", action="store_true", help="run every step")
    parser.add_argument("--isolation", choices=[str(i) for i in Isolation], default="auto", help="how jobs get their /opt/ml")
    parser.add_argument("--slots", type=_positive, help="CPUs that jobs may use at once (default: this machine's)")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
