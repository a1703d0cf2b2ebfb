"""The application's start and end (ASGI lifespan protocol), driven apart from the server.

So the application is closed properly even where transfers outlast the time given to them.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message, Scope

from modelkeep.domain.errors import Unavailable


class Lifespan:
    """Starts and closes one application.

    Attributes:
        state: What the application put into its lifespan state; requests get a copy.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Waits until the application is ready for requests.

        Raises:
            Unavailable: It says that it cannot start.
            Exception: What it raised.
        """
        scope: Scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "state": self.state,
        }
        self._task = asyncio.create_task(self._run(scope))
        await self._exchange("startup")

    async def close(self) -> None:
        """Waits until the application has given back what it holds; see :meth:`start` for errors."""
        if self._task is not None and not self._task.done():
            await self._exchange("shutdown")
            await self._task

    async def _run(self, scope: Scope) -> None:
        await self._app(scope, self._events.get, self._answers.put)

    async def _exchange(self, phase: str) -> None:
        if self._task is None:
            raise RuntimeError("the application was not started")
        await self._events.put({"type": f"lifespan.{phase}"})
        answer = asyncio.ensure_future(self._answers.get())
        await asyncio.wait({answer, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            self._task.result()
            raise Unavailable(f"The application ended during its {phase}.", code="lifespan_failed")
        message = answer.result()
        if message["type"] == f"lifespan.{phase}.failed":
            reason = message.get("message") or "no reason given"
            raise Unavailable(f"The application's {phase} failed: {reason}", code="lifespan_failed")
