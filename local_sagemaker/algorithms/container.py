"""What every stand-in does as a container: reads configuration and channels, logs, and says why it failed."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from local_sagemaker.algorithms import hyperparameters
from local_sagemaker.algorithms.hyperparameters import CustomerError

ML = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
TUNING_METRIC = "_tuning_objective_metric"


@dataclass(frozen=True)
class Table:
    """Features, float32 (rows, columns), and the label, float32 (rows,), where the channel has one."""

    features: np.ndarray[Any, np.dtype[np.float32]]
    label: np.ndarray[Any, np.dtype[np.float32]] | None


def run(train: Callable[[], None]) -> int:
    """Run a stand-in; a fault of its caller is one readable line and exit code 1."""
    try:
        _refuse_several_instances()
        train()
    except CustomerError as error:
        cause = f"Customer Error: {error}"
        print(cause, file=sys.stderr)
        folder = ML / "output"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "failure").write_text(cause[:1024])
        return 1
    return 0


def read_hyperparameters(known: Mapping[str, hyperparameters.Parameter], algorithm: str) -> dict[str, Any]:
    given = json.loads((ML / "input/config/hyperparameters.json").read_text())
    return hyperparameters.read({name: str(value) for name, value in given.items()}, known, algorithm)


def threads() -> int:
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


def log(message: str) -> None:
    """A line in the form of Amazon's own algorithms."""
    now = datetime.now(UTC).strftime("%m/%d/%Y %H:%M:%S")
    print(f"[{now} INFO {os.getpid()}] {message}", flush=True)


def quality(channel: str, metric: str, value: float, *, is_loss: bool = False, epoch: int | None = None) -> None:
    """A metric, where the service's expressions look for it."""
    when = "" if epoch is None else f"epoch={epoch}, "
    log(f"#quality_metric: host={_host()}, {when}{channel} {metric} <{'loss' if is_loss else 'score'}>={value!r}")


def read_channel(name: str, *, is_required: bool = False, may_have_gaps: bool = False) -> Table | None:
    """All CSV files of a channel, without header lines; None where there is no such channel.

    The first column is the label, unless the content type says ``label_size=0``.

    Raises:
        CustomerError: naming the file and what is wrong with it.
    """
    channels = json.loads((ML / "input/config/inputdataconfig.json").read_text())
    if name not in channels:
        if is_required:
            raise CustomerError(f"there is no channel {name}")
        return None
    labels = _labels(name, channels[name].get("ContentType"))
    folder = ML / "input/data" / name
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    parts = [_read_csv(file, folder, may_have_gaps=may_have_gaps) for file in files if file.stat().st_size]
    if not parts:
        raise CustomerError(f"the channel {name} has no data")
    if len({part.shape[1] for part in parts}) > 1:
        raise CustomerError(f"the files of the channel {name} have different numbers of columns")
    table = np.concatenate(parts)
    if table.shape[1] <= labels:
        raise CustomerError(f"the channel {name} has no features beside the label")
    return Table(np.ascontiguousarray(table[:, labels:]), table[:, 0].copy() if labels else None)


def _read_csv(file: Path, folder: Path, *, may_have_gaps: bool) -> np.ndarray[Any, np.dtype[np.float32]]:
    import pyarrow as pa
    from pyarrow import csv

    where = f"{folder.name}/{file.relative_to(folder)}"
    try:
        table = csv.read_csv(file, csv.ReadOptions(autogenerate_column_names=True, use_threads=threads() > 1))
    except pa.ArrowInvalid as error:
        raise CustomerError(f"{where} is no CSV: {error}") from error
    for number, column in enumerate(table.columns, start=1):
        if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_null(column.type)):
            raise CustomerError(f"{where} has something else than numbers in column {number}; a header line is not allowed")
        if column.null_count and not may_have_gaps:
            raise CustomerError(f"{where} has empty values in column {number}")
    columns = [column.cast(pa.float32(), safe=False).to_numpy(zero_copy_only=False) for column in table.columns]
    return np.column_stack(columns).astype(np.float32, copy=False)


def _labels(channel: str, content_type: str | None) -> int:
    """How many of the first columns are labels: none or one."""
    kind, _, rest = (content_type or "").replace(" ", "").partition(";")
    if kind not in ("text/csv", "csv"):
        raise CustomerError(f"the channel {channel} has the content type {content_type}; only text/csv can be read locally")
    if rest not in ("", "label_size=0", "label_size=1"):
        raise CustomerError(f"the channel {channel} has the content type {content_type}; after text/csv may stand label_size=0 or 1")
    return 0 if rest == "label_size=0" else 1


def _host() -> str:
    return str(json.loads((ML / "input/config/resourceconfig.json").read_text())["current_host"])


def _refuse_several_instances() -> None:
    hosts = json.loads((ML / "input/config/resourceconfig.json").read_text())["hosts"]
    if len(hosts) > 1:
        raise CustomerError(f"this stand-in trains on one instance, not on {len(hosts)}: set InstanceCount to 1 for local runs")
