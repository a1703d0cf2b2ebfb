"""One request of this room as its handler sees it, and the guard around every handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast
from urllib.parse import quote, urlencode, urlsplit

from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from modelkeep.api.http.actors import actor_of
from modelkeep.api.http.bodies import parse_json, read_limited
from modelkeep.api.http.downloads import Acceleration
from modelkeep.api.http.limits import Limits
from modelkeep.api.http.origins import origin_of
from modelkeep.api.http.raw_path import segment
from modelkeep.api.http.request_id import request_id_of
from modelkeep.api.hub.errors import hub_error
from modelkeep.api.hub.mirrors import Asked, arrived
from modelkeep.api.hub.services import HubServices
from modelkeep.domain.access import Actor, anonymous
from modelkeep.domain.errors import InvalidInput, ModelkeepError, NotFound
from modelkeep.domain.names import fold
from modelkeep.domain.repos import Repo, RepoKind

_PULLING = frozenset(
    {"", "revision", "tree", "paths-info", "resolve", "raw", "refs", "commits", "xet-read-token"}
    | {"safetensors-metadata"}
)
"""What, asked of a repo that is not here, has a mirror fetch it: all that reads files or lists them."""

P = ParamSpec("P")
T = TypeVar("T")

DOOR = "hub"
JSON_LIMIT = 4 << 20
"""The largest JSON or form body in bytes, unless a handler says otherwise."""

MOST_WRITERS = 8

MOST_ASKING = 4
"""Calls at once that wait for the answer of another hub."""

PLURALS = {RepoKind.MODEL: "models", RepoKind.DATASET: "datasets"}
"""What stands for a kind of repo in ``/api/…``."""


@dataclass(frozen=True, slots=True)
class HubRoom:
    """What the handlers of this room share.

    Attributes:
        services: The hub's.
        limits: Whose threads they run in.
        public_url: The hub's address as clients reach it; None to take it from each request.
        acceleration: How nginx in front reaches the blobs, where it does.
        writers: How many calls at once may wait for the lock of a repo.
        asking: How many at once may wait for another hub's answer.
    """

    services: HubServices
    limits: Limits
    public_url: str | None = None
    acceleration: Acceleration | None = None
    writers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MOST_WRITERS))
    asking: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MOST_ASKING))


@dataclass(frozen=True, slots=True)
class Call:
    """One request: who asks, for which repo, under which address.

    Attributes:
        room: What handlers share.
        request: As it came.
        actor: Who asks.
        kind: Of the repo that the address names; models where it names none.
    """

    room: HubRoom
    request: Request
    actor: Actor
    kind: RepoKind

    @property
    def services(self) -> HubServices:
        """The hub's services."""
        return self.room.services

    @property
    def base_url(self) -> str:
        """The hub's address, without a slash at the end."""
        return origin_of(self.request, self.room.public_url)

    @property
    def namespace(self) -> str:
        """Where the repo is, as services take it: ``acme``, for datasets ``datasets/acme``."""
        name = self.part("namespace")
        return f"datasets/{name}" if self.kind is RepoKind.DATASET else name

    @property
    def repo(self) -> str:
        """The repo's name within its namespace."""
        return self.part("repo")

    @property
    def revision(self) -> str:
        """The revision that the address names."""
        return self.part("revision")

    def part(self, name: str) -> str:
        """A parameter of the path, decoded."""
        return segment(self.request.path_params[name])

    def query(self, name: str) -> str | None:
        """A parameter of the query; None where it is absent or empty."""
        return self.request.query_params.get(name) or None

    def is_set(self, name: str) -> bool:
        """Whether a parameter of the query says yes."""
        return (self.query(name) or "").lower() in ("1", "true", "yes")

    def limit(self, usual: int, most: int) -> int:
        """How many rows of a list were asked for; never more than ``most``.

        Raises:
            InvalidInput: It is no number, or less than 1.
        """
        text = self.query("limit")
        if text is None:
            return usual
        if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < 1:
            raise InvalidInput("'limit' must be a number, at least 1.", code="invalid_limit")
        return min(int(text), most)

    def here(self, repo: Repo) -> Repo:
        """The repo that was found, if the address has its present name; otherwise the client is sent there.

        For calls that read: those that write are answered under a former name as well.
        """
        named, found = (self.part("namespace"), self.repo), (repo.namespace, repo.name)
        if fold("/".join(named)) == fold("/".join(found)):
            return repo
        raise _MovedError(self._path_of(repo))

    def next_page(self, cursor: str | None) -> dict[str, str]:
        """The header that names the next page of this list, which begins at the cursor; none on the last page."""
        if cursor is None:
            return {}
        asked = [(key, value) for key, value in self.request.query_params.multi_items() if key != "cursor"]
        path = self.request.scope["raw_path"].split(b"?", 1)[0].decode("latin-1")
        return {"Link": f'<{self.base_url}{path}?{urlencode([*asked, ("cursor", cursor)])}>; rel="next"'}

    def _path_of(self, repo: Repo) -> str:
        """The path of this request with the repo's present name in it; without a host, as old clients need it."""
        raw = self.request.scope["raw_path"].split(b"?", 1)[0].decode("latin-1")
        parts = raw.split("/")
        at = 3 if parts[1] == "api" else 2 if self.kind is RepoKind.DATASET else 1
        parts[at : at + 2] = [quote(repo.namespace), quote(repo.name)]
        query = self.request.scope["query_string"].decode("latin-1")
        return urlsplit(self.base_url).path + "/".join(parts) + (f"?{query}" if query else "")

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a call of a service in a thread."""
        return await self.room.limits.run_sql(function, *args, **kwargs)

    async def write(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Like :meth:`run`, for what takes the lock of a repo: many that wait there leave threads to the others."""
        async with self.room.writers:
            return await self.run(function, *args, **kwargs)

    async def body(self, limit: int = JSON_LIMIT) -> bytes:
        """The body.

        Raises:
            TooLarge: It is larger than ``limit`` bytes.
        """
        return await read_limited(self.request.receive, self.request.headers, limit)

    async def json(self, limit: int = JSON_LIMIT) -> Mapping[str, Any]:
        """The body, which must be a JSON object; an empty one counts as ``{}``.

        Raises:
            InvalidInput: It is something else.
            TooLarge: It is larger than ``limit`` bytes.
        """
        data = await self.body(limit)
        value = parse_json(data) if data.strip() else {}
        if not isinstance(value, dict):
            raise InvalidInput("Send the body as a JSON object.", code="invalid_body")
        return value


class _MovedError(Exception):
    """The repo has another name now; ``location`` is the path under that."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


Handler = Callable[[Call], Awaitable[Response]]


def api(path: str, handler: Handler, *methods: str) -> list[Route]:
    """Routes for a path below ``/api/models/NAMESPACE/REPO`` and the same of datasets."""
    return [
        Route(
            f"/api/{plural}/{{namespace}}/{{repo}}{path}",
            _Marked(handler, kind, pulls=_pulls(path, methods)),
            methods=_listed(methods),
        )
        for kind, plural in PLURALS.items()
    ]


def page(path: str, handler: Handler, *methods: str) -> list[Route]:
    """Routes for a path below ``/NAMESPACE/REPO`` and ``/datasets/NAMESPACE/REPO``."""
    places = {RepoKind.DATASET: "/datasets", RepoKind.MODEL: ""}
    return [
        Route(
            f"{place}/{{namespace}}/{{repo}}{path}",
            _Marked(handler, kind, pulls=_pulls(path, methods)),
            methods=_listed(methods),
        )
        for kind, place in places.items()
    ]


def alone(path: str, handler: Handler, *methods: str, kind: RepoKind = RepoKind.MODEL) -> list[Route]:
    """One route of its own."""
    return [Route(path, _Marked(handler, kind), methods=_listed(methods))]


def guarded(routes: Sequence[Route], room: HubRoom) -> list[Route]:
    """The routes with their handlers behind the guard: errors become answers, every answer has its request's id."""
    return [
        Route(
            route.path,
            partial(_answer, room, cast(_Marked, route.endpoint)),
            methods=sorted(route.methods or ()),
        )
        for route in routes
    ]


class _Marked:
    """A handler with the kind of repo that its address stands for, and whether a mirror fetches that for it."""

    def __init__(self, handler: Handler, kind: RepoKind, *, pulls: bool = False) -> None:
        self.handler = handler
        self.kind = kind
        self.pulls = pulls

    async def __call__(self, request: Request) -> Response:
        """Is never called: :func:`guarded` takes its parts."""
        raise NotImplementedError


async def _answer(room: HubRoom, marked: _Marked, request: Request) -> Response:
    request_id = request_id_of(request.scope) or ""
    actor = anonymous()
    try:
        actor = await actor_of(request.scope, room.services.authentication, room.limits, DOOR)
        call = Call(room, request, actor, marked.kind)
        if marked.pulls:
            await arrived(room.services, room.limits, room.asking, _asked(call))
        return await marked.handler(call)
    except _MovedError as moved:
        return JSONResponse(
            {"location": moved.location}, 307, {"Location": moved.location, "Cache-Control": "no-store"}
        )
    except ModelkeepError as error:
        return hub_error(error, request_id, is_anonymous=actor.is_anonymous)


async def no_such_repo(call: Call) -> Response:
    """Answers addresses with an id of one segment, which is no repo of this hub."""
    raise NotFound("There is no such repo: an id has the form NAMESPACE/REPO.", code="repo_not_found")


def ok(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A JSON answer that nobody keeps."""
    return JSONResponse(value, status, {"Cache-Control": "no-store", **(headers or {})})


def kind_of(text: object) -> RepoKind:
    """The kind of repo that a body names by ``type``; a model where it names none.

    Raises:
        InvalidInput: It is none that this hub has.
    """
    if text in (None, "", "model"):
        return RepoKind.MODEL
    if text == "dataset":
        return RepoKind.DATASET
    raise InvalidInput(
        "'type' must be 'model' or 'dataset'; this hub has no others.", code="invalid_repo_type"
    )


def place_of(kind: RepoKind, namespace: str) -> str:
    """A namespace as services take it for this kind of repo."""
    return f"datasets/{namespace}" if kind is RepoKind.DATASET else namespace


def _pulls(path: str, methods: Sequence[str]) -> bool:
    part = path.strip("/").partition("/")[0]
    return part in _PULLING and (part == "paths-info" or {*_listed(methods)} <= {"GET", "HEAD"})


def _asked(call: Call) -> Asked:
    revision = call.revision if "revision" in call.request.path_params else None
    return Asked(call.actor, call.namespace, call.repo, revision, call.request.headers.get("via", ""))


def _listed(methods: Sequence[str]) -> list[str]:
    return list(methods) or ["GET"]
