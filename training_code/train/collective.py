"""Several hosts that train one model, over XGBoost's own exchange."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
from xgboost import collective
from xgboost.tracker import RabitTracker

from training_code import failure
from training_code.train import links
from training_code.train.cluster import Cluster, Floats, Hosts

T = TypeVar("T")

MEETING_SECONDS = 600.0
"""Instances of one job start minutes apart."""
_EXCHANGE_SECONDS = 3600
"""One host may read long while the others wait; that a host is gone is not left to this timeout."""
_NOTICE_SECONDS = 3.0
"""Where the end of a process is the cause of an error, the links have noticed it by then."""


class Joined(Cluster):
    """The hosts of a running exchange."""

    def sum(self, values: Floats) -> Floats:
        # Of one type on all hosts: what numpy counts over no rows at all comes as integers.
        own = np.asarray(values, np.float64)
        return np.asarray(collective.allreduce(own, collective.Op.SUM)).reshape(own.shape)

    def gather(self, value: T) -> list[T]:
        return [self._told(value, rank) for rank in range(self.size)]

    def from_first(self, value: T | None) -> Any:
        return self._told(value, 0)

    def _told(self, value: Any, by: int) -> Any:
        """The value of one host, on all of them."""
        told: Any = (value,) if self.rank == by else None
        return collective.broadcast(told, by)[0]


@contextmanager
def joined(hosts: Hosts) -> Iterator[Cluster]:
    """See ``cluster.joined``."""
    ending = threading.Lock()

    def on_lost(name: str, cause: str) -> None:
        # Kept until the process ends: whoever notices first says why, and nobody says anything else.
        ending.acquire()
        met.tell({"lost": name, "cause": cause})
        _end(
            f"{name}: {cause}" if cause else
            f"a worker was lost: {name}. Training on {len(hosts.names)} instances needs all of them; see the log of {name} for the"
            " cause. Started again, the job goes on from its last checkpoint"
        )  # fmt: skip

    tracker = None
    if hosts.rank == 0:
        met, address = links.first_host(hosts, on_lost, seconds=MEETING_SECONDS)
        tracker = RabitTracker(host_ip=address, n_workers=len(hosts.names), sortby="task")
        tracker.start()
        told = {"tracker": tracker.worker_args()}
        met.tell(told)
    else:
        met, told = links.other_host(hosts, on_lost, seconds=MEETING_SECONDS)
    met.watch()
    # By rank in the order of the hosts: the first host is the one that writes.
    task = f"{hosts.rank:06d}"
    try:
        with collective.CommunicatorContext(**told["tracker"], dmlc_task_id=task, dmlc_timeout=_EXCHANGE_SECONDS):
            yield Joined(collective.get_rank(), collective.get_world_size())
    except Exception as error:
        # If a host is gone, the links know, and end the process with a better message than this one.
        time.sleep(_NOTICE_SECONDS)
        ending.acquire()
        met.tell({"lost": hosts.own, "cause": str(error).splitlines()[0] if str(error) else repr(error)})
        raise
    met.leave()
    if tracker is not None:
        tracker.wait_for(timeout=int(MEETING_SECONDS))


def _end(cause: str) -> None:
    """End the process from a thread: the main one waits inside XGBoost for a host that will not answer."""
    failure.report(cause)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)
