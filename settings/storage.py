"""How long data and artifacts are kept, and what becomes of them when the environment goes."""

from typing import Literal

from settings.types import Days, Frozen


class Storage(Frozen):
    """``retention`` is what becomes of key and buckets when their stack is destroyed.

    ``intermediate_days`` is for what a run leaves behind on the way to its
    model (splits, checkpoints, unpackaged models); evaluations and packages
    stay, because registered models refer to them. ``noncurrent_days`` is how
    long overwritten and deleted objects can be brought back.
    """

    retention: Literal["retain", "destroy"] = "retain"
    intermediate_days: Days = 90
    noncurrent_days: Days = 60
    access_log_days: Days = 365
    log_days: Literal[7, 14, 30, 60, 90, 180, 365, 731] = 90
