"""The one error of building a definition."""


class DefinitionError(ValueError):
    """The definition contradicts itself or SageMaker's contract; the message names step and field."""
