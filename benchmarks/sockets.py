"""A client of one request over a plain socket: it costs less than what it measures."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.contents import HEAD_BYTES, Content

_BUFFER = 1024 * 1024
_SECONDS = 600
_HEAD_LIMIT = 64 * 1024


@dataclass(frozen=True)
class Answer:
    status: int
    length: int


def get(url: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Reads the whole answer to a GET and forgets it; ``length`` is how many bytes the body had."""
    with _connect(url) as connection:
        connection.sendall(_head("GET", url, headers or {}))
        status, announced, got = _read_head(connection)
        buffer = memoryview(bytearray(_BUFFER))
        while got < announced:
            received = connection.recv_into(buffer)
            if not received:
                break
            got += received
    return Answer(status, got)


def put(url: str, content: Content, headers: Mapping[str, str] | None = None) -> Answer:
    """Sends the content as the body of a PUT, from the page cache."""
    described = {
        "Content-Type": "application/octet-stream",
        **(headers or {}),
        "Content-Length": str(content.size),
    }
    with _connect(url) as connection, content.path.open("rb") as source:
        connection.sendall(_head("PUT", url, described))
        connection.sendall(content.head)
        connection.sendfile(source, HEAD_BYTES)
        status, _, _ = _read_head(connection)
    return Answer(status, content.size)


def _connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname or "", parts.port or 80), timeout=_SECONDS)


def _head(method: str, url: str, headers: Mapping[str, str]) -> bytes:
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _read_head(connection: socket.socket) -> tuple[int, int, int]:
    """Status, announced length of the body, and how much of it came along with the head."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(_HEAD_LIMIT)
        if not chunk or len(received) > _HEAD_LIMIT:
            raise ConnectionError(f"no answer: {received[:200]!r}")
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    status_line, *fields = head.decode("latin-1").split("\r\n")
    lengths = [field.partition(":")[2] for field in fields if field.lower().startswith("content-length:")]
    return int(status_line.split()[1]), int(lengths[0]) if lengths else 0, len(body)
