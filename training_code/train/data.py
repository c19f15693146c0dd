"""What a training job reads: its share of the training claims, and all validation claims."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from training_code import encoded
from training_code.claims import schema
from training_code.encoded import DataError, Split
from training_code.train.cluster import Cluster


@dataclass(frozen=True)
class Data:
    """``train`` is this host's share, ``validation`` the whole; ``sha256`` is of all shares and the validation."""

    train: Split
    validation: Split
    sha256: str


def read(train: Path, validation: Path, cluster: Cluster) -> Data:
    """Read both splits and check that there is something to learn, on all hosts together.

    Raises:
        DataError: no claims, unreadable parts, or claims of one class only.
    """
    # Whoever trains alone has all, or an error; of several hosts, some may have come away empty.
    share = _share(train) if cluster.size > 1 else encoded.read(train)
    whole = encoded.read(validation)
    counts = cluster.sum(np.array([len(share), share.label.sum()]))
    for name, (claims, fraud) in (("train", counts), ("validation", (len(whole), whole.label.sum()))):
        if fraud in (0, claims):
            raise DataError(f"the {name} split has {claims:.0f} claims of one class only: nothing to learn from")
    return Data(share, whole, _digest(train, validation, cluster))


def _share(folder: Path) -> Split:
    if not sum(pq.ParquetFile(file).metadata.num_rows for file in encoded.parts(folder)):
        return Split(np.empty((0, len(schema.FEATURE_NAMES)), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))
    return encoded.read(folder)


def _digest(train: Path, validation: Path, cluster: Cluster) -> str:
    """``encoded.digest`` of the whole data, however its parts are shared."""
    if cluster.size == 1:
        return encoded.digest(train, validation)
    own = {file.relative_to(train).as_posix(): encoded.part_digest(file) for file in encoded.parts(train)}
    shares = {name: digest for share in cluster.gather(own) for name, digest in share.items()}
    return encoded.digest_of(
        [shares[name] for name in sorted(shares, key=Path)], [encoded.part_digest(file) for file in encoded.parts(validation)]
    )
