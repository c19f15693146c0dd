"""Runs a command as a process and takes its time and its peak memory from the operating system."""

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Measured:
    """Wall-clock seconds, and the largest resident set of the process in bytes."""

    seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Command:
    """A command with variables of its own, to be run again and again."""

    arguments: Sequence[str]
    variables: Mapping[str, str]

    def run(self) -> Measured:
        return run(self.arguments, self.variables)


def run(command: Sequence[str], variables: Mapping[str, str] | None = None) -> Measured:
    """Run to a successful end; what the command prints is shown only if it fails."""
    # What an earlier command has written reaches the disk now, and not while this one is measured.
    os.sync()
    started = time.monotonic()
    environment = dict(os.environ) | dict(variables or {})
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()))
    reader.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    reader.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{''.join(lines)[-2000:]}")
    return Measured(seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def python(module: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", module, *map(str, arguments)]


def processors() -> str:
    limit = resource.getpagesize() * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} CPUs, {limit:.0f} GiB"
