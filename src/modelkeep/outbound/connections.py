"""What connections to other machines have in common: whom TLS trusts, and how all of them are broken off at once."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

import certifi
import httpcore

_MOST_TRIED = 3
"""So many addresses of a host."""


def trusting_context() -> ssl.SSLContext:
    """A TLS context that trusts what this machine trusts, and the usual authorities."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class OpenStreams:
    """The connections under way, so that they can be broken off from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: set[httpcore.NetworkStream] = set()
        self.is_closed = False

    def add(self, stream: httpcore.NetworkStream) -> None:
        """Notes a connection.

        Raises:
            httpcore.ConnectError: All were broken off for good.
        """
        with self._lock:
            if self.is_closed:
                stream.close()
                raise httpcore.ConnectError("closed")
            self._streams.add(stream)

    def discard(self, stream: httpcore.NetworkStream) -> None:
        """Forgets a connection that ended by itself."""
        with self._lock:
            self._streams.discard(stream)

    def close(self) -> None:
        """Breaks off all of them, and every later one."""
        with self._lock:
            self.is_closed = True
            streams = list(self._streams)
        for stream in streams:
            connection = stream.get_extra_info("socket")
            with suppress(OSError):
                connection.shutdown(2)  # wakes the thread that reads; closing would not


def connect_first(
    addresses: Sequence[str], port: int, until: float, streams: OpenStreams
) -> httpcore.NetworkStream:
    """Connects to the first of these addresses that answers, and notes the connection.

    Args:
        addresses: Some are tried, in order.
        port: The port.
        until: When to give up, by :func:`time.monotonic`.
        streams: Where the connection is noted.

    Raises:
        httpcore.ConnectError: None answers, or all connections were broken off.
        httpcore.ConnectTimeout: None answered in time.
    """
    sockets = httpcore.SyncBackend()
    failure: Exception = httpcore.ConnectTimeout()
    for address in addresses[:_MOST_TRIED]:
        left = until - time.monotonic()
        if left <= 0 or streams.is_closed:
            break
        try:
            stream = sockets.connect_tcp(address, port, timeout=left)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            failure = error
            continue
        streams.add(stream)
        return stream
    raise failure
