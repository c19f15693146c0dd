"""The document about a model that a regulator reads, and the same as a SageMaker model card."""
