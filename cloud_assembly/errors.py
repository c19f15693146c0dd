"""The one error of reading what was synthesized."""


class AssemblyError(ValueError):
    """A folder or template that cannot be read; the message names file and place."""
