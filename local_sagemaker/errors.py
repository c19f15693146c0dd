"""What can go wrong."""


class BadInputError(ValueError):
    """A definition, parameter or option that cannot be used; nothing has run."""


class StepFailedError(Exception):
    """A step ended without success; the message is its failure reason."""


class TimeLimitError(StepFailedError):
    """A job ran longer than its StoppingCondition allows."""


class ServiceFaultError(StepFailedError):
    """A fault that is not the script's, and that a retry policy may name.

    ``fault`` is SageMaker's exception type, e.g. ``SageMaker.JOB_INTERNAL_ERROR``.
    """

    def __init__(self, fault: str, message: str) -> None:
        super().__init__(message)
        self.fault = fault


class StoppedError(Exception):
    """The execution was stopped while the step ran."""
