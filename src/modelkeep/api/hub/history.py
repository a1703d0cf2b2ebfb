"""Branches, tags and commits."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.hub.calls import Call, api, ok
from modelkeep.api.hub.render import authors, commit
from modelkeep.domain.discussions import number_of
from modelkeep.domain.objects import Commit, Ref

_PAGE = 50
_MOST = 1000


def routes() -> list[Route]:
    """The routes of this module."""
    return [*api("/refs", _refs), *api("/commits/{revision}", _commits)]


async def _refs(call: Call) -> Response:
    repo, found = await call.run(call.services.browsing.refs, call.actor, call.namespace, call.repo)
    call.here(repo)
    return ok(
        {
            "branches": [_ref(ref) for ref in found if ref.is_branch],
            "converts": [],
            "tags": [_ref(ref) for ref in found if ref.is_tag],
            **({"pullRequests": _pull_requests(found)} if call.is_set("include_prs") else {}),
        }
    )


def _pull_requests(found: Sequence[Ref]) -> list[dict[str, object]]:
    numbered = sorted(
        ((number, ref) for ref in found if (number := number_of(ref.name)) is not None),
        key=lambda pair: pair[0],
    )
    return [{**_ref(ref), "name": str(number)} for number, ref in numbered]


def _ref(ref: Ref) -> dict[str, object]:
    return {"name": ref.short_name, "ref": ref.name, "targetCommit": ref.commit or ref.target}


async def _commits(call: Call) -> Response:
    found, cursor = await call.run(_history, call, call.limit(_PAGE, _MOST))
    usernames = await call.run(
        call.services.browsing.usernames, {pair for one in found for pair in authors(one)}
    )
    asked = call.request.query_params
    is_formatted = "formatted" in (*asked.getlist("expand[]"), *asked.getlist("expand"))
    bodies = [commit(one, usernames, is_formatted=is_formatted) for one in found]
    return ok(bodies, 200, call.next_page(cursor))


def _history(call: Call, limit: int) -> tuple[list[Commit], str | None]:
    browsing = call.services.browsing
    snapshot = browsing.at(call.actor, call.namespace, call.repo, call.revision)
    call.here(snapshot.repo)
    return browsing.history(snapshot, limit, call.query("cursor"))
