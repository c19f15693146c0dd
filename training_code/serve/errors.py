"""Requests that cannot be answered at all, as opposed to records that are bad."""


class RequestError(ValueError):
    """The request as a whole cannot be read; ``status`` is the HTTP status that says so."""

    status = 400


class UnsupportedContentTypeError(RequestError):
    status = 415


class UnsupportedAcceptError(RequestError):
    status = 406
