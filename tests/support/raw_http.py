"""HTTP by hand, for what no client library would send: exact bytes out, the answer as it comes."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """What came back; ``status`` 0 means that the server closed the connection without an answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def exchange(
    port: int, pieces: bytes | Iterable[bytes], *, half_close: bool = False, timeout: float = 15
) -> Answer:
    """Sends bytes over a connection of their own and reads one answer.

    Args:
        port: Of the hub.
        pieces: What to send.
        half_close: Whether to end the sending side after that, as a client that was cut off.
        timeout: In seconds, for each step.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        # A server that has answered already may refuse the rest; its answer still counts.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for piece in [pieces] if isinstance(pieces, bytes) else pieces:
                connection.sendall(piece)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        return _read_answer(connection)


def request(
    port: int,
    method: str,
    target: str | bytes,
    headers: Iterable[tuple[str, str | bytes]] = (),
    body: bytes = b"",
    *,
    host: str | None = "127.0.0.1",
) -> Answer:
    """One request with exactly this target and these headers, beside Host, Content-Length and Connection."""
    lines = [
        method.encode() + b" " + (target if isinstance(target, bytes) else target.encode()) + b" HTTP/1.1"
    ]
    given = {name.lower() for name, _ in headers}
    if host is not None and "host" not in given:
        lines.append(f"Host: {host}:{port}".encode())
    lines += [name.encode() + b": " + (v if isinstance(v, bytes) else v.encode()) for name, v in headers]
    if not given & {"content-length", "transfer-encoding"}:
        lines.append(b"Content-Length: %d" % len(body))
    lines += [b"Connection: close", b"", b""]
    return exchange(port, [b"\r\n".join(lines), body])


def _read_answer(connection: socket.socket) -> Answer:
    received = b""
    try:
        while b"\r\n\r\n" not in received:
            data = connection.recv(65536)
            if not data:
                return Answer(0, body=received)
            received += data
        head, _, body = received.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        length = int(headers["content-length"]) if "content-length" in headers else None
        while length is None or len(body) < length:
            data = connection.recv(65536)
            if not data:
                break
            body += data
    except ConnectionResetError:
        return Answer(0, body=received)
    return Answer(int(lines[0].split(" ")[1]), headers, body)
