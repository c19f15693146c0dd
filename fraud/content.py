"""Puts files into the local S3 under URIs that contain the hash of their content.

SageMaker's cache compares URIs and never looks at what lies there: only a URI
that changes with the content makes a step run again when the content does.
"""

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from local_sagemaker import Home


def digest(files: Sequence[tuple[str, Path]]) -> str:
    """A hash of names and contents, in the order of the names."""
    found = hashlib.sha256()
    for name, file in sorted(files):
        with file.open("rb") as stream:
            found.update(f"{name}\0{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return found.hexdigest()[:32]


def files_of(source: Path) -> list[tuple[str, Path]]:
    """A file, or all below a folder, each with its name there."""
    if source.is_file():
        return [(source.name, source)]
    return [(file.relative_to(source).as_posix(), file) for file in sorted(source.rglob("*")) if file.is_file()]


def upload(home: Home, prefix: str, source: Path) -> str:
    """Copy a file or folder below ``prefix`` and return its URI; what is there already stays.

    It appears at once, whole, under its final name.
    """
    files = files_of(source)
    uri = f"{prefix}/{digest(files)}"
    if not home.path(uri).exists():
        _place(home.path(uri), files)
    return uri


def store(home: Home, uri: str, content: bytes) -> None:
    """Write one object whose URI contains its hash."""
    target = home.path(uri)
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(target)


def _place(target: Path, files: Sequence[tuple[str, Path]]) -> None:
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        for name, content in files:
            file = partial / name
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(content, file)
        partial.rename(target)
    except OSError:
        # Another run was faster with the same content.
        if not target.exists():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
