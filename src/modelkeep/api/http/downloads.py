"""Large content out: whole or a range, by the fastest way that the server and its surroundings offer.

1. ``X-Accel-Redirect``: nginx in front sends the file itself.
2. Reads of 512 KiB on the event loop of what the system has in memory: they wait for no disk, and cost less than
   a change of thread. (The server's own ``http.response.pathsend`` was slower, and cannot send ranges.)
3. Reads of 512 KiB in a thread of what must come from the disk.

Nothing is compressed on the way: weights do not shrink, and a range of compressed bytes is of no use.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from anyio import CancelScope
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from modelkeep.api.http.limits import Limits
from modelkeep.api.http.ranges import UNSATISFIABLE, ByteRange, is_not_modified, requested_range
from modelkeep.domain.errors import Unavailable

CHUNK_BYTES = 1 << 19

_SIMPLE_NAME = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


class RangeReader(Protocol):
    """An open range, read forwards: the readers of :mod:`modelkeep.blobs.ports`. Its calls block."""

    def read(self, limit: int = ...) -> bytes:
        """Returns up to ``limit`` bytes; empty at the end."""

    def close(self) -> None:
        """Gives the file back."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is to be sent. It never changes under its ``etag``.

    Attributes:
        size: Its length in bytes.
        etag: A strong ETag without quotes, such as the oid.
        path: The file, where it is one of this machine.
        open_range: Opens the bytes from ``start`` up to ``stop``; needed where there is no ``path``, or where
            the file may go because the content gets another form.
        filename: The name under which a browser saves it.
        media_type: Its Content-Type.
        cache_control: Its Cache-Control.
    """

    size: int
    etag: str
    path: Path | None = None
    open_range: Callable[[int, int], RangeReader] | None = None
    filename: str | None = None
    media_type: str = "application/octet-stream"
    cache_control: str = "private, no-cache, no-transform"


@dataclass(frozen=True, slots=True)
class Acceleration:
    """How nginx in front reaches the files: those under ``root`` are at the internal location ``prefix``."""

    prefix: str
    root: Path

    def location(self, path: Path) -> str | None:
        """Returns the internal address of a file; None where nginx cannot reach it."""
        try:
            relative = path.relative_to(self.root)
        except ValueError:
            return None
        return f"{self.prefix.rstrip('/')}/{quote(relative.as_posix())}"


def attachment(filename: str | None) -> str:
    """Returns a Content-Disposition that saves rather than shows (RFC 6266)."""
    if filename is None:
        return "attachment"
    simple = filename if _SIMPLE_NAME.fullmatch(filename) else "download"
    return f"attachment; filename=\"{simple}\"; filename*=UTF-8''{quote(filename, safe='')}"


class ContentResponse(Response):
    """Answers GET and HEAD with content: 200, 206, 304 or 416 as the request's headers ask.

    Args:
        content: What to send.
        limits: Whose threads read.
        acceleration: How nginx reaches the files, where it stands in front.
        headers: More headers of the answer.
    """

    def __init__(
        self,
        content: Content,
        limits: Limits,
        *,
        acceleration: Acceleration | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(media_type=content.media_type, headers=headers)
        self._content = content
        self._limits = limits
        self._acceleration = acceleration
        del self.headers["content-length"]
        self.headers.update(
            {
                "accept-ranges": "bytes",
                "cache-control": content.cache_control,
                "content-disposition": attachment(content.filename),
                "content-security-policy": "default-src 'none'; sandbox",
                "etag": f'"{content.etag}"',
                "x-content-type-options": "nosniff",
            }
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        request = Headers(scope=scope)
        if is_not_modified(request, self._content.etag):
            self.status_code = 304
            del self.headers["content-type"]
            await self._send_empty(send)
            return
        location = self._internal_location()
        if location is not None:
            self.headers["x-accel-redirect"] = location
            await self._send_empty(send)
            return
        asked = requested_range(request, self._content.etag, self._content.size)
        if asked is UNSATISFIABLE:
            self.status_code = 416
            self.headers["content-range"] = f"bytes */{self._content.size}"
            self.headers["content-length"] = "0"
            await self._send_empty(send)
            return
        await self._send_bytes(asked, scope, receive, send)

    def _internal_location(self) -> str | None:
        if self._acceleration is None or self._content.path is None:
            return None
        return self._acceleration.location(self._content.path)

    async def _send_bytes(self, asked: ByteRange | None, scope: Scope, receive: Receive, send: Send) -> None:
        content = self._content
        span = asked or ByteRange(0, content.size)
        if asked is not None:
            self.status_code = 206
            self.headers["content-range"] = f"bytes {span.start}-{span.stop - 1}/{content.size}"
        self.headers["content-length"] = str(span.stop - span.start)
        if scope["method"] == "HEAD" or span.start == span.stop:
            await self._send_empty(send)
            return
        reader = await self._limits.run_blob(self._open, span)
        try:
            await self._send_start(send)
            async with _client_watch(receive) as is_gone:
                await self._pump(reader, span.stop - span.start, send, is_gone)
        finally:
            with CancelScope(shield=True):
                await self._limits.run_blob(reader.close)

    async def _pump(self, reader: RangeReader, left: int, send: Send, is_gone: Callable[[], bool]) -> None:
        """Sends ``left`` bytes: at once what the system has in memory, in a thread what must come from the disk."""
        read_ready = getattr(reader, "read_ready", None)
        while left and not is_gone():
            data = read_ready(CHUNK_BYTES) if read_ready is not None else None
            if data is None:
                data = await self._limits.run_blob(reader.read, CHUNK_BYTES)
            if not data:
                raise Unavailable("The content ends before its announced size.", code="content_truncated")
            left -= len(data)
            await send({"type": "http.response.body", "body": data, "more_body": left > 0})

    def _open(self, span: ByteRange) -> RangeReader:
        content = self._content
        if content.path is not None:
            try:
                return _FileRange(content.path, span)
            except FileNotFoundError:
                if content.open_range is None:
                    raise
        if content.open_range is None:
            raise TypeError("content needs a path or open_range")
        return content.open_range(span.start, span.stop)

    async def _send_start(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})

    async def _send_empty(self, send: Send) -> None:
        await self._send_start(send)
        await send({"type": "http.response.body", "body": b""})


class _FileRange:
    """Reads a range of a file."""

    def __init__(self, path: Path, span: ByteRange) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        os.posix_fadvise(self._descriptor, span.start, span.stop - span.start, os.POSIX_FADV_SEQUENTIAL)
        self._position = span.start
        self._stop = span.stop

    def read(self, limit: int = CHUNK_BYTES) -> bytes:
        data = os.pread(self._descriptor, min(limit, self._stop - self._position), self._position)
        self._position += len(data)
        return data

    def read_ready(self, limit: int) -> bytes | None:
        """Like :meth:`read`, but None where it would wait for the disk: safe to call on the event loop."""
        last = min(self._position + limit, self._stop) - 1
        return self.read(limit) if self._is_in_memory(self._position) and self._is_in_memory(last) else None

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _is_in_memory(self, position: int) -> bool:
        try:
            return os.preadv(self._descriptor, [bytearray(1)], position, os.RWF_NOWAIT) == 1
        except OSError:  # it is not, or the file system cannot tell
            return False


@asynccontextmanager
async def _client_watch(receive: Receive) -> AsyncIterator[Callable[[], bool]]:
    """Watches for the client's going: a server may take bytes for a closed connection without complaint."""

    async def wait() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    watch = asyncio.create_task(wait())
    try:
        yield watch.done
    finally:
        watch.cancel()
        await asyncio.wait([watch])
