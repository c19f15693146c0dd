"""Records out of JSON: a line each, a list, or a single one."""

import json
from collections.abc import Sequence
from typing import Any

from training_code.serve import records
from training_code.serve.errors import RequestError
from training_code.serve.layout import Layout
from training_code.serve.records import Object, Raw

_NO_OBJECT: Object = {}


def read_lines(body: bytes, layout: Layout, *, keep: Sequence[str] = ()) -> Raw:
    """One object a line; blank lines are none, and a line that is no object is malformed."""
    objects: list[Object] = []
    malformed: dict[int, str] = {}
    for line in body.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        if not line or line.isspace():
            continue
        try:
            objects.append(_object(json.loads(line.decode())))
        except (ValueError, RecursionError) as error:
            malformed[len(objects)] = f"malformed line: {_reason(error)}"
            objects.append(_NO_OBJECT)
    return records.from_objects(objects, layout, malformed, keep)


def read_document(body: bytes, layout: Layout) -> tuple[Raw, bool]:
    """An object or a list of them, and whether it was an object alone.

    Raises:
        RequestError: neither.
    """
    try:
        document = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the request cannot be read: {_reason(error)}") from error
    if isinstance(document, dict):
        return records.from_objects([document], layout, {}), True
    if not isinstance(document, list):
        raise RequestError("the request is neither a JSON object nor a list of objects")
    objects: list[Object] = []
    malformed: dict[int, str] = {}
    for place, value in enumerate(document):
        try:
            objects.append(_object(value))
        except ValueError as error:
            malformed[place] = str(error)
            objects.append(_NO_OBJECT)
    return records.from_objects(objects, layout, malformed), False


def _object(value: Any) -> Object:
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _reason(error: Exception) -> str:
    match error:
        case UnicodeDecodeError():
            return "not UTF-8 text"
        case json.JSONDecodeError():
            return f"not JSON: {error.msg} at character {error.pos + 1}"
        case RecursionError():
            return "not JSON that can be read: nested too deeply"
        case _:
            return str(error)
