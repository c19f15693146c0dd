"""An AWS account on this machine: moto's server, with what it lacks for these stacks.

    python -m tests.deployment.emulated_account 5600

Plain moto accepts templates that AWS would not, and forgets half of what they
say: it ignores types that it does not know, drops a bucket's protection, and
reports updates that it has not made. Here an unknown type or an update that
cannot be made is an error, and the types below act through boto3 against the
server itself, so that botocore validates every property.

Not emulated: IAM's decisions, conditional bucket policies, drift, rollback.
"""
