"""Shards in: files made of xorbs. Version 2 tells how far the hub is while it checks them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import structlog
from anyio import CancelScope
from starlette.responses import JSONResponse, Response, StreamingResponse

from modelkeep.api.http.bodies import read_limited
from modelkeep.api.xet.calls import Call, XetRoom
from modelkeep.domain.errors import ModelkeepError, Unavailable
from modelkeep.services.xet_shards import MOST_SHARD_BYTES, Progress

HEARTBEAT_SECONDS = 10.0
"""A frame at least so often: clients take a silence of more than 20 seconds for the end."""

_FRAME_SECONDS = 0.5
_LOG = structlog.get_logger("xet")


async def register(call: Call) -> Response:
    """``POST …/v1/shards``: answers when all is done."""
    steps, place = await _begun(call)
    try:
        while await call.room.work.run_blob(_next, steps) is not None:
            pass
    finally:
        await _end(call.room, steps, place)
    return JSONResponse({"result": 1})


async def register_told(call: Call) -> Response:
    """``POST …/v2/shards``: a JSON object in a line for each step, the last of which says how it ended."""
    steps, place = await _begun(call)
    return StreamingResponse(
        _frames(call.room, steps, place),
        media_type="application/x-ndjson",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _begun(call: Call) -> tuple[Iterator[Progress], object]:
    """Reads the shard. Whoever calls gives the place back with :func:`_end`."""
    access = await call.access()
    access.require_write()
    place = object()
    await call.room.shards.acquire_on_behalf_of(place)
    try:
        data = await read_limited(call.request.receive, call.request.headers, MOST_SHARD_BYTES)
        begin = call.room.services.xet_shards.register
        return await call.room.work.run_blob(begin, access, data), place
    except BaseException:
        call.room.shards.release_on_behalf_of(place)
        raise


async def _end(room: XetRoom, steps: Iterator[Progress], place: object) -> None:
    with CancelScope(shield=True):
        try:
            close = getattr(steps, "close", None)
            if close is not None:
                await room.work.run_blob(close)
        finally:
            room.shards.release_on_behalf_of(place)


def _next(steps: Iterator[Progress]) -> Progress | None:
    return next(steps, None)


async def _frames(room: XetRoom, steps: Iterator[Progress], place: object) -> AsyncIterator[bytes]:
    """The lines of the answer; how it ended is in the last one, because the status has been sent."""
    running: asyncio.Task[Progress | None] | None = None
    last, told_at = Progress(0, 0), 0.0
    try:
        while True:
            running = asyncio.create_task(room.work.run_blob(_next, steps))
            while not (await asyncio.wait([running], timeout=HEARTBEAT_SECONDS))[0]:
                yield _frame(last)
            step = running.result()
            if step is None:
                break
            now = asyncio.get_running_loop().time()
            if step.stage != last.stage or now - told_at >= _FRAME_SECONDS:
                told_at = now
                yield _frame(step)
            last = step
        yield _line({"type": "result"})
    except ModelkeepError as error:
        _LOG.info("xet_refused", code=error.code, message=error.message)
        is_retryable = isinstance(error, Unavailable)
        yield _line({"type": "error", "message": error.message, "retryable": is_retryable})
    finally:
        with CancelScope(shield=True):
            if running is not None and not running.done():
                await asyncio.wait([running])
            await _end(room, steps, place)


def _frame(progress: Progress) -> bytes:
    if progress.stage:
        return _line({"type": "committing", "stage": progress.stage})
    return _line({"type": "validating", "verified": progress.verified, "total": progress.total})


def _line(value: dict[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"
