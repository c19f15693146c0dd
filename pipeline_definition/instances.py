"""What an instance type has."""

from fnmatch import fnmatchcase

LOCAL_DISKS = (
    # A "d" behind the family's generation: m5d, c6gd, p4d, also with more behind it: g4dn, p4de.
    "ml.*d.*", "ml.*dn.*", "ml.*de.*",
    "ml.g5.*", "ml.g6.*", "ml.g6e.*", "ml.p5.*", "ml.p5e.*", "ml.p5en.*", "ml.trn1.*", "ml.trn1n.*",
)  # fmt: skip
"""Families with NVMe disks of their own, as patterns that IAM understands too."""


def has_local_disks(instance_type: str) -> bool:
    """Whether an instance type has local NVMe disks, for which ``VolumeKmsKeyId`` is refused."""
    return any(fnmatchcase(instance_type, pattern) for pattern in LOCAL_DISKS)
