"""Large bodies into a store: received by the event loop while a thread hashes and writes what came before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from anyio import CancelScope
from starlette.types import Receive

from modelkeep.api.http.bodies import ClientGone, body_chunks
from modelkeep.api.http.limits import Limits

BATCH_BYTES = 1 << 20
"""What one call into the thread hashes and writes. Measured with 1 and 8 uploads at once: below it the calls
show, above it only memory grows."""


class Sink(Protocol):
    """Where the bytes go: a writer of :mod:`modelkeep.blobs.ports`. Calls block and come one at a time."""

    def write_batch(self, chunks: Sequence[bytes]) -> None:
        """Takes chunks in order."""

    def abort(self) -> None:
        """Forgets the upload, or ends it as it stands."""


async def receive_into(
    receive: Receive,
    sink: Sink,
    limits: Limits,
    *,
    keeps_what_came: bool = False,
    batch_bytes: int = BATCH_BYTES,
) -> int:
    """Moves a request's whole body into ``sink`` and returns its length in bytes. Committing is the caller's.

    Memory stays within two batches and one chunk of the server, however large the body is. Whatever goes
    wrong, the sink is aborted before the error is passed on.

    Args:
        receive: The request.
        sink: Where the bytes go.
        limits: Whose threads hash and write.
        keeps_what_came: Whether bytes received before the client went are still written (a resumable upload).
        batch_bytes: How much is hashed and written in one go.

    Raises:
        ClientGone: The client closed the connection midway.
        ModelkeepError: What the sink raised.
    """
    pump = _Pump(sink, limits)
    pending: list[bytes] = []
    pending_bytes = total = 0
    try:
        async for chunk in body_chunks(receive):
            pending.append(chunk)
            pending_bytes += len(chunk)
            total += len(chunk)
            if pending_bytes >= batch_bytes:
                await pump.write(pending)
                pending, pending_bytes = [], 0
        await pump.write(pending)
        await pump.drain()
    except BaseException as error:
        with CancelScope(shield=True):
            await pump.abort(pending if keeps_what_came and isinstance(error, ClientGone) else [])
        raise
    return total


class _Pump:
    """Keeps at most one batch on its way to the sink."""

    def __init__(self, sink: Sink, limits: Limits) -> None:
        self._sink = sink
        self._limits = limits
        self._running: asyncio.Task[None] | None = None

    async def write(self, chunks: Sequence[bytes]) -> None:
        """Waits for the batch before, then sends this one off."""
        await self.drain()
        if chunks:
            self._running = asyncio.create_task(self._limits.run_blob(self._sink.write_batch, chunks))

    async def drain(self) -> None:
        """Waits for the batch on its way, passing its error on."""
        if self._running is not None:
            await asyncio.wait([self._running])
            running, self._running = self._running, None
            running.result()

    async def abort(self, last: Sequence[bytes]) -> None:
        """Aborts the sink once nothing is on its way to it; writes ``last`` before, if that still works."""
        try:
            await self.write(last)
            await self.drain()
        except Exception:  # noqa: S110 - the error that led here is the one to report
            pass
        finally:
            await self._limits.run_blob(self._sink.abort)
