"""The media types that requests and answers may have."""

from enum import StrEnum

from training_code.serve.errors import UnsupportedAcceptError, UnsupportedContentTypeError


class Media(StrEnum):
    CSV = "text/csv"
    JSON_LINES = "application/jsonlines"
    JSON = "application/json"
    PARQUET = "application/vnd.apache.parquet"


_ALSO = {
    "application/x-jsonlines": Media.JSON_LINES,
    "application/jsonl": Media.JSON_LINES,
    "application/x-ndjson": Media.JSON_LINES,
    "application/x-parquet": Media.PARQUET,
}
_NAMES = {str(media): media for media in Media} | _ALSO
_ANSWERS = (Media.CSV, Media.JSON_LINES, Media.JSON)
_DEFAULT = {Media.PARQUET: Media.JSON_LINES}
_REASONS = 3


def of_request(content_type: str) -> Media:
    """The type of a request's body; parameters such as a charset are ignored.

    Raises:
        UnsupportedContentTypeError: none of those that can be read.
    """
    media = _NAMES.get(_bare(content_type))
    if media is None:
        raise UnsupportedContentTypeError(f"cannot read {content_type!r}; send one of {', '.join(Media)}")
    return media


def of_answer(accept: str, sent: Media) -> tuple[Media, int]:
    """The type to answer with, and how many reasons a JSON answer gives for a claim.

    Of several types the client's favourite is taken. ``*/*`` and nothing mean
    the type that was sent. ``application/json; reasons=0`` asks for none.

    Raises:
        UnsupportedAcceptError: none of those that can be written.
    """
    ranked = sorted((part for part in accept.split(",") if part.strip()), key=lambda part: -_number(part, "q", 1.0))
    for part in ranked or ["*/*"]:
        name = _bare(part)
        media = _DEFAULT.get(sent, sent) if name in ("*/*", "*") else _NAMES.get(name)
        if media in _ANSWERS and _number(part, "q", 1.0) > 0:
            return media, max(0, int(_number(part, "reasons", _REASONS)))
    raise UnsupportedAcceptError(f"cannot answer with {accept!r}; accept one of {', '.join(_ANSWERS)}")


def _bare(text: str) -> str:
    return text.split(";")[0].strip().lower()


def _number(part: str, name: str, default: float) -> float:
    """A parameter's value: ``;q=0.5``."""
    for parameter in part.split(";")[1:]:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == name:
            try:
                return float(value)
            except ValueError:
                return default
    return default
