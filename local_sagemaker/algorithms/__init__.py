"""Stand-ins for SageMaker's built-in algorithms: the same hyperparameters, inputs, log lines and artifacts."""
