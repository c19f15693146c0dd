"""Writes arrays as MXNet's ``NDArray::Save`` does, which Amazon's own algorithms use for their models.

Little-endian: the magic of a list (uint64) and a reserved uint64; the number
of arrays (uint64) and the arrays; the number of names (uint64), which may be
0, and each name as its length (uint64) and its bytes. An array is the magic
of version 2 (uint32), its storage type (int32, 0: dense), the number of its
dimensions (uint32) and each of these (int64), the device it was on (type 1:
CPU, number 0, both int32), the type of its values (int32, 0: float32), and
these. Source: src/ndarray/ndarray.cc of Apache MXNet 1.x.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_LIST_MAGIC, _ARRAY_MAGIC = 0x112, 0xF993FAC9
_DENSE, _CPU, _FLOAT32 = 0, 1, 0

Array = np.ndarray[Any, np.dtype[Any]]


def dumps(arrays: Mapping[str, Array] | Sequence[Array]) -> bytes:
    """The file's content; the arrays become float32, and have names if they are given by name."""
    names = list(arrays) if isinstance(arrays, Mapping) else []
    values = list(arrays.values()) if isinstance(arrays, Mapping) else list(arrays)
    parts = [struct.pack("<QQQ", _LIST_MAGIC, 0, len(values)), *map(_array, values), struct.pack("<Q", len(names))]
    parts += [struct.pack("<Q", len(name.encode())) + name.encode() for name in names]
    return b"".join(parts)


def _array(array: Array) -> bytes:
    shape = array.shape
    head = struct.pack(f"<IiI{len(shape)}q", _ARRAY_MAGIC, _DENSE, len(shape), *shape)
    return head + struct.pack("<iii", _CPU, 0, _FLOAT32) + np.ascontiguousarray(array, "<f4").tobytes()
