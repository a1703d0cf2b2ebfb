"""Pipes to child processes on any event loop: the descriptor is read and written directly, without a thread or a copy.

(asyncio's own subprocesses cost 3 ms to start on uvloop and tie their reaping to the loop.)
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Callable
from typing import IO, cast

CHUNK = 256 << 10

_PIPE_SIZE = 1 << 20


class Pipe:
    """One end of a pipe on the event loop: one reader, or one writer, at a time. Closing wakes whoever waits."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiter: asyncio.Future[None] | None = None
        os.set_blocking(descriptor, False)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with contextlib.suppress(OSError):  # the user's pipes are large enough already
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)

    async def read(self) -> bytes:
        """What there is, at most :data:`CHUNK` bytes, once there is something; b"" at the end or after a close."""
        while self._descriptor >= 0:
            try:
                return os.read(self._descriptor, CHUNK)
            except BlockingIOError:
                loop = asyncio.get_running_loop()
                await self._ready(loop.add_reader, loop.remove_reader)
        return b""

    async def write(self, data: bytes) -> bool:
        """Writes all of it, waiting while the pipe is full; False where nobody reads any more, or after a close."""
        rest = memoryview(data)
        while rest:
            if self._descriptor < 0:
                return False
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                loop = asyncio.get_running_loop()
                await self._ready(loop.add_writer, loop.remove_writer)
            except BrokenPipeError:
                self.close()
        return True

    def close(self) -> None:
        """Closes this end; again does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            if self._waiter:
                loop = self._waiter.get_loop()
                loop.remove_reader(descriptor)
                loop.remove_writer(descriptor)
                _resolve(self._waiter)
            os.close(descriptor)

    async def _ready(self, add: Callable[..., None], remove: Callable[[int], bool]) -> None:
        descriptor = self._descriptor
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        add(descriptor, _resolve, waiter)
        try:
            await waiter
        finally:
            if self._descriptor == descriptor:
                remove(descriptor)
                self._waiter = None


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


async def ended(pid: int) -> None:
    """Waits until a child of ours has ended, without reaping it."""
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):  # another system, or reaped already
        await asyncio.to_thread(_wait_blocking, pid)
        return
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, _resolve, waiter)
    try:
        await waiter
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _wait_blocking(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def detached(stream: IO[bytes] | None) -> int:
    """Takes a pipe's descriptor over from the stream object, which is closed."""
    stream = cast("IO[bytes]", stream)
    descriptor = os.dup(stream.fileno())
    stream.close()
    return descriptor
