"""Batch scoring of raw CSV with a default model of the project."""

import json
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from benchmarks import measure
from benchmarks.measure import python

_MOST_ROWS = 3_000_000
_SAMPLE_SECONDS = 0.2


def measure_scoring(folder: Path, rows: int) -> None:
    """Generate claims, train on 5,000 others, score; memory is that of the command with all its workers."""
    rows = min(rows, _MOST_ROWS)
    print(f"\nscoring {rows:,} claims × {rows:,} customers, CSV to CSV (one run)")
    data, home, out = folder / "score", folder / "score-home", folder / "scores.csv"
    measure.run(python("fraud.main", "data", "--rows", rows, "--out", data))
    measure.run(python("fraud.main", "run", "--home", home))
    command = python(
        "fraud.main", "score", "--claims", data / "claims.csv", "--customers", data / "customers.csv",
        "--out", out, "--home", home, "--json",
    )  # fmt: skip
    started = time.monotonic()
    with tempfile.TemporaryFile() as answer:
        process = subprocess.Popen(command, cwd=measure.PROJECT, stdout=answer)
        memory = _Memory(process.pid)
        code = process.wait()
        seconds = time.monotonic() - started
        answer.seek(0)
        said = answer.read()
    if code:
        raise SystemExit(f"{' '.join(command)} failed")
    document = json.loads(said)
    assert document["claims"] == rows
    print(f"{seconds:.1f} s, {rows / seconds * 60 / 1e6:.1f} million claims a minute, peak {memory.stop() / 2**30:.2f} GiB")


class _Memory:
    """The most that a process and those it started have held at once, pages that they share counted once."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> int:
        self._is_over.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        while not self._is_over.wait(_SAMPLE_SECONDS):
            children = [int(child) for child in _read(f"/proc/{self._pid}/task/{self._pid}/children").split()]
            self._peak = max(self._peak, sum(map(_proportional_bytes, (self._pid, *children))))


def _proportional_bytes(pid: int) -> int:
    sizes = [line.split()[1] for line in _read(f"/proc/{pid}/smaps_rollup").splitlines() if line.startswith("Pss:")]
    return sum(map(int, sizes)) * 1024


def _read(file: str) -> str:
    try:
        return Path(file).read_text()
    except OSError:
        # It has just ended, or this system has no such files.
        return ""
