"""Mounts every door of the hub as one ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from modelkeep import __version__
from modelkeep.api.git.routes import git_routes
from modelkeep.api.http.downloads import Acceleration
from modelkeep.api.http.limits import Limits
from modelkeep.api.http.problems import HUB_MESSAGE, ProblemResponse
from modelkeep.api.http.raw_path import RawPathMiddleware
from modelkeep.api.http.request_id import RequestIdMiddleware, request_id_of
from modelkeep.api.hub.calls import HubRoom
from modelkeep.api.hub.routes import hub_routes
from modelkeep.api.lfs.routes import LfsRoom, api_routes
from modelkeep.api.lfs.transfers import transfer_routes
from modelkeep.api.rest.app import create_app as create_rest_app
from modelkeep.api.studio.routes import StudioRoom, studio_routes
from modelkeep.api.xet.calls import XetRoom
from modelkeep.api.xet.routes import xet_routes
from modelkeep.server.metrics import CONTENT_TYPE, Metrics
from modelkeep.server.middleware import Observed, TrustedProxies, UnreadBodies
from modelkeep.server.wiring import Hub

_WELCOME = """\
Modelkeep {version}

  REST API    {url}/api/v1            described at {url}/api/v1/openapi.json
  Git         {url}/NAMESPACE/REPO.git  (Git LFS at the same address)
  Commands    modelkeep login --url {url}
"""


@dataclass(frozen=True, slots=True)
class Doors:
    """How the hub is reached.

    Attributes:
        public_url: Its address, where the request's own is not the right one.
        trusted_proxies: Networks whose forwarding headers are believed.
        acceleration: How nginx sends blobs, where it stands in front.
        max_push: The largest body of a push, in bytes.
        git_processes: How many Git processes run at once.
    """

    public_url: str | None
    trusted_proxies: Sequence[str]
    acceleration: Acceleration | None
    max_push: int
    git_processes: int


def create_app(hub: Hub, doors: Doors) -> ASGIApp:
    """Builds the application."""
    limits = Limits(git_processes=doors.git_processes)
    metrics = Metrics()
    lfs = LfsRoom(hub, limits, doors.public_url, doors.acceleration)
    rest = create_rest_app(hub, limits, public_url=doors.public_url, acceleration=doors.acceleration)
    routes: list[BaseRoute] = [
        *_operations(hub, limits, metrics),
        Route("/", _welcome(doors.public_url), methods=["GET"]),
        Mount("/api/v1", rest),
        *xet_routes(XetRoom(hub, limits, doors.public_url, doors.acceleration)),
        *hub_routes(HubRoom(hub, limits, doors.public_url, doors.acceleration)),
        *studio_routes(StudioRoom(hub, limits, doors.public_url)),
        *api_routes(lfs),
        *transfer_routes(lfs),
        *git_routes(hub, limits, doors.max_push),
    ]
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(UnreadBodies),
            Middleware(RequestIdMiddleware),
            Middleware(TrustedProxies, networks=doors.trusted_proxies),
            Middleware(Observed, metrics=metrics),
            Middleware(RawPathMiddleware),
        ],
        exception_handlers={HTTPException: _http_problem},
    )


def _operations(hub: Hub, limits: Limits, metrics: Metrics) -> list[BaseRoute]:
    async def health(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_request: Request) -> Response:
        parts = await limits.run_sql(hub.health.check)
        is_ready = all(state == "ok" for state in parts.values())
        body = {"status": "ok" if is_ready else "unavailable", "parts": parts}
        return JSONResponse(body, 200 if is_ready else 503, {"Cache-Control": "no-store"})

    async def figures(_request: Request) -> Response:
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    return [
        Route("/healthz", health, methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
        Route("/metrics", figures, methods=["GET"]),
    ]


def _welcome(public_url: str | None) -> Callable[[Request], Awaitable[Response]]:
    async def welcome(request: Request) -> Response:
        url = public_url or str(request.base_url).rstrip("/")
        return PlainTextResponse(_WELCOME.format(version=__version__, url=url))

    return welcome


async def _http_problem(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code, detail = {
        404: ("not_found", "There is nothing at this address."),
        405: ("method_not_allowed", "This address does not take this method."),
    }.get(status, ("http_error", "The request cannot be answered."))
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    headers[HUB_MESSAGE] = detail
    return ProblemResponse(status, code, detail, request_id=request_id_of(request.scope), headers=headers)
