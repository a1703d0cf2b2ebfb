from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.paging import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    CursorKey,
    PageRequest,
    decode_cursor,
    encode_cursor,
    page_of,
)

KEYS = st.lists(st.none() | st.integers(-(2**63), 2**63) | st.text(max_size=20), max_size=4).map(tuple)


@given(KEYS)
def test_writing_and_reading_gives_the_same(key: CursorKey) -> None:
    cursor = encode_cursor(key)
    assert decode_cursor(cursor) == key
    assert cursor.isascii()
    assert not set(cursor) & set("=+/&#%")


@given(st.text(max_size=80) | st.text("eyJbMSwiIn0AQ=_-%", max_size=40))
def test_a_cursor_of_somebodys_own_is_read_or_refused(text: str) -> None:
    try:
        key = decode_cursor(text)
    except InvalidInput:
        return
    assert all(part is None or type(part) in (int, str) for part in key)


def forged(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "\0",
        "é" * 9,
        forged(""),
        forged("7"),
        forged("{}"),
        forged('{"a": 1}'),
        forged("[[1]]"),
        forged("[true]"),
        forged("[1.5]"),
        forged("[NaN]"),
        forged("[1"),
        forged("[" * 700),
        forged('["' + "x" * 3000 + '"]'),
        base64.urlsafe_b64encode(b'["\xff"]').decode(),
    ],
)
def test_forged_cursors_are_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_cursor(cursor)
    assert caught.value.code == "invalid_cursor"


@pytest.mark.parametrize(("limit", "expected"), [(None, DEFAULT_LIMIT), (1, 1), (MAX_LIMIT, MAX_LIMIT)])
def test_limits_in_range_are_taken(limit: int | None, expected: int) -> None:
    assert PageRequest.parse(limit, None) == PageRequest(expected, None)


@pytest.mark.parametrize("limit", [0, -1, MAX_LIMIT + 1, 10**30])
def test_other_limits_are_refused(limit: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        PageRequest.parse(limit, None)
    assert caught.value.code == "invalid_limit"


def test_the_maximum_is_the_lists_own() -> None:
    assert PageRequest.parse(3, None, maximum=3).limit == 3
    with pytest.raises(InvalidInput):
        PageRequest.parse(4, None, maximum=3)


def test_a_request_goes_on_after_the_cursor() -> None:
    assert PageRequest.parse(None, encode_cursor(("b", 2))).after == ("b", 2)
    assert PageRequest.parse(None, "").after is None


@given(st.lists(st.integers(0, 99), unique=True, max_size=12).map(sorted), st.integers(1, 5))
def test_pages_joined_are_the_list(rows: list[int], limit: int) -> None:
    seen: list[int] = []
    after: CursorKey | None = None
    for _ in range(len(rows) + 1):
        rest = [row for row in rows if after is None or row > int(after[0] or 0)]
        page = page_of([((row,), row) for row in rest[: limit + 1]], limit)
        assert len(page.items) <= limit
        seen += page.items
        if page.next_cursor is None:
            break
        after = decode_cursor(page.next_cursor)
    assert seen == rows


def test_an_empty_page_is_the_last() -> None:
    assert page_of([], 10).next_cursor is None
    assert page_of([], 10).items == ()
