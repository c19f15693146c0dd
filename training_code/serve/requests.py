"""What a request asks for: its records, judged, and how they came."""

from collections.abc import Sequence
from dataclasses import dataclass

from training_code.claims import schema
from training_code.serve import csv_records, encoding, json_records, media, parquet_records
from training_code.serve.encoding import Judged
from training_code.serve.errors import RequestError
from training_code.serve.layout import ENCODED, RECORD, Layout
from training_code.serve.media import Media

_LINES_LOOKED_AT = 100


@dataclass(frozen=True)
class Request:
    """``is_alone`` is a JSON object that is not in a list; ``has_header`` a CSV text with names in its first line."""

    records: Judged
    media: Media
    is_alone: bool = False
    has_header: bool = False


def read(body: bytes, content_type: str) -> Request:
    """The records of a request's body.

    Raises:
        RequestError: the request as a whole cannot be read.
    """
    found = media.of_request(content_type)
    match found:
        case Media.CSV:
            return _csv(body.removeprefix(csv_records.BOM))
        case Media.JSON_LINES:
            return Request(encoding.judge(json_records.read_lines(body, RECORD)), found)
        case Media.JSON:
            raw, is_alone = json_records.read_document(body, RECORD)
            return Request(encoding.judge(raw), found, is_alone=is_alone)
        case Media.PARQUET:
            return Request(encoding.judge(parquet_records.read(body, RECORD)), found)


def _csv(body: bytes) -> Request:
    header = csv_records.first_line(body)
    layout = _named(header)
    if layout:
        lines = body.lstrip(b"\r\n").partition(b"\n")[2]
        return Request(encoding.judge(csv_records.read(lines, header, layout)), Media.CSV, has_header=True)
    layout = _counted(body)
    return Request(encoding.judge(csv_records.read(body, layout.names, layout)), Media.CSV)


def _named(header: Sequence[str]) -> Layout | None:
    """What a header promises; None if the line is none."""
    layout = ENCODED if set(schema.FEATURE_NAMES) <= set(header) else RECORD
    known = [name for name in header if name in layout.names]
    if len(known) > len(set(known)):
        raise RequestError(f"the header has the column {next(name for name in known if known.count(name) > 1)} twice")
    return layout if known else None


def _counted(body: bytes) -> Layout:
    """What lines without a header are, by the number of values in the first line that has a right one."""
    for line in body.split(b"\n", _LINES_LOOKED_AT)[:_LINES_LOOKED_AT]:
        for layout in (RECORD, ENCODED):
            if len(csv_records.first_line(line)) == len(layout.names):
                return layout
    return RECORD
