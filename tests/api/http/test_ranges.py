"""Range and conditional headers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.api.http.ranges import (
    UNSATISFIABLE,
    ByteRange,
    is_not_modified,
    parse_range,
    requested_range,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes=0-3", ByteRange(0, 4)),
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=3-", ByteRange(3, 10)),
        ("bytes=-3", ByteRange(7, 10)),
        ("bytes=-30", ByteRange(0, 10)),
        ("bytes=5-99", ByteRange(5, 10)),
        ("BYTES = 5 - 6", ByteRange(5, 7)),
        ("bytes=9-9223372036854775807", ByteRange(9, 10)),
        ("bytes=10-", UNSATISFIABLE),
        ("bytes=10-20", UNSATISFIABLE),
        ("bytes=-0", UNSATISFIABLE),
        ("bytes=4-3", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes", None),
        ("", None),
        ("bytes=a-b", None),
        ("bytes=0-1,3-4", None),
        ("bytes=--1", None),
        ("items=0-3", None),
        ("bytes=" + "9" * 30 + "-", None),
    ],
)
def test_ranges_of_ten_bytes(value: str, expected: ByteRange | None) -> None:
    assert parse_range(value, 10) == expected


def test_nothing_of_an_empty_content_can_be_had() -> None:
    assert parse_range("bytes=0-", 0) is UNSATISFIABLE
    assert parse_range("bytes=-5", 0) is UNSATISFIABLE


@given(st.text("bytes=0123456789-, ", max_size=30) | st.text(max_size=30), st.integers(0, 2**63 - 1))
def test_any_range_lies_within_the_content(value: str, size: int) -> None:
    found = parse_range(value, size)
    assert found is None or found is UNSATISFIABLE or 0 <= found.start < found.stop <= size


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, False),
        ('"abc"', True),
        ('W/"abc"', True),
        ('"x", "abc"', True),
        ("*", True),
        ('"abcd"', False),
        ("abc", False),
        ("", False),
    ],
)
def test_if_none_match(value: str | None, expected: bool) -> None:
    headers = {} if value is None else {"if-none-match": value}
    assert is_not_modified(headers, "abc") is expected


@pytest.mark.parametrize(
    ("condition", "is_ranged"),
    [
        (None, True),
        ('"abc"', True),
        ('W/"abc"', False),
        ('"x"', False),
        ("Fri, 20 Nov 2026 21:00:00 GMT", False),
    ],
)
def test_if_range(condition: str | None, is_ranged: bool) -> None:
    headers = {"range": "bytes=1-2"} | ({} if condition is None else {"if-range": condition})
    assert (requested_range(headers, "abc", 10) is not None) is is_ranged
