"""A stand-in for SageMaker Clarify's container: bias of data and of given predictions (see ``__main__``)."""
