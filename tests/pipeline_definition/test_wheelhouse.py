"""The wheels that preprocessing ships: those of the lock file, and no others."""

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from pipeline_definition import wheelhouse
from pipeline_definition.errors import DefinitionError

WHEEL = b"a wheel"


def _lock(folder: Path, *contents: bytes) -> Path:
    file = folder / "wheelhouse.txt"
    file.write_text("".join(f"package==1 --hash=sha256:{hashlib.sha256(content).hexdigest()}\n" for content in contents))
    return file


def test_the_archive_holds_the_wheels_and_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(WHEEL)
    lock = _lock(tmp_path, WHEEL)
    first = wheelhouse.build(tmp_path, lock)
    wheelhouse.build.cache_clear()
    assert wheelhouse.build(tmp_path, lock) == first
    with zipfile.ZipFile(io.BytesIO(first.content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"a.whl": WHEEL}


def test_a_missing_wheel_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"lacks wheels that wheelhouse\.txt names: run `make setup`"):
        wheelhouse.build(tmp_path, _lock(tmp_path, WHEEL))


def test_a_wheel_that_is_not_the_locked_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"another wheel")
    with pytest.raises(DefinitionError, match=r"a\.whl is not what wheelhouse.txt names"):
        wheelhouse.build(tmp_path, _lock(tmp_path, WHEEL))
