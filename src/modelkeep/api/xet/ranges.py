"""Several ranges of a xorb in one answer (RFC 9110, 14.6), within what the address opens."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from uuid import uuid4

from anyio import CancelScope
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from modelkeep.api.http.downloads import CHUNK_BYTES, RangeReader
from modelkeep.api.http.limits import Limits
from modelkeep.domain.errors import InvalidInput, NotPermitted, Unavailable
from modelkeep.services.xet import XorbBytes

MOST_SPANS = 256

_SPAN = re.compile(r"[ \t]*([0-9]{1,19})-([0-9]{1,19})[ \t]*", re.ASCII)
_PLAIN = re.compile(r"bytes=[0-9]{1,19}-[0-9]{1,19}", re.ASCII)

Span = tuple[int, int]
Open = Callable[[str, int, int], RangeReader]


def asked_spans(headers: Headers, size: int, allowed: Sequence[Span]) -> list[Span]:
    """The ranges that a request asks for, each up to, not including, its end.

    Args:
        headers: The request's. With ``If-Range`` it asks for all: what is sent must never hang on whether that fits.
        size: Of the xorb.
        allowed: What the address opens.

    Raises:
        InvalidInput: The header cannot be read, or its ranges overlap (``invalid_range``).
        NotPermitted: It asks for other bytes than the address opens (``forged_url``), or for all where it opens some.
    """
    header = headers.get("range")
    is_whole = header is None or "if-range" in headers
    spans = [(0, size)] if header is None or is_whole else _parse(header)
    if any(not _is_within(span, allowed) for span in spans):
        raise NotPermitted(
            "This URL opens other bytes; send the Range that it was given with.", code="forged_url"
        )
    if sum(stop - start for start, stop in spans) > size:
        raise InvalidInput("Ask for each byte once: these ranges overlap.", code="invalid_range")
    return spans


def is_plain_range(headers: Headers) -> bool:
    """Whether anything that reads these headers takes them for the same one range: a proxy sends by its own reading."""
    ranges = headers.getlist("range")
    return len(ranges) == 1 and _PLAIN.fullmatch(ranges[0]) is not None and "if-range" not in headers


def _parse(header: str) -> list[Span]:
    unit, _, rest = header.partition("=")
    parts = rest.split(",", MOST_SPANS)
    matches = [_SPAN.fullmatch(part) for part in parts]
    if unit.strip().lower() != "bytes" or len(parts) > MOST_SPANS:
        raise _invalid()
    spans = []
    for match in matches:
        if match is None or int(match[1]) > int(match[2]):
            raise _invalid()
        spans.append((int(match[1]), int(match[2]) + 1))
    return spans


def _is_within(span: Span, allowed: Sequence[Span]) -> bool:
    return any(start <= span[0] and span[1] <= stop for start, stop in allowed)


def _invalid() -> InvalidInput:
    return InvalidInput(
        f"Ask for at most {MOST_SPANS} ranges, as 'bytes=FIRST-LAST, FIRST-LAST'.", code="invalid_range"
    )


class SpansResponse(Response):
    """Answers with several ranges as ``multipart/byteranges``, without holding any of them in memory."""

    def __init__(self, opened: XorbBytes, spans: Sequence[Span], limits: Limits, open_bytes: Open) -> None:
        boundary = uuid4().hex
        super().__init__(status_code=206, media_type=f"multipart/byteranges; boundary={boundary}")
        self._opened = opened
        self._limits = limits
        self._open_bytes = open_bytes
        self._spans = [(_head(boundary, span, opened.size), span) for span in spans]
        self._end = f"\r\n--{boundary}--\r\n".encode()
        length = sum(len(head) + stop - start for head, (start, stop) in self._spans) + len(self._end)
        self.headers.update({"content-length": str(length), "cache-control": "private, no-transform"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        await send({"type": "http.response.start", "status": 206, "headers": self.raw_headers})
        if scope["method"] != "HEAD":
            for head, (start, stop) in self._spans:
                await send({"type": "http.response.body", "body": head, "more_body": True})
                await self._send_span(start, stop, send)
        end = self._end if scope["method"] != "HEAD" else b""
        await send({"type": "http.response.body", "body": end, "more_body": False})

    async def _send_span(self, start: int, stop: int, send: Send) -> None:
        reader = await self._limits.run_blob(self._open_bytes, self._opened.xorb, start, stop)
        try:
            left = stop - start
            while left:
                data = await self._limits.run_blob(reader.read, CHUNK_BYTES)
                if not data:
                    raise Unavailable("The content ends before its announced size.", code="content_truncated")
                left -= len(data)
                await send({"type": "http.response.body", "body": data, "more_body": True})
        finally:
            with CancelScope(shield=True):
                await self._limits.run_blob(reader.close)


def _head(boundary: str, span: Span, size: int) -> bytes:
    return (
        f"\r\n--{boundary}\r\ncontent-type: application/octet-stream\r\n"
        f"content-range: bytes {span[0]}-{span[1] - 1}/{size}\r\n\r\n"
    ).encode()
