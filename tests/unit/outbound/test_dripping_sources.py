"""Sources that send a byte now and then: no thread waits for them for ever."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from modelkeep.domain.errors import Unavailable
from modelkeep.outbound.addresses import Guard
from modelkeep.outbound.connections import OpenStreams
from modelkeep.outbound.reader import Reader

HEAD = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def dripping(first: bytes, drip: bytes) -> Iterator[str]:
    """A server that sends ``first`` and then ``drip`` again and again; gives its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)
    done = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.sendall(first)
                while not done.wait(0.02):
                    connection.sendall(drip)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        done.set()
        listener.close()
        thread.join()


def reader_of(url: str, seconds: float) -> Reader:
    return Reader(Guard(["127.0.0.1"]), url, None, OpenStreams(), slow_seconds=seconds)


@pytest.mark.parametrize(("first", "drip"), [(b"H", b"T"), (HEAD, b"x: y\r\n"), (HEAD + b"\r\n", b"z")])
def test_a_source_that_drips_is_left(first: bytes, drip: bytes) -> None:
    with (
        dripping(first, drip) as url,
        closing(reader_of(url, 0.3)) as reader,
        pytest.raises(Unavailable) as caught,
        reader.get(url) as answer,
    ):
        for _ in answer.pieces():
            pass
    assert caught.value.code == "source_unavailable"


def test_an_answer_that_is_read_whole_has_an_end() -> None:
    """However fast it comes."""
    with (
        dripping(HEAD + b"\r\n", bytes(4000)) as url,
        closing(reader_of(url, 0.3)) as reader,
        pytest.raises(Unavailable, match="too slowly"),
        reader.get(url) as answer,
    ):
        answer.read(1 << 30)


def test_a_large_file_takes_its_time() -> None:
    with dripping(HEAD + b"\r\n", bytes(4000)) as url, closing(reader_of(url, 0.1)) as reader:
        received = 0
        with reader.get(url) as answer:
            for piece in answer.pieces():
                received += len(piece)
                if received > 100_000:
                    break
    assert received > 100_000
