"""Gives a job the paths that it knows from its container.

Where the kernel lets an ordinary user have a mount namespace (most of
Linux), the job sees its own folder at the real ``/opt/ml``. Elsewhere the
prefix is rewritten in the job's arguments and environment, which covers every
script that takes its paths from them.
"""

import functools
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path

ML = "/opt/ml"
_PREFIX = re.compile(r"(?<![\w./-])/opt/ml(?![\w.-])")
_LAUNCHER = Path(__file__).with_name("launcher.py")
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")


class Isolation(StrEnum):
    AUTO = "auto"
    NAMESPACE = "namespace"
    REWRITE = "rewrite"


@functools.cache
def namespaces_work() -> bool:
    """Whether this machine lets a job have its own /opt/ml."""
    if sys.platform != "linux":
        return False
    with tempfile.TemporaryDirectory() as folder:
        ml = Path(folder, "ml")
        ml.mkdir()
        spec = json.dumps({"ml": str(ml), "binds": [], "argv": ["true"], "cwd": folder})
        return subprocess.run(_launch(spec), capture_output=True, check=False).returncode == 0


class Sandbox:
    """One instance of a job: its ``/opt/ml`` is ``ml``, whatever the isolation."""

    def __init__(self, ml: Path, isolation: Isolation) -> None:
        ml.mkdir(parents=True, exist_ok=True)
        self.ml = ml
        self._binds: list[tuple[Path, str]] = []
        works = isolation is Isolation.NAMESPACE or (isolation is Isolation.AUTO and namespaces_work())
        self._is_namespace = works

    def path(self, container_path: str) -> Path:
        """The folder on this machine for a path of the container.

        Raises:
            ValueError: the path is not below /opt/ml.
        """
        if container_path != ML and not container_path.startswith(f"{ML}/"):
            raise ValueError(f"{container_path} is not below {ML}; only that is mapped")
        return self.ml / container_path.removeprefix(ML).strip("/")

    def share(self, folder: Path, container_path: str) -> None:
        """Let the job read and write ``folder`` at ``container_path`` while it runs."""
        folder.mkdir(parents=True, exist_ok=True)
        if self._is_namespace:
            self._binds.append((folder, container_path.removeprefix(f"{ML}/")))
        else:
            link = self.path(container_path)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(folder, target_is_directory=True)

    def command(self, argv: Sequence[str], cwd: str) -> list[str]:
        """The command that runs ``argv`` with these paths."""
        if self._is_namespace:
            spec = {"ml": str(self.ml), "binds": [[str(f), p] for f, p in self._binds], "argv": list(argv), "cwd": cwd}
        else:
            own = [argv[0], *(self._rewrite(argument) for argument in argv[1:])]
            spec = {"ml": "", "binds": [], "argv": own, "cwd": self._rewrite(cwd)}
        return _launch(json.dumps(spec))

    def environment(self, own: Mapping[str, str], threads: int) -> dict[str, str]:
        """Nothing of the caller's environment but what a shell needs; no credentials."""
        scratch = self.ml.parent / "tmp"
        scratch.mkdir(exist_ok=True)
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ} | {"TMPDIR": str(scratch)}
        environment = {
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": str(threads),
            # Threads that spin while they wait for each other take the CPU from jobs beside them; those that
            # sleep at once are slow to wake. This is what OpenMP does by itself where it knows of the others.
            "GOMP_SPINCOUNT": "1000",
            "SAGEMAKER_BASE_DIR": ML,
        } | {name: str(value) for name, value in own.items()}
        if not self._is_namespace:
            environment = {name: self._rewrite(value) for name, value in environment.items()}
        return inherited | environment

    def _rewrite(self, text: str) -> str:
        """Only the prefix of a path: neither /opt/mlops nor /home/opt/ml is the job's."""
        return _PREFIX.sub(lambda match: str(self.ml), text)


def _launch(spec: str) -> list[str]:
    return [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), spec]
