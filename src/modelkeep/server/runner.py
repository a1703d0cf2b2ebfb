"""Granian, embedded in this process, so that the one process is all there is: killing it frees the port."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces, TaskImpl
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server
from starlette.types import ASGIApp, Receive, Scope, Send

from modelkeep.domain.errors import Unavailable
from modelkeep.server.lifespan import Lifespan
from modelkeep.server.listener import listen

BACKLOG = 1024
READ_BUFFER_BYTES = 1 << 19
"""What one connection reads ahead. Measured with 8 uploads at once: as fast as 1 MiB, for half the memory."""

CANCEL_SECONDS = 5.0
"""How long cancelled requests and the application's end may take before the process leaves them."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_LOGGING: dict[str, Any] = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}


class _Embedded(Server):
    """Granian on a socket of ours, which no second process can share (its own would set SO_REUSEPORT)."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__(
            app,
            address=host,
            port=port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            task_impl=TaskImpl.asyncio,
            backlog=BACKLOG,
            http1_settings=HTTP1Settings(max_buffer_size=READ_BUFFER_BYTES),
            log_level=LogLevels.error,
            log_dictconfig=_LOGGING,
        )
        self._listener = listener

    def _init_shared_socket(self) -> None:
        holder = SocketHolder(self._listener.detach(), False, BACKLOG)  # type: ignore[call-arg]
        self._shd = holder  # type: ignore[assignment]


class _Requests:
    """The application, with its requests under way known, so that they can be cancelled."""

    def __init__(self, app: ASGIApp, state: dict[str, Any]) -> None:
        self._app = app
        self._state = state
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = self._state.copy()
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request runs outside of a task")
        self._tasks.add(task)
        try:
            await self._app(scope, receive, send)
        finally:
            self._tasks.discard(task)

    async def end(self, seconds: float) -> None:
        """Waits for those whose clients went away, for whom the server does not wait."""
        if self._tasks:
            await asyncio.wait(self._tasks.copy(), timeout=seconds)

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()


def serve(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    shutdown_seconds: float = 30.0,
    on_ready: Callable[[str, int], None] = lambda host, port: None,
) -> None:
    """Serves until SIGTERM or SIGINT, then stops accepting, finishes what is under way, and returns.

    Requests find an :class:`asyncio.Event` in their state, ``stopping``: answers that never end by themselves end then.

    What is still under way after ``shutdown_seconds`` is cancelled; a transfer that even then goes on ends
    with the process, which exits with 0. A second signal ends the process at once, with 128 and the signal's
    number.

    Args:
        app: The application; its lifespan runs around everything.
        host: An address of this machine, or a name for one.
        port: The port; 0 takes a free one.
        shutdown_seconds: How long transfers may go on after the first signal.
        on_ready: Called once with the bound host and port, when requests are answered.

    Raises:
        Unavailable: The address cannot be used, or the application cannot start.
    """
    listener = listen(host, port, BACKLOG)
    try:
        asyncio.run(_serve(app, listener, shutdown_seconds, on_ready))
    finally:
        listener.close()


async def _serve(
    app: ASGIApp, listener: socket.socket, shutdown_seconds: float, on_ready: Callable[[str, int], None]
) -> None:
    host, port = listener.getsockname()[:2]
    lifespan = Lifespan(app)
    await lifespan.start()
    ending = lifespan.state["stopping"] = asyncio.Event()
    requests = _Requests(app, lifespan.state)
    server = _Embedded(requests, listener)
    stopping = _watch_signals()
    serving = asyncio.create_task(server.serve())
    on_ready(host, port)
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
        raise Unavailable("The server ended without being asked to.", code="server_ended")
    ending.set()
    server.stop()  # type: ignore[no-untyped-call]
    await asyncio.wait({serving}, timeout=shutdown_seconds)
    if not serving.done():
        logging.getLogger(__name__).warning("transfers cancelled at shutdown")
        requests.cancel()
        await asyncio.wait({serving}, timeout=CANCEL_SECONDS)
    else:
        await requests.end(CANCEL_SECONDS)
    try:
        await asyncio.wait_for(lifespan.close(), CANCEL_SECONDS)
    finally:
        if not serving.done():
            _leave(0)
    serving.result()


def _watch_signals() -> asyncio.Future[None]:
    """Returns a future that the first signal resolves; the second signal ends the process."""
    loop = asyncio.get_running_loop()
    stopping: asyncio.Future[None] = loop.create_future()

    def stop(number: int) -> None:
        if stopping.done():
            _leave(128 + number)
        stopping.set_result(None)

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop, number)
    return stopping


def _leave(status: int) -> None:
    """Ends the process without waiting for its threads: those of the server cannot be stopped."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
