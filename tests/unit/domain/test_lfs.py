from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.lfs import MAX_SIZE, POINTER_LIMIT, Oid, Pointer, format_pointer, parse_pointer
from tests.unit.domain.pointers import OID, POINTERS, SAMPLES


@pytest.mark.parametrize(
    "text", ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "a" * 63 + "\n", "\uff11" * 64, None, 7, b"a" * 64]
)
def test_what_is_no_oid_is_refused(text: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        Oid.parse(text)
    assert caught.value.code == "invalid_oid"


def test_an_oid_is_a_string() -> None:
    assert Oid.parse(OID) == OID
    assert f"{Oid.parse(OID)}" == OID


@given(POINTERS)
def test_writing_and_reading_gives_the_same(pointer: Pointer) -> None:
    content = format_pointer(pointer)
    assert parse_pointer(content) == pointer
    assert len(content) < POINTER_LIMIT


def test_it_is_written_as_the_client_writes_it() -> None:
    expected = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 12345\n"
    assert format_pointer(Pointer(Oid(OID), 12345)) == expected.encode()


@pytest.mark.parametrize(
    ("content", "size"), [(content, size) for content, size in SAMPLES if size is not None]
)
def test_what_the_client_takes_for_a_pointer_is_one(content: bytes, size: int) -> None:
    assert parse_pointer(content) == Pointer(Oid(OID), size)


@pytest.mark.parametrize("content", [content for content, size in SAMPLES if size is None])
def test_everything_else_is_a_file(content: bytes) -> None:
    assert parse_pointer(content) is None


def test_the_largest_size() -> None:
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"
    assert parse_pointer(text.format(OID, MAX_SIZE).encode()) == Pointer(Oid(OID), MAX_SIZE)
    assert parse_pointer(text.format(OID, MAX_SIZE + 1).encode()) is None
    assert parse_pointer(text.format(OID, "9" * 500).encode()) is None


@given(st.binary(max_size=1100))
def test_any_bytes_are_a_pointer_or_not(content: bytes) -> None:
    pointer = parse_pointer(content)
    assert pointer is None or parse_pointer(format_pointer(pointer)) == pointer


LINES = st.sampled_from(
    [
        b"version https://git-lfs.github.com/spec/v1",
        b"version http://git-media.io/v/2",
        f"oid sha256:{OID}".encode(),
        b"size 5",
        b"size -5",
        b"size 5 ",
        b"ext-0-crypt sha256:" + b"0" * 64,
        b"",
        b" ",
        b"\r",
        b"x y",
    ]
)


@given(st.lists(LINES, max_size=7), st.sampled_from([b"\n", b"\r\n"]))
def test_what_is_nearly_a_pointer_names_the_oid_and_size_it_shows(lines: list[bytes], end: bytes) -> None:
    pointer = parse_pointer(end.join(lines))
    if pointer is not None:
        assert pointer == Pointer(Oid(OID), 5)
        assert b"size 5" in [line.strip() for line in lines]
