"""Lists of repos: ``list_models``, ``list_datasets``, and what somebody's repos take."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.hub.calls import PLURALS, Call, alone, ok
from modelkeep.api.hub.properties import BRIEF, FULL, About, described, expanded
from modelkeep.api.hub.render import Json, date_text
from modelkeep.domain.access import Visibility
from modelkeep.domain.catalogue import CatalogueSort, HubFilter, parse_parameters
from modelkeep.domain.errors import Unauthenticated
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.domain.repos import Repo

_PAGE = 100
_MOST = 1000
_SORTS: dict[str, CatalogueSort] = {
    "createdAt": "created",
    "created_at": "created",
    "downloads": "downloads",
    "likes": "downloads",
    "trendingScore": "downloads",
}
"""Whatever else is asked for: the last changed first. Likes are not counted here, so the most used come first."""


def routes() -> list[Route]:
    """The routes of this module."""
    lists = [alone(f"/api/{plural}", _list, kind=kind) for kind, plural in PLURALS.items()]
    return [
        *(route for found in lists for route in found),
        *alone("/api/settings/repositories", _storage),
        *alone("/api/organizations/{namespace}/settings/repositories", _storage),
    ]


async def _list(call: Call) -> Response:
    names = expanded(call)
    if names is None:
        names = FULL if call.is_set("full") else BRIEF
        names = [*names, *(name for name in ("cardData", "config") if call.is_set(name))]
    found = await call.run(
        call.services.catalogue.page,
        call.actor,
        call.kind,
        _filters(call),
        PageRequest.parse(call.limit(_PAGE, _MOST), call.query("cursor")),
    )
    items = await call.run(
        lambda: [described(About(call, one.repo, listed=one), names) for one in found.items]
    )
    return ok(items, 200, call.next_page(found.next_cursor))


def _filters(call: Call) -> HubFilter:
    query = call.request.query_params
    least, most = parse_parameters(text) if (text := call.query("num_parameters")) else (None, None)
    gated = call.query("gated")
    return HubFilter(
        search=tuple(text for text in query.getlist("search") if text),
        author=call.query("author"),
        tags=tuple(tag for text in query.getlist("filter") for tag in text.split(",") if tag),
        pipeline_tag=call.query("pipeline_tag"),
        library=call.query("library"),
        is_gated=None if gated is None else call.is_set("gated"),
        least_parameters=least,
        most_parameters=most,
        sort=_SORTS.get(call.query("sort") or "", "updated"),
    )


async def _storage(call: Call) -> Response:
    """What the repos of a user or an organisation take, the largest first."""
    if call.actor.is_anonymous:
        raise Unauthenticated("Sign in first: send a token.", code="bad_credentials")
    namespace = call.part("namespace") if "namespace" in call.request.path_params else call.actor.username
    items = await call.run(partial(_storage_of, call, namespace))
    return ok(items)


def _storage_of(call: Call, namespace: str) -> list[Json]:
    found: list[tuple[Repo, int]] = []
    cursor: str | None = None
    while True:
        page: Page[Repo] = call.services.repos.list(
            call.actor, PageRequest.parse(_MOST, cursor), namespace=namespace
        )
        found += [(repo, _bytes(call, repo)) for repo in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    total = sum(size for _, size in found)
    found.sort(key=lambda one: -one[1])
    return [
        {
            "id": str(repo.full_name),
            "type": repo.kind.value,
            "updatedAt": date_text(repo.updated_at),
            "visibility": "public" if repo.visibility is Visibility.PUBLIC else "private",
            "storage": size,
            "storagePercent": size / total if total else 0.0,
        }
        for repo, size in found
    ]


def _bytes(call: Call, repo: Repo) -> int:
    return call.services.repos.usage(call.services.repos.get(call.actor, repo.place, repo.name)).lfs_bytes
