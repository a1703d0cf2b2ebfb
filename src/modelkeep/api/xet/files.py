"""Files out: how to build them, and the bytes of xorbs that this takes; chunks that a client may leave out."""

from __future__ import annotations

import re

from starlette.responses import JSONResponse, Response

from modelkeep.api.http.downloads import Content, ContentResponse
from modelkeep.api.xet import render
from modelkeep.api.xet.calls import Call
from modelkeep.api.xet.ranges import SpansResponse, asked_spans, is_plain_range
from modelkeep.domain.errors import InvalidInput, NotFound
from modelkeep.services.xet_reconstruction import Reconstruction

_RANGE = re.compile(r"bytes=([0-9]{1,19})-([0-9]{0,19})", re.ASCII)


async def plan(call: Call) -> Response:
    """``GET …/v2/reconstructions/{hash}``."""
    found, url_of = await _planned(call)
    return JSONResponse(render.plan(found, url_of), headers={"Cache-Control": "no-store"})


async def plan_v1(call: Call) -> Response:
    """``GET …/v1/reconstructions/{hash}``."""
    found, url_of = await _planned(call)
    return JSONResponse(render.plan_v1(found, url_of), headers={"Cache-Control": "no-store"})


async def send_bytes(call: Call) -> Response:
    """``GET …/bytes/{hash}?ticket=…``, with a Range of no other bytes than the address opens."""
    xet = call.room.services.xet
    opened = await call.room.limits.run_sql(
        xet.open_spans, call.ticket, call.scope, call.hash, call.client_address
    )
    headers = call.request.headers
    spans = asked_spans(headers, opened.size, opened.spans)
    if len(spans) > 1:
        return SpansResponse(opened, spans, call.room.limits, xet.open_bytes)
    content = Content(opened.size, opened.xorb, opened.path, cache_control="private, no-transform")
    # The file goes on behind the xorb, and nginx reads the Range header once more.
    acceleration = call.room.acceleration if is_plain_range(headers) else None
    return ContentResponse(content, call.room.limits, acceleration=acceleration)


async def find_chunk(call: Call) -> Response:
    """``GET …/chunks/{prefix}/{hash}``: a shard about xorbs that have the chunk, or 404."""
    access = await call.access()
    shard = await call.room.work.run_blob(call.room.services.xet.chunk, access, call.hash)
    if shard is None:
        raise NotFound("Send this chunk; it is not known here.", code="chunk_unknown")
    return Response(shard, media_type="application/octet-stream", headers={"Cache-Control": "no-store"})


async def chunk_hashes(call: Call) -> Response:
    """``…/file-chunk-hashes/{hash}``: edits of a part of a file send the whole file instead."""
    await call.access()
    raise NotFound("This store does not tell the chunks of a file.", code="xet_file_missing")


async def _planned(call: Call) -> tuple[Reconstruction, render.UrlOf]:
    access = await call.access()
    first, last = _asked_range(call)
    xet, base = call.room.services.xet, call.base_url
    found = await call.room.work.run_blob(xet.reconstruction, access, call.hash, first, last)

    def url_of(xorb: str, spans: render.Spans) -> str:
        return f"{base}/bytes/{xorb}?ticket={xet.seal_spans(access, xorb, spans)}"

    return found, url_of


def _asked_range(call: Call) -> tuple[int, int | None]:
    """The range of the file that a client asks for; both ends are inclusive."""
    text = call.request.headers.get("range")
    if text is None:
        return 0, None
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        raise InvalidInput("Ask for a range as 'bytes=FIRST-LAST'.", code="invalid_range")
    return int(match[1]), int(match[2]) if match[2] else None
