"""Shards in: files made of xorbs. Version 2 tells how far the hub is while it checks them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import structlog
from anyio import CancelScope
from starlette.responses import JSONResponse, Response, StreamingResponse

from modelkeep.api.http.bodies import content_length
from modelkeep.api.http.uploads import receive_into
from modelkeep.api.xet.calls import Call, XetRoom
from modelkeep.domain.errors import ModelkeepError, Unavailable
from modelkeep.services.xet_shards import Progress
from modelkeep.services.xet_spool import ShardSpool
from modelkeep.services.xet_tokens import XetAccess

HEARTBEAT_SECONDS = 10.0
"""A frame at least so often: clients take a silence of more than 20 seconds for the end."""

_FRAME_SECONDS = 0.5
_STEP_SECONDS = 0.02
_LOG = structlog.get_logger("xet")


async def register(call: Call) -> Response:
    """``POST …/v1/shards``: answers when all is done."""
    access, spool = await _received(call)
    room, holder = call.room, access.actor.user_id
    await room.shards.take(holder)
    steps = None
    try:
        steps = await room.work.run_blob(_begin, room, access, spool)
        step: Progress | None = Progress(0, 0)
        while step is not None:
            step = await room.work.run_blob(_next, steps, step.stage)
    finally:
        await _end(room, steps, holder)
    return JSONResponse({"result": 1})


async def register_told(call: Call) -> Response:
    """``POST …/v2/shards``: a JSON object in a line for each step, the last of which says how it ended."""
    access, spool = await _received(call)
    return StreamingResponse(
        _frames(call.room, access, spool),
        media_type="application/x-ndjson",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _received(call: Call) -> tuple[XetAccess, ShardSpool]:
    """Who sends a shard, and the shard: however slowly it comes, it keeps nobody else waiting."""
    access = await call.access()
    access.require_write()
    spool = ShardSpool(content_length(call.request.headers) or 0)
    await receive_into(call.request.receive, spool, call.room.limits)
    return access, spool


def _begin(room: XetRoom, access: XetAccess, spool: ShardSpool) -> Iterator[Progress]:
    return room.services.xet_shards.register(access, spool.take())


async def _end(room: XetRoom, steps: Iterator[Progress] | None, holder: int | None) -> None:
    with CancelScope(shield=True):
        try:
            close = getattr(steps, "close", None)
            if close is not None:
                await room.work.run_blob(close)
        finally:
            await room.shards.give_back(holder)


def _next(steps: Iterator[Progress], stage: str = "") -> Progress | None:
    """Goes on for a moment, or until the stage is another: many steps are shorter than a change of threads."""
    until = time.monotonic() + _STEP_SECONDS
    for step in steps:
        if step.stage != stage or time.monotonic() >= until:
            return step
    return None


async def _frames(room: XetRoom, access: XetAccess, spool: ShardSpool) -> AsyncIterator[bytes]:
    """The lines of the answer; how it ended is in the last one, because the status has been sent."""
    holder, steps = access.actor.user_id, None
    turn = asyncio.create_task(room.shards.take(holder))
    running: asyncio.Task[Progress | None] | None = None
    last, told_at = Progress(0, 0), 0.0
    try:
        while not await _is_done(turn):
            yield _frame(last)
        steps = await room.work.run_blob(_begin, room, access, spool)
        yield _frame(last)
        while True:
            running = asyncio.create_task(room.work.run_blob(_next, steps, last.stage))
            while not await _is_done(running):
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
            turn.cancel()
            await asyncio.wait([turn])
            if not turn.cancelled():
                await _end(room, steps, holder)


async def _is_done(task: asyncio.Task[Any]) -> bool:
    return bool((await asyncio.wait([task], timeout=HEARTBEAT_SECONDS))[0])


def _frame(progress: Progress) -> bytes:
    if progress.stage:
        return _line({"type": "committing", "stage": progress.stage})
    return _line({"type": "validating", "verified": progress.verified, "total": progress.total})


def _line(value: dict[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"
