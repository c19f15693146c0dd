"""Each step's code as one archive: what its entry point imports, and nothing else.

The archive's bytes are a function of the sources alone, and its name contains
their hash: an edit to one step's script gives that step, and no other, a new
URI, which is all that SageMaker's cache looks at.
"""

import ast
import functools
import gzip
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_PACKAGE = "training_code"
_EPOCH = (1980, 1, 1, 0, 0, 0)

_MAIN = 'from training_code.{step}.__main__ import main\n\nif __name__ == "__main__":\n    raise SystemExit(main())\n'
_SERVE = "from training_code.serve.inference import input_fn, model_fn, output_fn, predict_fn\n\n" \
    '__all__ = ["input_fn", "model_fn", "output_fn", "predict_fn"]\n'  # fmt: skip
_SETUP = (
    "from setuptools import find_packages, setup\n\n"
    'setup(name="train", version="1.0.0", py_modules=["train"], packages=find_packages())\n'
)


@dataclass(frozen=True)
class Archive:
    """``content`` under the name ``file_name``; ``digest`` is the SHA-256 of the content."""

    file_name: str
    content: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def modules(entry: str) -> dict[str, bytes]:
    """The sources that a module of ``training_code`` needs, by path below the project."""
    found: dict[str, bytes] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        file = _file(name)
        if file is None or (path := file.relative_to(ROOT).as_posix()) in found:
            continue
        found[path] = file.read_bytes()
        waiting += _imports(found[path])
        if "." in name:
            waiting.append(name.rpartition(".")[0])
    return found


@functools.cache
def _imports(source: bytes) -> Sequence[str]:
    names: list[str] = []
    for node in _statements(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name for name in names if name.partition(".")[0] == _PACKAGE]


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements below a node: imports are among them, and expressions, which are most of a tree, are not."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for child in getattr(node, field, ()):
            yield child
            yield from _statements(child)


def _file(module: str) -> Path | None:
    """The file of a module or package; None for a name inside a module."""
    base = ROOT.joinpath(*module.split("."))
    for file in (base.with_suffix(".py"), base / "__init__.py"):
        if file.is_file():
            return file
    return None


@functools.cache
def executable(step: str) -> Archive:
    """The code of a Processing step as a zip that Python runs as it is: ``python3 preprocess.pyz``."""
    folder = folder_of(step)
    files = modules(f"{_PACKAGE}.{folder}.__main__")
    return Archive(f"{folder}.pyz", zipped(files | {"__main__.py": _MAIN.format(step=folder).encode()}))


@functools.cache
def serving() -> Archive:
    """The inference code, with the module that the container looks for."""
    return Archive("serve.pyz", zipped(modules(f"{_PACKAGE}.serve.inference") | {"inference.py": _SERVE.encode()}))


@functools.cache
def source_distribution() -> Archive:
    """The training code as the tarball of script mode, with a setup.py so that the container installs the packages too."""
    files = modules(f"{_PACKAGE}.train.__main__")
    files |= {"train.py": _MAIN.format(step="train").encode(), "setup.py": _SETUP.encode()}
    return Archive("sourcedir.tar.gz", _tar(files))


def folder_of(step: str) -> str:
    """The package of a step: ``PreTrainingBias`` is in ``pre_training_bias``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", step).lower()


def zipped(files: Mapping[str, bytes], *, compress: bool = True) -> bytes:
    """A zip whose bytes follow from names and contents alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED)
    return buffer.getvalue()


def _tar(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=buffer, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), 0o644
            archive.addfile(entry, io.BytesIO(files[name]))
    return buffer.getvalue()
