"""What clients ask or tell in passing. They wait for the answer, so it comes at once; nothing is kept."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_HEADERS = {"Cache-Control": "public, max-age=86400"}


def routes() -> list[Route]:
    """The routes of this module, which need no guard: they look at nothing."""
    return [
        Route("/api/telemetry/{topic:path}", _nothing, methods=["GET", "HEAD", "POST"]),
        Route("/api/agent-harnesses", _no_harnesses, methods=["GET"]),
    ]


async def _nothing(_request: Request) -> Response:
    return Response(status_code=200, headers={"Cache-Control": "no-store"})


async def _no_harnesses(_request: Request) -> Response:
    return JSONResponse({"standardEnvVars": [], "harnesses": {}}, 200, _HEADERS)
