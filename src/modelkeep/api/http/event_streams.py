"""Server-sent events (WHATWG HTML, 9.2): the wire format, and waking many streams by one look at the database."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from modelkeep.api.http.limits import Limits
from modelkeep.domain.errors import RateLimited, Unavailable

PING_SECONDS = 15.0
MOST_OF_ONE = 20
"""Streams that one actor may have open at once."""

_LOOK_SECONDS = 5.0
_RETRY_AFTER = 30


class Announcements(Protocol):
    """Says that something was added, and about what; see the service of events."""

    def announced(self, after: int) -> tuple[int, set[str]]:
        """The end of the stream (or of the next many), and the repos that it is about since ``after``."""

    def last_sequence(self) -> int:
        """The end of the stream."""

    def heard_by(self, listener: Callable[[], None]) -> AbstractContextManager[None]:
        """Calls ``listener``, from any thread, when this process adds something."""


class EventStreamResponse(StreamingResponse):
    """An answer that goes on until its chunks end or the client goes; then ``release`` is called, however it ended."""

    media_type = "text/event-stream"

    def __init__(self, chunks: AsyncIterator[bytes], release: Callable[[], None]) -> None:
        super().__init__(chunks)
        self._release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._release()

    def init_headers(self, headers: dict[str, str] | None = None) -> None:  # type: ignore[override]
        """Tells caches and proxies to pass every event on at once."""
        super().init_headers({"cache-control": "no-store", "x-accel-buffering": "no"} | (headers or {}))


def message(sequence: int, kind: str, data: str) -> bytes:
    """One event; ``data`` is a line of text."""
    return f"id: {sequence}\nevent: {kind}\ndata: {data}\n\n".encode()


def comment(text: str) -> bytes:
    """A line that clients ignore; it keeps the connection alive."""
    return f": {text}\n\n".encode()


@dataclass(slots=True, eq=False)
class Follower:
    """One stream: which repo it follows, and whether there may be something new."""

    repo_id: str
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, stopping: asyncio.Event, seconds: float = PING_SECONDS) -> bool:
        """Waits for news; False where none came within ``seconds`` or the hub stops."""
        waits = {asyncio.ensure_future(self.news.wait()), asyncio.ensure_future(stopping.wait())}
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return self.news.is_set()


class Tail:
    """All streams of one server: while there is one, it looks at the end of the stream when the bell rings.

    A look now and then besides catches what other processes add. Streams hold neither a thread nor a connection.

    Args:
        announcements: What to look at.
        limits: Whose threads to look in.
        most: How many streams at once.
    """

    def __init__(self, announcements: Announcements, limits: Limits, most: int) -> None:
        self._announcements = announcements
        self._limits = limits
        self._most = most
        self._followers: set[Follower] = set()
        self._of_actor: Counter[str] = Counter()
        self._open = 0
        self._task: asyncio.Task[None] | None = None

    def take_place(self, actor: str) -> None:
        """Takes one of the places for streams; :meth:`leave_place` gives it back.

        Raises:
            RateLimited: All are taken, or this actor has many already (``too_many_streams``).
        """
        if self._open >= self._most or self._of_actor[actor] >= MOST_OF_ONE:
            raise RateLimited(
                "Too many streams of events are open; close one, or try again later.",
                retry_after=_RETRY_AFTER,
                code="too_many_streams",
            )
        self._open += 1
        self._of_actor[actor] += 1

    def leave_place(self, actor: str) -> None:
        """Gives a place back."""
        self._open -= 1
        self._of_actor[actor] -= 1
        if not self._of_actor[actor]:
            del self._of_actor[actor]

    @contextmanager
    def following(self, repo_id: str) -> Iterator[Follower]:
        """A follower that hears of this repo."""
        follower = Follower(repo_id)
        self._followers.add(follower)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            yield follower
        finally:
            self._followers.discard(follower)
            if not self._followers and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _watch(self) -> None:
        loop, wake = asyncio.get_running_loop(), asyncio.Event()

        def listen() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(wake.set)

        with self._announcements.heard_by(listen):
            last: int | None = None
            while True:
                with suppress(Unavailable):  # a database that is busy: look again
                    last = await self._look(last)
                with suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), _LOOK_SECONDS)
                wake.clear()

    async def _look(self, last: int | None) -> int:
        """Wakes whom the news are for; gives the place up to which everything was seen."""
        if last is None:
            end = await self._limits.run_sql(self._announcements.last_sequence)
            for follower in self._followers:
                follower.news.set()  # what came before the first look
            return end
        while True:
            seen, repos = await self._limits.run_sql(self._announcements.announced, last)
            for follower in self._followers:
                if follower.repo_id in repos:
                    follower.news.set()
            if seen == last:
                return seen
            last = seen
