"""Reads from another server whose address a user chose: GET alone, through the guard, credentials for one origin only.

What it does not do: follow the environment's proxies, keep cookies, decompress, believe lengths.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import httpcore
import httpx

from modelkeep.domain.errors import InvalidInput, Unavailable
from modelkeep.outbound.addresses import Forbidden, Guard, Unresolved
from modelkeep.outbound.connections import OpenStreams, connect_first, trusting_context

MOST_REDIRECTS = 5
LONGEST_URL = 8000

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MOST_HEADERS = 200
_LEAST_RATE = 1024
"""Bytes a second: who sends less, for as long as is looked at, does not answer."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer whose body is still to be read; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    url: str
    _stream: Iterable[bytes] = field(repr=False)
    _seconds: float = 120.0

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes.

        Raises:
            Unavailable: The connection broke off.
        """
        with _explained(self.url):
            yield from self._stream

    def read(self, limit: int) -> bytes:
        """The whole body.

        Raises:
            InvalidInput: It is longer than ``limit`` bytes.
            Unavailable: The connection broke off, or the body takes minutes.
        """
        body, until = bytearray(), time.monotonic() + self._seconds
        for piece in self.pieces():
            body += piece
            if time.monotonic() > until:
                raise _away(self.url, "it sends its answer too slowly")
            if len(body) > limit:
                raise InvalidInput(
                    f"{shown(self.url)} answers with more than {limit} bytes.", code="source_answer_invalid"
                )
        return bytes(body)


class Reader:
    """A session with one server; safe to use from several threads. Close it at the end.

    Args:
        guard: Where it may connect to.
        base: The server's URL; ``credentials`` go to its origin (scheme, host, port) and to no other.
        credentials: The value of the header ``Authorization``.
        streams: Where its connections are noted, so that they can be broken off.
        connect_seconds: How long a connection may take.
        idle_seconds: How long the other side may say nothing.
        slow_seconds: How long it may send next to nothing; how long an answer that is read whole may take.
    """

    def __init__(
        self,
        guard: Guard,
        base: str,
        credentials: str | None,
        streams: OpenStreams,
        *,
        connect_seconds: float = 10.0,
        idle_seconds: float = 60.0,
        slow_seconds: float = 120.0,
    ) -> None:
        self._origin = origin_of(base)
        self._credentials = credentials
        self._slow_seconds = slow_seconds
        self._timeouts = {
            "connect": connect_seconds,
            "read": idle_seconds,
            "write": idle_seconds,
            "pool": 4 * idle_seconds,
        }
        self._pool = httpcore.ConnectionPool(
            ssl_context=trusting_context() if self._origin[0] == "https" else None,
            max_connections=16,
            keepalive_expiry=30.0,
            network_backend=_GuardedBackend(guard, streams, slow_seconds),
            http1=True,
            http2=False,
            retries=0,
        )

    def close(self) -> None:
        """Closes the connections."""
        with suppress(httpcore.NetworkError, OSError, RuntimeError):
            self._pool.close()

    @contextmanager
    def get(
        self, url: str, headers: Mapping[str, str] | None = None, *, leaves: bool = False
    ) -> Iterator[Response]:
        """Sends a GET and gives the answer. Redirects are followed, each one through the guard.

        Args:
            url: Absolute.
            headers: Beside the usual ones.
            leaves: Whether a redirect may lead to another server, for content that is verified by its hash; never
                from https to http.

        Raises:
            InvalidInput: A URL cannot be used, or a redirect leads where it may not.
            Unavailable: No answer.
        """
        for _ in range(MOST_REDIRECTS + 1):
            with self._once(url, headers or {}) as answer:
                if answer.status not in _REDIRECTS:
                    yield answer
                    return
                following = _joined(url, answer.headers.get("location", ""))
            _require_fit(url, following, leaves)
            url = following
        raise InvalidInput(
            f"{shown(url)} redirects more than {MOST_REDIRECTS} times.", code="source_answer_invalid"
        )

    @contextmanager
    def _once(self, url: str, headers: Mapping[str, str]) -> Iterator[Response]:
        origin = origin_of(url)
        parsed = httpx.URL(url)
        sent = [(b"host", parsed.netloc), (b"accept-encoding", b"identity")]
        sent += [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
        if self._credentials is not None and origin == self._origin:
            sent.append((b"authorization", self._credentials.encode("ascii")))
        target = httpcore.URL(
            scheme=origin[0].encode(), host=origin[1].encode(), port=origin[2], target=parsed.raw_path
        )
        with _explained(url):
            request = httpcore.Request(b"GET", target, headers=sent, extensions={"timeout": self._timeouts})
            response = self._pool.handle_request(request)
        try:
            found = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in response.headers[:_MOST_HEADERS]
            }
            yield Response(response.status, found, url, response.iter_stream(), self._slow_seconds)
        finally:
            with suppress(httpcore.NetworkError, httpcore.ProtocolError, OSError, RuntimeError):
                response.close()


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL.

    Raises:
        InvalidInput: It is no http(s) URL, or carries credentials.
    """
    if len(url) > LONGEST_URL or any(ord(c) < 33 or ord(c) > 126 for c in url):
        raise _unusable(f"it has more than {LONGEST_URL} characters, or some that no URL has")
    try:
        parsed = httpx.URL(url)
        host = parsed.raw_host.decode("ascii").lower()
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise _unusable("it cannot be read") from None
    if parsed.scheme not in _DEFAULT_PORTS or not host:
        raise _unusable("it must begin with https:// or http:// and name a host")
    if parsed.userinfo:
        raise _unusable("it carries a user name or a password; pass a token instead")
    return parsed.scheme, host, parsed.port or _DEFAULT_PORTS[parsed.scheme]


def shown(url: str) -> str:
    """A URL for a message: without its query, which may be a signature."""
    return url.partition("?")[0][:300]


def _joined(url: str, location: str) -> str:
    try:
        return str(httpx.URL(url).join(location)) if location else ""
    except (httpx.InvalidURL, ValueError):
        return ""


def _require_fit(url: str, following: str, leaves: bool) -> None:
    if not following:
        raise InvalidInput(f"{shown(url)} redirects to no URL.", code="source_answer_invalid")
    before, after = origin_of(url), origin_of(following)
    is_same = before == after or (before[1] == after[1] and (before[0], after[0]) == ("http", "https"))
    if not is_same and (not leaves or (before[0], after[0]) == ("https", "http")):
        raise InvalidInput(
            f"{shown(url)} redirects to {after[0]}://{after[1]}, which is another place; name that as the endpoint if "
            "you trust it.",
            code="source_answer_invalid",
        )


class _GuardedBackend(httpcore.NetworkBackend):
    """Connects to addresses that the guard let pass, whatever the name; Host and SNI stay those of the URL."""

    def __init__(self, guard: Guard, streams: OpenStreams, slow_seconds: float) -> None:
        self._guard = guard
        self._streams = streams
        self._slow_seconds = slow_seconds

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        until = time.monotonic() + (timeout or 10.0)
        stream = connect_first(self._guard.addresses(host, port), port, until, self._streams)
        return _NotedStream(stream, self._streams, self._slow_seconds)


class _NotedStream(httpcore.NetworkStream):
    """A connection that is forgotten when it is closed, and given up when it only drips."""

    def __init__(self, stream: httpcore.NetworkStream, streams: OpenStreams, slow_seconds: float) -> None:
        self._stream = stream
        self._streams = streams
        self._slow_seconds = slow_seconds
        self._waited = 0.0
        self._received = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        started = time.monotonic()
        data = self._stream.read(max_bytes, timeout)
        self._waited += time.monotonic() - started
        self._received += len(data)
        if self._waited > self._slow_seconds:
            # A byte a minute is an answer to each read, headers included, and would hold a thread for ever.
            if self._received < self._slow_seconds * _LEAST_RATE:
                raise httpcore.ReadTimeout
            self._waited, self._received = 0.0, 0
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._streams.discard(self._stream)
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            secured = self._stream.start_tls(ssl_context, server_hostname, timeout)
        finally:
            self._streams.discard(self._stream)
        self._streams.add(secured)
        return _NotedStream(secured, self._streams, self._slow_seconds)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turns what goes wrong on the wire into errors of the hub."""
    try:
        yield
    except Forbidden as error:
        raise InvalidInput(f"{shown(url)} is not read: {error}.", code="source_forbidden") from None
    except Unresolved as error:
        raise _away(url, str(error)) from None
    except httpcore.ConnectTimeout:
        raise _away(url, "it did not take the connection in time") from None
    except httpcore.TimeoutException:
        raise _away(url, "it did not answer in time") from None
    except (httpcore.ConnectError, ssl.SSLError) as error:
        tls = error if isinstance(error, ssl.SSLError) else error.__cause__ or error.__context__
        if isinstance(tls, ssl.SSLError):
            raise _away(url, f"TLS failed: {getattr(tls, 'verify_message', '') or tls.reason}") from None
        raise _away(url, "it refused the connection") from None
    except (httpcore.ProtocolError, httpcore.NetworkError, OSError):
        raise _away(url, "the connection broke off") from None


def _away(url: str, reason: str) -> Unavailable:
    return Unavailable(f"{shown(url)} cannot be read: {reason}.", code="source_unavailable")


def _unusable(reason: str) -> InvalidInput:
    return InvalidInput(f"This URL cannot be used: {reason}.", code="invalid_url")
