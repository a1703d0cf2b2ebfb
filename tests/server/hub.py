"""A small application on the real server, in a process of its own: ``python -m tests.server.hub ROOT``.

``PUT /blobs`` stores the body, ``GET /blobs/OID`` sends it, ``GET /slow`` sends a line now and ``done`` once
the file ROOT/go exists, ``GET /stuck`` never ends.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from modelkeep.api.http.bodies import ClientGone
from modelkeep.api.http.downloads import Acceleration, Content, ContentResponse
from modelkeep.api.http.limits import Limits
from modelkeep.api.http.request_id import RequestIdMiddleware
from modelkeep.api.http.uploads import receive_into
from modelkeep.blobs.store import BlobStore
from modelkeep.domain.errors import ModelkeepError
from modelkeep.server.runner import serve

root = Path(sys.argv[1])
store = BlobStore.open(root / "blobs")
limits = Limits()


class Put:
    """Stores a body; an ASGI application, so that no framework reads the body before."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        writer = store.begin()
        response: Response
        try:
            await receive_into(receive, writer, limits)
            response = PlainTextResponse((await limits.run_blob(writer.commit)).oid)
        except ClientGone:
            (root / "client-gone").touch()
            return
        except ModelkeepError as error:
            response = PlainTextResponse(error.code, 400)
        await response(scope, receive, send)


async def get(request: Request) -> Response:
    oid = request.path_params["oid"]
    info = store.stat(oid)
    if info is None:
        return PlainTextResponse("", 404)
    acceleration = Acceleration("/_blobs/", root / "blobs") if "accelerated" in request.query_params else None
    if "reader" in request.query_params:
        content = Content(info.size, oid, open_range=lambda start, stop: store.open_range(oid, start, stop))
    else:
        content = Content(info.size, oid, path=store.path(oid), filename="model ü.bin")
    return ContentResponse(content, limits, acceleration=acceleration)


async def slow(request: Request) -> Response:
    async def lines() -> AsyncIterator[bytes]:
        yield b"begun\n"
        while not (root / "go").exists():  # noqa: ASYNC110 - the test is another process
            await asyncio.sleep(0.01)
        yield b"done\n"

    return StreamingResponse(lines())


async def stuck(request: Request) -> Response:
    async def lines() -> AsyncIterator[bytes]:
        try:
            yield b"begun\n"
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            (root / "cancelled").touch()
            raise

    return StreamingResponse(lines())


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, str]]:
    if (root / "fail").exists():
        raise RuntimeError("cannot start")
    yield {"greeting": "hello"}
    (root / "closed").touch()


async def hello(request: Request) -> Response:
    return PlainTextResponse(request.state.greeting)


app = Starlette(
    routes=[
        Route("/", hello),
        Route("/blobs", Put(), methods=["PUT"]),
        Route("/blobs/{oid}", get),
        Route("/slow", slow),
        Route("/stuck", stuck),
    ],
    lifespan=lifespan,
)

if __name__ == "__main__":
    serve(
        RequestIdMiddleware(app),
        "127.0.0.1",
        int(sys.argv[2]),
        shutdown_seconds=float(sys.argv[3]),
        on_ready=lambda host, port: print(port, flush=True),  # noqa: T201 - how the tests learn the port
    )
