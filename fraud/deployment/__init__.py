"""What the ``fraud`` command does in an AWS account: synthesize, deploy, start, destroy."""
