"""MXNet's NDArray files: what is written is read, and damage is named."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_code.scoring import ModelError, ndarray

_ARRAYS = st.lists(
    st.builds(
        lambda kind, shape, seed: (np.random.default_rng(seed).normal(0, 40, shape) % 120).astype(kind),
        st.sampled_from(["<f4", "<f8", "<f2", "u1", "<i4", "i1", "<i8"]),
        st.lists(st.integers(1, 4), min_size=1, max_size=3),
        st.integers(0, 9),
    ),
    max_size=3,
)
_WEIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)
_FILE = ndarray.write([_WEIGHT, np.array([1.5])], ["arg:fc0_weight", "arg:fc0_bias"])


@given(_ARRAYS, st.sampled_from([[], ["arg:fc0_weight", "", "gewölbe"]]))
def test_what_is_written_is_read(written: list[np.ndarray], named: list[str]) -> None:
    names = named[: len(written)]
    found = ndarray.read(ndarray.write(written, names), "file")
    assert [name for name, _ in found] == (names or [""] * len(written))
    for (_, array), own in zip(found, written, strict=True):
        assert array.dtype == own.dtype
        np.testing.assert_array_equal(array, own)


def test_a_file_of_mxnets_own() -> None:
    """The bytes that MXNet 1.9's mx.nd.save writes for {"w": [[1, 2]]}, put together from NDArray::Save."""
    content = (
        struct.pack("<QQQ", 0x112, 0, 1)
        + struct.pack("<IiIqq", 0xF993FAC9, 0, 2, 1, 2) + struct.pack("<iii", 1, 0, 0) + struct.pack("<ff", 1, 2)
        + struct.pack("<QQ", 1, 1) + b"w"
    )  # fmt: skip
    ((name, array),) = ndarray.read(content, "file")
    assert (name, array.tolist()) == ("w", [[1.0, 2.0]])
    assert ndarray.write([array], ["w"]) == content


@pytest.mark.parametrize(("magic", "storage"), [(0xF993FAC8, b""), (0xF993FACA, struct.pack("<i", 0))], ids=["version 1", "version 3"])
def test_files_of_other_versions(magic: int, storage: bytes) -> None:
    content = (
        struct.pack("<QQQI", 0x112, 0, 1, magic) + storage + struct.pack("<Iq", 1, 2) + struct.pack("<iii", 2, 3, 1)
        + struct.pack("<dd", 0.25, 0.5) + struct.pack("<Q", 0)
    )  # fmt: skip
    ((name, array),) = ndarray.read(content, "file")
    assert (name, array.tolist()) == ("", [0.25, 0.5])


@pytest.mark.parametrize("size", range(len(_FILE)))
def test_a_file_that_is_cut_off(size: int) -> None:
    with pytest.raises(ModelError, match=r"^file[: ]"):
        ndarray.read(_FILE[:size], "file")


@given(st.lists(st.tuples(st.integers(0, len(_FILE) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_damage_is_an_error_or_other_numbers(changes: list[tuple[int, int]]) -> None:
    content = bytearray(_FILE)
    for place, value in changes:
        content[place] = value
    try:
        found = ndarray.read(bytes(content), "file")
    except ModelError as error:
        assert str(error).startswith("file")
    else:
        assert sum(array.nbytes for _, array in found) <= len(content)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (0, struct.pack("<Q", 0x113), "not an MXNet parameter file"),
        (16, struct.pack("<Q", 2**60), "do not fit"),
        (24, struct.pack("<I", 2), "unknown version"),
        (28, struct.pack("<i", 1), "sparse"),
        (32, struct.pack("<I", 2**31), "dimensions"),
        (36, struct.pack("<q", 2**62), "longer than the file"),
        (36, struct.pack("<q", -1), "no values"),
        (60, struct.pack("<i", 9), "unknown type"),
    ],
)
def test_what_is_wrong_is_named(place: int, value: bytes, message: str) -> None:
    content = bytearray(_FILE)
    content[place : place + len(value)] = value
    with pytest.raises(ModelError, match=message):
        ndarray.read(bytes(content), "model_algo-1")


def test_more_bytes_than_the_file_says() -> None:
    with pytest.raises(ModelError, match="1 bytes after the end"):
        ndarray.read(_FILE + b"x", "file")
