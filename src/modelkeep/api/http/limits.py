"""How much blocking work runs at once, by kind, so that one kind cannot starve another.

Services and stores are plain functions; edges run them in threads through here. A thread is held for one
call, never for the length of a transfer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, move_on_after, to_thread

from modelkeep.domain.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")


class Limits:
    """The limiters of one server.

    Args:
        sql_threads: Calls of services at once; no more than the database's connections.
        blob_threads: Reads, writes, hashing and syncing of blobs at once.
        git_processes: Git processes that stream to or from clients at once.
        git_wait_seconds: How long a request waits for its turn to start a Git process.
        outbound_threads: Requests at once that wait for an answer of another machine.
    """

    def __init__(
        self,
        *,
        sql_threads: int = 16,
        blob_threads: int = 32,
        git_processes: int = 32,
        git_wait_seconds: float = 30.0,
        outbound_threads: int = 8,
    ) -> None:
        self._sql = CapacityLimiter(sql_threads)
        self._blob = CapacityLimiter(blob_threads)
        self._git = CapacityLimiter(git_processes)
        self._decisions = CapacityLimiter(git_processes)
        self._git_wait_seconds = git_wait_seconds
        self._outbound = CapacityLimiter(outbound_threads)

    async def run_sql(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a call of a service in a thread. Once begun it is not cut short, even if the client goes."""
        return await to_thread.run_sync(partial(function, *args, **kwargs), limiter=self._sql)

    async def run_blob(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs one step of moving bytes in a thread. Once begun it is not cut short."""
        return await to_thread.run_sync(partial(function, *args, **kwargs), limiter=self._blob)

    async def run_outbound(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs what asks another machine, which may be silent for minutes: nobody else's threads wait for it."""
        return await to_thread.run_sync(partial(function, *args, **kwargs), limiter=self._outbound)

    async def run_decision(self, function: Callable[[], T], /) -> T:
        """Runs what decides on a push: there is a thread for every process, however many wait for one repo's lock."""
        return await to_thread.run_sync(function, limiter=self._decisions)

    @asynccontextmanager
    async def git_process(self) -> AsyncIterator[None]:
        """Holds the right to run one Git process.

        Raises:
            Unavailable: No process ended in time (``busy``).
        """
        borrower = object()
        with move_on_after(self._git_wait_seconds) as scope:
            await self._git.acquire_on_behalf_of(borrower)
        if scope.cancelled_caught:
            raise Unavailable(
                "The hub runs as many Git processes as it may. Try again in a minute.", code="busy"
            )
        try:
            yield
        finally:
            self._git.release_on_behalf_of(borrower)
