"""What the pipeline runs, in which order: typed steps in, JSON-ready data out.

    definition = pipeline_definition.build(settings, resources)

Nothing here imports the AWS CDK, boto3 or the SageMaker SDK. The pipeline
stack passes CDK tokens as resources, the local run passes local names, and
both get the same definition.
"""

from pipeline_definition.fraud_detection import build
from pipeline_definition.resources import Code, Network, Resources

__all__ = ["Code", "Network", "Resources", "build"]
