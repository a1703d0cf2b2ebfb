"""Commits: a branch's next one, a pull request's, or the first one of a pull request that is opened for it."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.http.bodies import body_chunks
from modelkeep.api.hub.calls import Call, api, ok
from modelkeep.api.hub.commit_lines import CommitLines, lines
from modelkeep.api.hub.places import Place
from modelkeep.api.hub.render import Json, page_path
from modelkeep.domain.discussions import LONGEST_TITLE, SHORTEST_TITLE
from modelkeep.domain.objects import Commit
from modelkeep.services.pull_requests import PullRequest


def routes() -> list[Route]:
    """The routes of this module."""
    return api("/commit/{revision}", _commit, "POST")


async def _commit(call: Call) -> Response:
    place, services = Place.of(call), call.services
    receiver = await call.run(
        services.receiving.begin, call.actor, call.namespace, call.repo, place.ref, proposes=place.proposes
    )
    sent = CommitLines(receiver.put)
    body = lines(
        body_chunks(call.request.receive), services.rules.max_hub_commit, services.rules.max_git_file
    )
    async for some in body:
        await call.room.limits.run_blob(_take, sent, some)
    return ok(await call.write(_made, call, place, sent))


def _take(sent: CommitLines, some: Sequence[bytes]) -> None:
    for line in some:
        sent.take(line)


def _made(call: Call, place: Place, sent: CommitLines) -> Json:
    if not place.proposes:
        commit = _commit_to(call, sent, branch=place.branch, ref=place.ref, parent=sent.parent)
        return _answer(call, commit)
    opening = call.services.pull_requests.opening(
        call.actor,
        call.namespace,
        call.repo,
        title=_title(sent.summary),
        description=sent.description,
        base=place.branch,
        start=sent.parent,
    )
    with opening as made:
        return _answer(call, _commit_to(call, sent, ref=made.ref), made)


def _title(summary: str) -> str:
    """A pull request's title that is as close to the summary as a title can be."""
    line = " ".join(summary.split())
    return (line if len(line) >= SHORTEST_TITLE else f"Commit: {line}")[:LONGEST_TITLE]


def _commit_to(
    call: Call,
    sent: CommitLines,
    *,
    branch: str | None = None,
    ref: str | None = None,
    parent: str | None = None,
) -> Commit:
    return call.services.commits.commit(
        call.actor,
        call.namespace,
        call.repo,
        sent.operations,
        sent.message,
        branch=branch,
        parent=parent,
        ref=ref,
        may_change_nothing=True,
        may_have_backslash=True,
    )[1]


def _answer(call: Call, commit: Commit, opened: PullRequest | None = None) -> Json:
    repo = call.services.repos.get(call.actor, call.namespace, call.repo).repo
    address = call.base_url + page_path(repo)
    answer: Json = {
        "success": True,
        "commitOid": commit.id,
        "commitUrl": f"{address}/commit/{commit.id}",
        "hookOutput": "",
    }
    if opened is not None:
        answer["pullRequestUrl"] = f"{address}/discussions/{opened.number}"
    return answer
