"""MXNet's NDArray list files, in which SageMaker's built-in algorithms save their models.

Little-endian: 0x112 and 0 (uint64), the arrays with their count (uint64), the
names with their count (none, or as many), each with its length (uint64).
An array: magic (uint32), storage type (int32, not in version 1), dimensions
(uint32 count, int64 each), device (two int32), type (int32), raw data. Source:
NDArray::Save and NDArray::Load in MXNet's src/ndarray/ndarray.cc.
"""

import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training_code.scoring.model import ModelError

Array = npt.NDArray[Any]

_FILE = 0x112
_V1, _V2, _V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
_DENSE, _CPU = 0, 1
_TYPES = tuple(np.dtype(name) for name in ("<f4", "<f8", "<f2", "u1", "<i4", "i1", "<i8"))
"""By MXNet's number of the type."""
_MAX_DIMENSIONS = 32


class _Reader:
    """Takes what there is and never more: a wrong length cannot make it allocate."""

    def __init__(self, content: bytes, source: str) -> None:
        self.content, self.source, self.place = memoryview(content), source, 0

    def take(self, size: int, what: str) -> memoryview:
        if size > len(self.content) - self.place:
            raise ModelError(f"{self.source}: {what} at byte {self.place} is longer than the file")
        self.place += size
        return self.content[self.place - size : self.place]

    def number(self, code: str, what: str) -> int:
        return int(struct.unpack("<" + code, self.take(struct.calcsize("<" + code), what))[0])


def read(content: bytes, source: str) -> list[tuple[str, Array]]:
    """The arrays with their names, "" where there are none; they share the memory of ``content``.

    ``source`` names the file in messages.

    Raises:
        ModelError: not such a file, a damaged one, or one with sparse or empty arrays.
    """
    reader = _Reader(content, source)
    if reader.number("Q", "the header") != _FILE or reader.number("Q", "the header") != 0:
        raise ModelError(f"{source} is not an MXNet parameter file")
    arrays = [_array(reader, place) for place in _count(reader, "arrays")]
    names = [_name(reader) for _ in _count(reader, "names")]
    if names and len(names) != len(arrays):
        raise ModelError(f"{source}: {len(names)} names for {len(arrays)} arrays")
    if reader.place != len(content):
        raise ModelError(f"{source}: {len(content) - reader.place} bytes after the end")
    return list(zip(names or [""] * len(arrays), arrays, strict=True))


def write(arrays: Sequence[Array], names: Sequence[str] = ()) -> bytes:
    """A file of version 2 with these arrays, of a type that MXNet has, and names (none, or one each)."""
    parts = [struct.pack("<QQQ", _FILE, 0, len(arrays))]
    for array in arrays:
        parts.append(struct.pack(f"<IiI{array.ndim}q", _V2, _DENSE, array.ndim, *array.shape))
        parts.append(struct.pack("<iii", _CPU, 0, _TYPES.index(array.dtype.newbyteorder("<"))))
        parts.append(array.astype(array.dtype.newbyteorder("<")).tobytes())
    parts.append(struct.pack("<Q", len(names)))
    for name in names:
        encoded = name.encode()
        parts.append(struct.pack("<Q", len(encoded)) + encoded)
    return b"".join(parts)


def _count(reader: _Reader, what: str) -> range:
    count = reader.number("Q", f"the number of {what}")
    # Each takes eight bytes at least.
    if count * 8 > len(reader.content) - reader.place:
        raise ModelError(f"{reader.source}: {count} {what} do not fit into the file")
    return range(count)


def _array(reader: _Reader, place: int) -> Array:
    what = f"array {place}"
    magic = reader.number("I", what)
    if magic not in (_V1, _V2, _V3):
        raise ModelError(f"{reader.source}: {what} begins with {magic:#x}; it is of an unknown version")
    if magic != _V1 and reader.number("i", what) != _DENSE:
        raise ModelError(f"{reader.source}: {what} is sparse")
    dimensions = reader.number("I", what)
    if dimensions > _MAX_DIMENSIONS:
        raise ModelError(f"{reader.source}: {what} has {dimensions} dimensions")
    shape = [reader.number("q", what) for _ in range(dimensions)]
    # Without dimensions, an array has one value in version 3, and none before.
    if min(shape, default=1) < 1 or (not shape and magic != _V3):
        raise ModelError(f"{reader.source}: {what} has the shape {tuple(shape)}, and so no values")
    reader.take(8, what)
    kind = reader.number("i", what)
    if not 0 <= kind < len(_TYPES):
        raise ModelError(f"{reader.source}: {what} has the unknown type {kind}")
    data = reader.take(math.prod(shape) * _TYPES[kind].itemsize, what)
    return np.frombuffer(data, _TYPES[kind]).reshape(shape)


def _name(reader: _Reader) -> str:
    size = reader.number("Q", "a name")
    return bytes(reader.take(size, "a name")).decode(errors="replace")
