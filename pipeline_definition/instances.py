"""What an instance type has."""

import re

# NVMe disks come with a "d" behind the family's generation (m5d, c5ad, p4d), and with these GPU families.
_FAMILIES = re.compile(r"ml\.(g4dn|g5|g6|g6e|p3dn|p4d|p4de|p5|p5e|p5en|trn1|trn1n|[a-z]+\d[a-z]*d[a-z]*)\.")


def has_local_disks(instance_type: str) -> bool:
    """Whether an instance type has local NVMe disks, for which ``VolumeKmsKeyId`` is refused."""
    return bool(_FAMILIES.match(instance_type))
