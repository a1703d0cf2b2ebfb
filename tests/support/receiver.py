"""A receiver of webhooks on a loopback port, as flaky as a test wants, and a verifier of their signatures.

The verifier is written from the text of Standard Webhooks 1.0 and shares nothing with the hub.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DROP = 0
"""Instead of a status: the connection ends without an answer."""


@dataclass(frozen=True)
class Received:
    """A request as it came in, and the status it was answered with."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event


@dataclass
class Receiver:
    """What came in.

    Attributes:
        answer: Says the status for a request: its number from 1, its path. The headers in ``extra`` come with it.
        is_parallel: Whether ``answer`` is asked for several requests at once.
    """

    url: str
    answer: Callable[[int, str], int] = lambda _number, _path: 204
    extra: dict[str, str] = field(default_factory=dict)
    content: bytes = b""
    is_parallel: bool = False
    requests: list[Received] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def taken(self) -> list[Received]:
        """The requests that were answered with success."""
        return [one for one in self.requests if 200 <= one.status < 300]

    def wait_for(self, is_enough: Callable[[], bool], seconds: float = 60) -> None:
        """Waits until enough has come in."""
        with self.changed:
            assert self.changed.wait_for(is_enough, seconds), f"only {len(self.requests)} requests"

    def wait(self, count: int, seconds: float = 60) -> list[Received]:
        """Waits for so many requests that were answered with success."""
        self.wait_for(lambda: len(self.taken) >= count, seconds)
        return self.taken


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Starts a receiver."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            number = len(receiver.requests) + 1
            early = receiver.answer(number, self.path) if receiver.is_parallel else None
            with receiver.changed:
                number = len(receiver.requests) + 1
                status = receiver.answer(number, self.path) if early is None else early
                receiver.requests.append(Received(self.path, headers, body, status))
                receiver.changed.notify_all()
            if status == DROP:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in receiver.extra.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(receiver.content)))
            self.end_headers()
            self.wfile.write(receiver.content)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def signature_fits(secret: str, request: Received, tolerance: float = 300) -> bool:
    """Whether one of a request's signatures is by this secret, and its timestamp recent (Standard Webhooks)."""
    assert secret.startswith("whsec_")
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    timestamp = request.headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > tolerance:
        return False
    signed = f"{request.id}.{timestamp}.".encode() + request.body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    versions = [part.split(",", 1) for part in request.headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(value, expected) for version, value in versions)
