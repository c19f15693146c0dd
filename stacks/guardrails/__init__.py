"""What no template of this project may do: this project's rules, beside cdk-nag's and the CDK's own.

A rule is a function that yields findings; see ``rules`` and ``pack``. A
finding fails the synth, unless it is acknowledged at the construct with a reason:
``stacks.components.policy.acknowledge(bucket, "FraudDetection::bucket-tls-only", "…")``.
"""
