"""Bodies into a sink: order, memory, and an abort whatever goes wrong."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelkeep.api.http.bodies import ClientGone
from modelkeep.api.http.limits import Limits
from modelkeep.api.http.uploads import receive_into
from modelkeep.domain.errors import InvalidInput
from tests.api.http.test_bodies import Receive, request


class Recorder:
    """A sink that remembers, and refuses to be called twice at once."""

    def __init__(self, limit: int = 1 << 30) -> None:
        self.batches: list[bytes] = []
        self.aborts = 0
        self._limit = limit
        self._lock = threading.Lock()

    def write_batch(self, chunks: Sequence[bytes]) -> None:
        assert self._lock.acquire(blocking=False)
        try:
            if sum(map(len, self.batches)) + sum(map(len, chunks)) > self._limit:
                raise InvalidInput("too much", code="size_mismatch")
            self.batches.append(b"".join(chunks))
        finally:
            self._lock.release()

    def abort(self) -> None:
        assert self._lock.acquire(blocking=False)
        self.aborts += 1
        self._lock.release()


def move(receive: Receive, sink: Recorder, **options: Any) -> int:
    async def run() -> int:
        return await receive_into(receive, sink, Limits(), **options)

    return anyio.run(run)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.binary(max_size=30), max_size=30), st.integers(1, 50))
def test_every_byte_arrives_in_order(chunks: list[bytes], batch_bytes: int) -> None:
    sink = Recorder()
    assert move(request(chunks), sink, batch_bytes=batch_bytes) == sum(map(len, chunks))
    assert b"".join(sink.batches) == b"".join(chunks)
    assert sink.aborts == 0
    assert all(len(batch) >= batch_bytes for batch in sink.batches[:-1])
    assert b"" not in sink.batches


@pytest.mark.parametrize(("keeps", "expected"), [(False, b"abcd"), (True, b"abcde")])
def test_a_client_that_goes(keeps: bool, expected: bytes) -> None:
    sink = Recorder()
    with pytest.raises(ClientGone):
        move(request([b"ab", b"cd", b"e"], is_cut=True), sink, batch_bytes=2, keeps_what_came=keeps)
    assert b"".join(sink.batches) == expected
    assert sink.aborts == 1


def test_a_sink_that_refuses_is_aborted_once() -> None:
    sink = Recorder(limit=3)
    with pytest.raises(InvalidInput):
        move(request([b"ab", b"cd"] * 50), sink, batch_bytes=2, keeps_what_came=True)
    assert sink.batches == [b"ab"]
    assert sink.aborts == 1


def test_a_cancelled_request_waits_for_the_batch_under_way() -> None:
    release = threading.Event()

    class Slow(Recorder):
        def write_batch(self, chunks: Sequence[bytes]) -> None:
            release.wait()
            super().write_batch(chunks)

    sink = Slow()

    async def run() -> None:
        with anyio.move_on_after(0.05) as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(receive_forever, sink)
                group.start_soon(release_when_cancelled)
        assert scope.cancelled_caught

    async def receive_forever(sink: Recorder) -> None:
        messages = iter([{"type": "http.request", "body": b"ab", "more_body": True}])

        async def receive() -> dict[str, Any]:
            for message in messages:
                return message
            await anyio.sleep_forever()
            raise AssertionError

        await receive_into(receive, sink, Limits(), batch_bytes=1)

    async def release_when_cancelled() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            release.set()

    anyio.run(run)
    assert sink.batches == [b"ab"]
    assert sink.aborts == 1
