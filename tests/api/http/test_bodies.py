"""Request bodies and their limits."""

from __future__ import annotations

import contextlib
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.api.http.bodies import (
    ClientGone,
    body_chunks,
    content_length,
    inflate,
    parse_json,
    read_json,
    read_limited,
)
from modelkeep.domain.errors import InvalidInput, TooLarge

Receive = Callable[[], Awaitable[dict[str, Any]]]


def request(chunks: Iterable[bytes], *, is_cut: bool = False) -> Receive:
    """A client that sends ``chunks``, then either ends its body or goes."""
    last: dict[str, Any] = {"type": "http.disconnect"} if is_cut else {"type": "http.request"}
    messages = iter([*({"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks), last])

    async def receive() -> dict[str, Any]:
        return next(messages)

    return receive


async def aiter_of(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def collect(chunks: AsyncIterator[bytes]) -> list[bytes]:
    return [chunk async for chunk in chunks]


def run_read(
    chunks: Iterable[bytes], limit: int, headers: dict[str, str] | None = None, *, is_cut: bool = False
) -> bytes:
    async def run() -> bytes:
        return await read_limited(request(chunks, is_cut=is_cut), headers or {}, limit)

    return anyio.run(run)


def run_inflate(data: bytes, limit: int, step: int = 1000) -> list[bytes]:
    chunks = [data[start : start + step] for start in range(0, len(data), step)]

    async def run() -> list[bytes]:
        return await collect(inflate(aiter_of(chunks), limit))

    return anyio.run(run)


def test_the_limit_is_exact() -> None:
    assert run_read([b"ab", b"", b"cd"], 4) == b"abcd"
    assert run_read([], 0) == b""
    for chunks, headers in [([b"ab", b"cde"], {}), ([], {"content-length": "5"})]:
        with pytest.raises(TooLarge) as caught:
            run_read(chunks, 4, headers)
        assert caught.value.fields["limit"] == 4


def test_a_client_that_goes_midway() -> None:
    with pytest.raises(ClientGone):
        run_read([b"ab"], 4, is_cut=True)

    async def run() -> list[bytes]:
        return await collect(body_chunks(request([b"ab"], is_cut=True)))

    with pytest.raises(ClientGone):
        anyio.run(run)


@pytest.mark.parametrize("value", ["", "-1", "+1", "1.0", "0x10", "1 2", "٣", "9" * 30])
def test_malformed_lengths(value: str) -> None:
    with pytest.raises(InvalidInput):
        content_length({"content-length": value})


def test_lengths() -> None:
    assert content_length({}) is None
    assert content_length({"content-length": "9223372036854775807"}) == 2**63 - 1


def test_a_whole_character_may_be_escaped_in_two_halves() -> None:
    assert parse_json(b'"\\ud83d\\ude00"') == "\U0001f600"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b'{"a": NaN}', "invalid_json"),
        (b"[Infinity]", "invalid_json"),
        (b"\xff", "invalid_json"),
        (b"\xef\xbb\xbf{}", "invalid_json"),
        (b"[" + b"9" * 5000 + b"]", "invalid_json"),
        (b'{"a": "\\ud800"}', "invalid_json"),
        (b'{"\\uDFFF": 1}', "invalid_json"),
        (b"[" * 34 + b"]" * 34, "json_too_deep"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "json_too_deep"),
        (b"[" * 200_000, "json_too_deep"),
    ],
)
def test_malformed_json(data: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_json(data)
    assert caught.value.code == code


def test_json() -> None:
    async def run() -> object:
        return await read_json(request([b'{"a": [1, ', b"null]}"]), {}, 100)

    assert anyio.run(run) == {"a": [1, None]}
    assert parse_json(b"[" * 32 + b"]" * 32)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=5), children, max_size=4)
    ),
)


@given(values)
def test_any_json_value_survives(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value


@given(st.binary(max_size=100))
def test_any_bytes_are_json_or_refused(data: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        parse_json(data)


@given(st.binary(max_size=5000), st.integers(1, 400))
def test_gzip_survives_any_cut(data: bytes, step: int) -> None:
    assert b"".join(run_inflate(gzip.compress(data, mtime=0), 5000, step)) == data


def test_a_gzip_bomb_is_stopped_early() -> None:
    bomb = gzip.compress(bytes(50_000_000), mtime=0)
    assert len(bomb) < 100_000
    seen = 0

    async def run() -> None:
        nonlocal seen
        async for chunk in inflate(aiter_of([bomb]), 10_000_000):
            seen += len(chunk)

    with pytest.raises(TooLarge):
        anyio.run(run)
    assert seen <= 10_000_000
    assert max(map(len, run_inflate(bomb, 50_000_000))) <= 1 << 20


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no gzip",
        gzip.compress(b"abc", mtime=0)[:-1],
        gzip.compress(b"abc", mtime=0) + b"x",
        gzip.compress(b"abc", mtime=0) + gzip.compress(b"def", mtime=0),
        zlib.compress(b"abc"),
        gzip.compress(b"abc", mtime=0)[:-8] + bytes(8),
    ],
)
@pytest.mark.parametrize("step", [1, 1000])
def test_malformed_gzip(data: bytes, step: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        run_inflate(data, 1000, step)
    assert caught.value.code == "invalid_gzip"


@given(st.binary(max_size=200).map(lambda tail: gzip.compress(b"", mtime=0)[:10] + tail))
def test_any_bytes_are_gzip_or_refused(data: bytes) -> None:
    with contextlib.suppress(InvalidInput, TooLarge):
        run_inflate(data, 1000)
