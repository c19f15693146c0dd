"""Reads and writes ``model.tar.gz``; the same content gives the same bytes."""

import gzip
import tarfile
import zlib
from pathlib import Path

NAME = "model.tar.gz"


class ArchiveError(Exception):
    """An archive that cannot be unpacked; the message says which and why."""


def unpack(source: Path, target: Path) -> Path:
    """Extract the archive at ``source`` (or the one in that folder) and return the folder.

    A folder without an archive is taken for an extracted one.

    Raises:
        FileNotFoundError: there is neither.
        ArchiveError: the archive is torn, is none, or would write outside its folder.
    """
    archive = source / NAME if source.is_dir() else source
    if archive.is_file():
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(target, filter="data")
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise ArchiveError(f"{archive} cannot be unpacked: {error}") from error
        return target
    if source.is_dir() and any(source.iterdir()):
        return source
    raise FileNotFoundError(f"no {NAME} at {source}")


def pack(folder: Path, archive: Path) -> None:
    """Everything below ``folder``, sorted, without times and owners."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = tarfile.TarInfo(file.relative_to(folder).as_posix())
            entry.size, entry.mode, entry.mtime = file.stat().st_size, 0o644, 0
            with file.open("rb") as stream:
                tar.addfile(entry, stream)
