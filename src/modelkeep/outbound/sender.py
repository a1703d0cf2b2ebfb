"""Sends one HTTP request to an address that somebody else chose, and reads little of the answer.

What it does not do: follow the environment's proxies, keep cookies, decompress, use a connection twice.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import httpcore
import httpx

from modelkeep.domain.errors import InvalidInput
from modelkeep.outbound.addresses import Forbidden, Guard, Unresolved
from modelkeep.outbound.connections import OpenStreams, connect_first, trusting_context

MOST_REDIRECTS = 3
ANSWER_BYTES = 16 * 1024
LONGEST_URL = 2000

_KEEP_METHOD = frozenset({307, 308})
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes, taken from a URL that was checked."""

    scheme: str
    host: str
    port: int
    path: bytes
    host_header: bytes = field(repr=False)

    def leads_astray(self, other: Target) -> bool:
        """Whether ``other`` is somebody else: another host or port; from http to https is the same."""
        if self.host != other.host:
            return True
        if (self.scheme, self.port) == (other.scheme, other.port):
            return False
        return (self.scheme, self.port, other.scheme, other.port) != ("http", 80, "https", 443)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: a status with the beginning of its body, or ``error``, in words for the webhook's owner.

    ``is_stopped`` says that the hub itself broke off, because it ends.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str | None = None
    is_stopped: bool = False


class Sender:
    """Sends requests; safe to use from many threads.

    Args:
        guard: Where it may connect to.
        ports: Which ports; empty for all.
        connect_seconds: How long a connection may take.
        total_seconds: How long all of it may take, redirects included.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        ports: Sequence[int] = (),
        connect_seconds: float = 5.0,
        total_seconds: float = 15.0,
    ) -> None:
        self._guard = guard
        self._ports = frozenset(ports)
        self._connect_seconds = connect_seconds
        self._total_seconds = total_seconds
        self._open = OpenStreams()
        self._tls: ssl.SSLContext | None = None

    def check(self, url: str) -> None:
        """Lets a URL pass that a webhook may have. Names are not resolved: they are judged when something is sent.

        Raises:
            InvalidInput: It is no http(s) URL, carries credentials, or names a port or an address that is not allowed.
        """
        try:
            self._guard.require_literal(self._target(url).host)
        except Forbidden as error:
            raise InvalidInput(f"This URL cannot be used: {error}.", code="invalid_url") from None

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Sends a POST. Redirects that keep the method (307, 308) are followed within the same host, and checked."""
        deadline = time.monotonic() + self._total_seconds
        try:
            target = self._target(url)
            for _ in range(MOST_REDIRECTS + 1):
                reply = self._request(target, headers, body, deadline)
                if reply.status not in _KEEP_METHOD:
                    return reply
                url = str(httpx.URL(url).join(reply.headers.get("location", "")))
                following = self._target(url)
                if target.leads_astray(following):
                    return _failed(
                        reply, "the receiver redirects to another place; set the webhook's URL to it"
                    )
                target = following
        except (InvalidInput, httpx.InvalidURL) as error:
            return Reply(error=getattr(error, "message", None) or "the redirect leads to no URL")
        return _failed(reply, f"the receiver redirects more than {MOST_REDIRECTS} times")

    def close(self) -> None:
        """Breaks off what is under way and refuses what comes later: the hub ends."""
        self._open.close()

    def _request(self, target: Target, headers: Mapping[str, str], body: bytes, deadline: float) -> Reply:
        try:
            addresses = self._guard.addresses(target.host, target.port)
            backend = _PinnedBackend(addresses, deadline, self._connect_seconds, self._open)
            with httpcore.ConnectionPool(
                ssl_context=self._tls_context() if target.scheme == "https" else None,
                network_backend=backend,
                http1=True,
                http2=False,
                retries=0,
            ) as pool:
                return _exchange(pool, target, headers, body)
        except (Forbidden, Unresolved) as error:
            return Reply(error=f"not sent: {error}")
        except Exception as error:
            if self._open.is_closed:
                return Reply(error="the hub stopped", is_stopped=True)
            reason = _reason(error)
            if reason is None:
                raise
            return Reply(error=reason)

    def _target(self, url: str) -> Target:
        if len(url) > LONGEST_URL or any(ord(c) < 33 or ord(c) == 127 for c in url):
            raise _invalid(f"it has more than {LONGEST_URL} characters, or blanks or control characters")
        try:
            parsed = httpx.URL(url)
            host = parsed.raw_host.decode("ascii")
        except (httpx.InvalidURL, UnicodeError, ValueError):
            raise _invalid("it cannot be read") from None
        if parsed.scheme not in _DEFAULT_PORTS or not host:
            raise _invalid("it must begin with https:// or http:// and name a host")
        if parsed.userinfo:
            raise _invalid("it carries a user name or a password; receivers know the hub by the signature")
        port = parsed.port or _DEFAULT_PORTS[parsed.scheme]
        if self._ports and port not in self._ports:
            raise _invalid(f"port {port} is none that this hub's operator allows")
        return Target(parsed.scheme, host.lower(), port, parsed.raw_path, parsed.netloc)

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = trusting_context()
        return self._tls


def _exchange(
    pool: httpcore.ConnectionPool, target: Target, headers: Mapping[str, str], body: bytes
) -> Reply:
    url = httpcore.URL(
        scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path
    )
    sent = [(b"host", target.host_header), (b"accept-encoding", b"identity"), (b"connection", b"close")]
    sent += [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
    sent.append((b"content-length", str(len(body)).encode()))
    with pool.stream(b"POST", url, headers=sent, content=body) as response:
        received = bytearray()
        for chunk in response.iter_stream():
            received += chunk
            if len(received) >= ANSWER_BYTES:
                break
        shown = {
            name.decode("latin-1").lower()[:100]: value.decode("latin-1")
            for name, value in response.headers[:100]
        }
        return Reply(response.status, shown, bytes(received[:ANSWER_BYTES]))


def _reason(error: Exception) -> str | None:
    """What went wrong on the wire, in words; None where it was no such thing."""
    cause = error.__cause__ or error.__context__
    if isinstance(error, httpcore.ConnectTimeout):
        return "the receiver did not take the connection in time"
    if isinstance(error, httpcore.TimeoutException):
        return "the receiver did not answer in time"
    if isinstance(error, ssl.SSLError) or isinstance(cause, ssl.SSLError):
        detail = getattr(error if isinstance(error, ssl.SSLError) else cause, "verify_message", "")
        return f"TLS failed{f': {detail}' if detail else ''}"
    if isinstance(error, httpcore.ConnectError):
        return "the receiver refused the connection"
    if isinstance(error, (httpcore.ProtocolError, httpcore.NetworkError, OSError)):
        return "the receiver broke the connection off or does not speak HTTP"
    return None


def _failed(reply: Reply, error: str) -> Reply:
    return Reply(reply.status, reply.headers, reply.body, error)


def _invalid(reason: str) -> InvalidInput:
    return InvalidInput(f"This URL cannot be used: {reason}.", code="invalid_url")


class _PinnedBackend(httpcore.NetworkBackend):
    """Connects to addresses that were checked, whatever the name; Host and SNI stay those of the URL."""

    def __init__(
        self, addresses: Sequence[str], deadline: float, connect_seconds: float, streams: OpenStreams
    ) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._connect_seconds = connect_seconds
        self._streams = streams

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        until = min(self._deadline, time.monotonic() + self._connect_seconds)
        stream = connect_first(self._addresses, port, until, self._streams)
        return _TimedStream(stream, self._deadline, self._streams)


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every step ends at one moment, however slowly bytes drip in."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float, streams: OpenStreams) -> None:
        self._stream = stream
        self._deadline = deadline
        self._streams = streams

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._streams.discard(self._stream)
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._left(httpcore.ConnectTimeout)
        try:
            secured = self._stream.start_tls(ssl_context, server_hostname, left)
        finally:
            self._streams.discard(self._stream)
        self._streams.add(secured)
        return _TimedStream(secured, self._deadline, self._streams)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)

    def _left(self, late: type[Exception]) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise late()
        return left
