"""Exit codes that scripts rely on, and the error that means bad input."""

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130


class InputError(ValueError):
    """The user's input cannot be used; the message names the thing, the place and the remedy."""
