"""CPU slots: how many jobs run side by side, and how many threads each has."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from local_sagemaker.definition import Definition


def threads_per_job(definition: Definition, slots: int) -> dict[str, int]:
    """The threads of each job: the slots shared among the jobs of its level in the graph.

    It depends on the definition alone and not on what happens to run, so
    that a rerun computes with the same number of threads.
    """
    levels = definition.levels()
    jobs = [node.name for node in definition.nodes.values() if node.is_job]
    side_by_side = {level: sum(levels[name] == level for name in jobs) for level in set(levels.values())}
    return {name: max(1, slots // side_by_side[levels[name]]) for name in jobs}


class Slots:
    """Hands out ``count`` slots in the order of asking."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = count
        self._condition = threading.Condition()

    @contextmanager
    def take(self, wanted: int) -> Iterator[None]:
        """Hold ``wanted`` slots, or all of them if that is fewer; waits until they are free."""
        number = min(wanted, self.count)
        with self._condition:
            self._condition.wait_for(lambda: self._free >= number)
            self._free -= number
        try:
            yield
        finally:
            with self._condition:
                self._free += number
                self._condition.notify_all()
