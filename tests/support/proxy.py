"""A TCP proxy in front of a hub that cuts connections when it is told to."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType


class CuttingProxy:
    """Forwards connections to a port until a budget of bytes in one direction is used up, then cuts.

    Args:
        port: Of the hub.
        cuts_answers: Whether what comes from the hub counts, instead of what goes to it.

    Attributes:
        budget: How many bytes may still pass before the next cut; None for no cut. After a cut it is None.
        cuts: How many connections were cut.
        forwarded: How many bytes passed in the direction that counts.
    """

    def __init__(self, port: int, *, cuts_answers: bool = False) -> None:
        self._cuts_answers = cuts_answers
        self.budget: int | None = None
        self.cuts = 0
        self.forwarded = 0
        self._target = port
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self._is_closing = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> CuttingProxy:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_closing = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in list(self._open):
                _shut(connection)
        for thread in self._threads:
            thread.join(10)

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._is_closing:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            with self._lock:
                self._open |= {client, server}
            ends = threading.Barrier(2, action=lambda c=client, s=server: self._close(c, s))  # type: ignore[misc]
            self._start(self._forward, client, server, not self._cuts_answers, ends)
            self._start(self._forward, server, client, self._cuts_answers, ends)

    def _forward(
        self, source: socket.socket, sink: socket.socket, counts: bool, ends: threading.Barrier
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if counts and self._is_cut(len(data)):
                    break
                sink.sendall(data)
                self.forwarded += len(data) if counts else 0
        _shut(source)
        _shut(sink)
        ends.wait(30)

    def _is_cut(self, size: int) -> bool:
        with self._lock:
            if self.budget is None:
                return False
            self.budget -= size
            if self.budget > 0:
                return False
            self.budget, self.cuts = None, self.cuts + 1
            return True

    def _close(self, *connections: socket.socket) -> None:
        with self._lock:
            self._open -= set(connections)
        for connection in connections:
            connection.close()


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
