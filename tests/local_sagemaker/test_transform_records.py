"""How objects fall into records and batches, and what JSONPath selects."""

import io
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_sagemaker.transform_host import records
from local_sagemaker.transform_host.paths import Path, PathError
from local_sagemaker.transform_host.records import RecordTooLargeError, by_line, whole

LIMIT = 12
LINES = st.lists(st.binary(max_size=LIMIT).map(lambda line: line.replace(b"\n", b"n").replace(b"\r", b"r")), max_size=30)


@given(LINES, st.booleans(), st.sampled_from([b"\n", b"\r\n"]), st.integers(1, 40))
def test_batches_hold_every_record_once_in_order_and_as_many_as_fit(lines: list[bytes], is_multi: bool, end: bytes, block: int) -> None:
    with mock.patch.object(records, "_BLOCK", block):
        found = list(by_line(io.BytesIO(end.join(lines)), is_multi=is_multi, limit=LIMIT))
    filled = [(number + 1, line) for number, line in enumerate(lines) if line.strip()]
    assert [content for batch in found for content in batch.contents] == [line for _, line in filled]
    places = iter(number for number, _ in filled)
    for batch in found:
        own = [next(places) for _ in batch.contents]
        assert batch.lines == (own[0], own[-1])
    bodies = [b"\n".join(batch.contents) for batch in found]
    assert all(len(body) <= LIMIT for body in bodies)
    if is_multi:
        assert all(len(body) + 1 + len(after.contents[0]) > LIMIT for body, after in zip(bodies, found[1:], strict=False))
    else:
        assert all(len(batch.contents) == 1 for batch in found)


@given(st.integers(0, 2 * LIMIT), st.booleans(), st.sampled_from([b"", b"\n", b"\r\n"]), st.integers(1, 40))
def test_a_record_may_have_exactly_the_limit(size: int, is_line: bool, end: bytes, block: int) -> None:
    stream = io.BytesIO(b"x" * size + (end + b"y" if is_line and end else b""))
    with mock.patch.object(records, "_BLOCK", block):
        found = by_line(stream, is_multi=False, limit=LIMIT) if is_line else whole(stream, LIMIT)
        if size > LIMIT:
            with pytest.raises(RecordTooLargeError):
                list(found)
        else:
            expected = [b"x" * size] * bool(size) + [b"y"] * bool(is_line and end)
            assert [content for batch in found for content in batch.contents] == expected


@given(st.lists(st.integers(), min_size=1, max_size=8), st.integers(-9, 9), st.none() | st.integers(-9, 9))
def test_indices_and_slices_are_those_of_python(values: list[int], start: int, end: int | None) -> None:
    cases: list[tuple[str, Any]] = [(f"$[{start}]", start), (f"$[{start}:{'' if end is None else end}]", slice(start, end))]
    for text, key in cases:
        try:
            expected = values[key]
        except IndexError:
            expected = []
        if expected == []:
            with pytest.raises(PathError, match="there is nothing"):
                Path(text).select(values)
        else:
            assert Path(text).select(values) == expected


DOCUMENT = {"a": {"b": [1, 2, 3], "c-d": {"e": 5}}, "f g": "h"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$", DOCUMENT),
        ("$.a.b", [1, 2, 3]),
        ("$['f g']", "h"),
        ('$.a["c-d"].e', 5),
        ("$.a.c-d.e", 5),
        ("$.a.['b']", [1, 2, 3]),
        ("$['a', 'f g']", DOCUMENT),
        ("$.a['b'][0, 2]", [1, 3]),
        ("$.a.b[0,1:]", [1, 2, 3]),
        ("$.a.b[-1]", 3),
        ("$.a.b[:-1]", [1, 2]),
        ("$.a.b[*]", [1, 2, 3]),
        ("$.a.*", [[1, 2, 3], {"e": 5}]),
    ],
)
def test_what_a_path_selects(text: str, expected: Any) -> None:
    assert Path(text).select(DOCUMENT) == expected


@pytest.mark.parametrize("text", ["$.x", "$[0]", "$.a.b.x", "$.a.b['x']", "$.a.b[3]", "$.a.b[3:]", "$['a','x']", "$['f g'][0]"])
def test_a_path_that_leads_to_nothing_says_so(text: str) -> None:
    with pytest.raises(PathError, match="there is nothing at"):
        Path(text).select(DOCUMENT)


@pytest.mark.parametrize("text", ["", "a", "$a", "$.", "$..a", "$[", "$[]", "$[a]", "$['a'", "$[0,'a']", "$[?(@.x)]", "$[0 1]"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(PathError):
        Path(text)
