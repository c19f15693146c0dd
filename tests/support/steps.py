"""Runs step scripts as a container would: as processes, by their arguments."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

PROJECT = Path(__file__).parent.parent.parent
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Done:
    code: int
    output: str


def run(step: str, *arguments: object) -> Done:
    """``python -m training_code.STEP``; standard error comes with the output."""
    command = [sys.executable, "-m", f"training_code.{step}", *map(str, arguments)]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return Done(done.returncode, done.stdout)


def preprocess(claims: Path, customers: Path, output: Path, *arguments: object) -> Done:
    return run("preprocess", "--claims", claims, "--customers", customers, "--output", output, *arguments)


def encoded(output: Path, *splits: str) -> list[dict[str, Any]]:
    """The encoded claims of some splits (all without any), in order."""
    rows: list[dict[str, Any]] = []
    for split in splits or SPLITS:
        for part in sorted((output / split).glob("*.parquet")):
            rows += [row | {"split": split} for row in pq.read_table(part).to_pylist()]
    return rows


def quality(output: Path) -> dict[str, Any]:
    (file,) = (output / "quality").glob("data_quality-*.json")
    document: dict[str, Any] = json.loads(file.read_text())
    return document
