"""The hosts of a training job and what they exchange. One host alone exchanges nothing."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")
Floats = npt.NDArray[np.float64]


class ClusterError(Exception):
    """The hosts did not find each other; the message says which and what to look at."""


@dataclass(frozen=True)
class Cluster:
    """One host alone. Every method is called by all hosts, in the same order; ``rank`` 0 is the first host."""

    rank: int = 0
    size: int = 1

    def sum(self, values: Floats) -> Floats:
        """The sum over all hosts, elementwise."""
        return values

    def gather(self, value: T) -> list[T]:
        """Every host's value, by rank."""
        return [value]

    def from_first(self, value: T | None) -> T:
        """The first host's value."""
        assert value is not None
        return value


@dataclass(frozen=True)
class Hosts:
    """A job's hosts, in one order on all of them; ``own`` is this one's name."""

    names: tuple[str, ...]
    own: str
    job: str
    is_local: bool

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Hosts":
        """From the variables that SageMaker's training toolkit sets; without them, one host."""
        own = environment.get("SM_CURRENT_HOST", "algo-1")
        names = tuple(sorted(json.loads(environment.get("SM_HOSTS") or json.dumps([own])), key=_order))
        job = environment.get("TRAINING_JOB_NAME", "")
        return cls(names, own, job, is_local=environment.get("SM_NETWORK_INTERFACE_NAME") == "lo")

    @property
    def rank(self) -> int:
        return self.names.index(self.own)


@contextmanager
def joined(hosts: Hosts) -> Iterator[Cluster]:
    """The cluster of all hosts while the context lasts; leaving it ends the exchange on all of them.

    A host that is lost in the meantime ends this process with a message.

    Raises:
        ClusterError: the hosts did not meet.
    """
    if len(hosts.names) == 1:
        yield Cluster()
        return
    from training_code.train import collective

    with collective.joined(hosts) as cluster:
        yield cluster


def _order(name: str) -> tuple[int, str]:
    """algo-2 before algo-10."""
    return len(name), name

