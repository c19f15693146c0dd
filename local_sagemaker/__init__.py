"""SageMaker Pipelines on this machine: runs any pipeline definition from its JSON.

It knows SageMaker's contracts and nothing of what a pipeline is for. See the
README of this folder.
"""

from local_sagemaker.definition import Definition
from local_sagemaker.errors import BadInputError, StepFailedError
from local_sagemaker.events import Event
from local_sagemaker.execution import Execution
from local_sagemaker.home import Home
from local_sagemaker.results import Options, Result, StepResult
from local_sagemaker.runtimes import Runtime

__all__ = [
    "BadInputError",
    "Definition",
    "Event",
    "Execution",
    "Home",
    "Options",
    "Result",
    "Runtime",
    "StepFailedError",
    "StepResult",
]
