"""What runs in AWS Lambda: boto3 and the standard library, nothing of the project."""
