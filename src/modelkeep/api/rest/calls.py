"""What happens before every handler: who asks is found out first, then the body is read, within its limit.

FastAPI reads and parses a body before it solves dependencies; here a request without the right credentials is
refused before anything of its body is taken in.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any, ParamSpec, TypeVar, cast

from anyio import CapacityLimiter
from fastapi import Depends
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from modelkeep.api.http.actors import actor_of
from modelkeep.api.http.bodies import parse_json, read_limited
from modelkeep.api.http.downloads import Acceleration
from modelkeep.api.http.limits import Limits
from modelkeep.api.rest.services import RestServices
from modelkeep.domain.access import Actor
from modelkeep.domain.errors import Unauthenticated

P = ParamSpec("P")
T = TypeVar("T")

JSON_LIMIT = 1 << 20
"""The largest JSON body in bytes, unless a route says otherwise."""

MOST_WRITERS = 8

DOOR = "rest"

_PARSED_AT_ONCE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Rest:
    """What the routes are given when the app is made.

    Attributes:
        services: The hub's.
        limits: Whose threads they run in.
        version: Of the hub.
        public_url: The hub's address as clients reach it; None to take it from each request.
        acceleration: How nginx in front reaches the blobs, where it does.
        writers: How many calls at once may wait for the lock of a repo.
    """

    services: RestServices
    limits: Limits
    version: str
    public_url: str | None = None
    acceleration: Acceleration | None = None
    writers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MOST_WRITERS))


@dataclass(frozen=True, slots=True)
class Call:
    """One request as its handler sees it: who asks, of which hub, under which address."""

    rest: Rest
    actor: Actor
    base_url: str

    @property
    def services(self) -> RestServices:
        """The hub's services."""
        return self.rest.services

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a call of a service in a thread."""
        return await self.rest.limits.run_sql(function, *args, **kwargs)

    async def write(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Like :meth:`run`, for what takes the lock of a repo: many that wait there leave threads to the others."""
        async with self.rest.writers:
            return await self.run(function, *args, **kwargs)

    def url(self, path: str) -> str:
        """The address of something in this API; ``path`` is encoded already."""
        return f"{self.base_url}/api/v1{path}"


async def call_of(request: Request) -> Call:
    """The call that :class:`GuardedRoute` prepared."""
    return cast(Call, request.state.call)


CallOf = Annotated[Call, Depends(call_of)]


class GuardedRoute(APIRoute):
    """A route that knows who asks, and has a bounded body, before FastAPI looks at the request."""

    def body_limit(self, rest: Rest) -> int:
        """The largest body in bytes."""
        return JSON_LIMIT

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, behind the guard."""
        handle = super().get_route_handler()
        takes_body = self.body_field is not None

        async def guarded(request: Request) -> Response:
            rest = cast(Rest, request.app.state.rest)
            actor = await actor_of(request.scope, rest.services.authentication, rest.limits, DOOR)
            request.state.call = Call(rest, actor, rest.public_url or _address_of(request))
            if not takes_body:
                return await handle(request)
            if actor.is_anonymous:
                # Whatever takes a body changes something, and the service would say the same after reading it.
                raise Unauthenticated("Sign in first: send a token (or user name and password).")
            data = await read_limited(request.receive, request.headers, self.body_limit(rest))
            if data and not _is_json(request.headers.get("content-type", "")):
                raise HTTPException(415, "Send the body as JSON, with Content-Type: application/json.")
            return await handle(_ReadRequest(request.scope, data, await _parsed(rest, data)))

        return guarded


class _ReadRequest(Request):
    """A request whose body was read and parsed."""

    def __init__(self, scope: Scope, data: bytes, value: object) -> None:
        super().__init__(scope)
        self._data = data
        self._value = value

    async def body(self) -> bytes:
        return self._data

    async def json(self) -> Any:
        return self._value


async def _parsed(rest: Rest, data: bytes) -> object:
    if not data:
        return None
    return parse_json(data) if len(data) <= _PARSED_AT_ONCE else await rest.limits.run_blob(parse_json, data)


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def _address_of(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"
