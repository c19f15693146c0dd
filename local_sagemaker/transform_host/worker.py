"""One instance of a batch transform job: its share of the objects through the handlers, each into its own output."""

from __future__ import annotations

import gzip
import json
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any

from .filters import Filters, kind
from .handlers import HandlerError, Handlers
from .records import Batch, RecordTooLargeError, by_line, whole


class _ObjectError(Exception):
    """What went wrong with which records of which object."""


def main(spec_file: Path, model_folder: Path, code_folder: Path) -> int:
    """Work through the objects of a specification; the exit status."""
    spec = json.loads(spec_file.read_text(encoding="utf-8"))
    try:
        _run(spec, model_folder, code_folder)
    except _ObjectError as error:
        return _fail(spec, str(error))
    except HandlerError as error:
        return _fail(spec, str(error))
    # A handler that calls sys.exit must not pass for one that has finished.
    except (Exception, SystemExit) as error:
        return _fail(spec, f"model_fn of {spec['program']}: {_said(error)}")
    return 0


def _run(spec: Mapping[str, Any], model_folder: Path, code_folder: Path) -> None:
    handlers = Handlers(spec["program"], code_folder, model_folder)
    filters = Filters(
        kind=kind(spec["content_type"]), input_filter=spec["input_filter"], output_filter=spec["output_filter"],
        join=spec["join"], is_line=spec["by_line"],
    )  # fmt: skip
    signal.signal(signal.SIGALRM, _too_late)
    for key, file in spec["objects"]:
        target = Path(spec["output"], f"{key}.out")
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.part")
        with part.open("wb") as output:
            _transform(key, Path(file), output, spec, handlers, filters)
        part.replace(target)


def _transform(key: str, file: Path, output: IO[bytes], spec: Mapping[str, Any], handlers: Handlers, filters: Filters) -> None:
    limit = spec["max_payload_bytes"]
    try:
        with gzip.open(file) if spec["is_gzip"] else file.open("rb") as stream:
            is_multi = spec["is_multi_record"]
            for batch in by_line(stream, is_multi=is_multi, limit=limit) if spec["by_line"] else whole(stream, limit):
                with _blamed_on(f"object {key}{batch.place}"):
                    _answer(batch, output, spec, handlers, filters)
    except RecordTooLargeError as error:
        raise _ObjectError(f"object {key}{error.place}: {error}") from error
    except (OSError, EOFError) as error:
        raise _ObjectError(f"object {key} cannot be read: {error}") from error


def _answer(batch: Batch, output: IO[bytes], spec: Mapping[str, Any], handlers: Handlers, filters: Filters) -> None:
    values = filters.parse(batch.contents)
    body = filters.request(batch.contents, values)
    signal.setitimer(signal.ITIMER_REAL, spec["timeout_seconds"])
    try:
        answer = handlers.answer(body, spec["content_type"], spec["accept"])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    result = filters.result(values, answer)
    output.write(result)
    if spec["is_assembled_by_line"] and result and not result.endswith(b"\n"):
        output.write(b"\n")


@contextmanager
def _blamed_on(where: str) -> Iterator[None]:
    try:
        yield
    except (Exception, SystemExit) as error:
        raise _ObjectError(f"{where}: {_said(error)}") from error


def _too_late(number: int, frame: FrameType | None) -> None:
    raise TimeoutError("no answer within the time of an invocation (ModelClientConfig.InvocationsTimeoutInSeconds)")


def _said(error: BaseException) -> str:
    return str(error) if isinstance(error, HandlerError) else f"{type(error).__name__}: {error}"


def _fail(spec: Mapping[str, Any], reason: str) -> int:
    traceback.print_exc()
    sys.stderr.flush()
    Path(spec["failure"]).write_text(reason, encoding="utf-8")
    return 1
