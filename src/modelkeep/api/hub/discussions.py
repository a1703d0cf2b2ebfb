"""Discussions and pull requests."""

from __future__ import annotations

from html import escape

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.http.bodies import parse_json
from modelkeep.api.hub.bodies import flag_in, text_in
from modelkeep.api.hub.calls import Call, api, ok
from modelkeep.api.hub.render import Json, date_text, page_path
from modelkeep.domain.access import Actor
from modelkeep.domain.discussions import Discussion, DiscussionEvent, DiscussionEventKind
from modelkeep.domain.errors import InvalidInput, NotFound
from modelkeep.domain.objects import Commit
from modelkeep.domain.repos import Repo
from modelkeep.services.discussions import DiscussionView
from modelkeep.services.pull_requests import PullRequestState

_ONE = "/discussions/{number}"
_HIDDEN = "This comment has been hidden"
_TYPES = {None: None, "all": None, "discussion": False, "pull_request": True}
_STATUSES = {None: None, "all": None, "open": True, "closed": False}
_LONGEST_BODY = 1 << 20


def routes() -> list[Route]:
    """The routes of this module."""
    return [
        *api("/discussions", _list),
        *api("/discussions", _create, "POST"),
        *api(_ONE, _get),
        *api(f"{_ONE}/comment", _comment, "POST"),
        *api(f"{_ONE}/comment/{{comment}}/edit", _edit, "POST"),
        *api(f"{_ONE}/comment/{{comment}}/hide", _hide, "POST"),
        *api(f"{_ONE}/status", _set_status, "POST"),
        *api(f"{_ONE}/title", _rename, "POST"),
        *api(f"{_ONE}/merge", _merge, "POST"),
    ]


async def _list(call: Call) -> Response:
    kind, status, page = call.query("type"), call.query("status"), call.query("p") or "0"
    if kind not in _TYPES or status not in _STATUSES or not (page.isascii() and page.isdigit()):
        raise InvalidInput(
            "'type' is all, discussion or pull_request; 'status' all, open or closed; 'p' the number of a page.",
            code="invalid_filter",
        )
    found = await call.run(
        call.services.discussions.list,
        call.actor,
        call.namespace,
        call.repo,
        is_pull_request=_TYPES[kind],
        is_live=_STATUSES[status],
        author=call.query("author"),
        page=int(page[:9]),
    )
    call.here(found.repo)
    items = [_discussion(found.repo, one) for one in found.items]
    return ok({"discussions": items, "count": found.count, "start": found.start})


async def _create(call: Call) -> Response:
    body = await call.json(_LONGEST_BODY)
    number = await call.write(
        call.services.discussions.create,
        call.actor,
        call.namespace,
        call.repo,
        title=text_in(body, "title"),
        description=text_in(body, "description", ""),
        is_pull_request=flag_in(body, "pullRequest"),
    )
    view = await call.run(call.services.discussions.get, call.actor, call.namespace, call.repo, number)
    url = f"{call.base_url}{page_path(view.repo)}/discussions/{number}"
    return ok({"num": number, "pullRequest": view.discussion.is_pull_request, "url": url})


async def _get(call: Call) -> Response:
    view = await call.run(
        call.services.discussions.get,
        call.actor,
        call.namespace,
        call.repo,
        _number(call),
        with_diff=call.is_set("diff"),
    )
    call.here(view.repo)
    return ok(_details(view))


async def _comment(call: Call) -> Response:
    text = text_in(await call.json(_LONGEST_BODY), "comment")
    made = await call.write(call.services.discussions.comment, *_place(call), text)
    return ok({"newMessage": _event(made)})


async def _edit(call: Call) -> Response:
    text = text_in(await call.json(_LONGEST_BODY), "content")
    made = await call.write(call.services.discussions.edit_comment, *_place(call), _comment_id(call), text)
    return ok({"updatedComment": _event(made)})


async def _hide(call: Call) -> Response:
    made = await call.write(call.services.discussions.hide_comment, *_place(call), _comment_id(call))
    return ok({"updatedComment": _event(made)})


async def _set_status(call: Call) -> Response:
    body = await call.json(_LONGEST_BODY)
    status, comment = text_in(body, "status"), text_in(body, "comment", "")
    made = await call.write(call.services.discussions.set_status, *_place(call), status, comment)
    return ok({"newStatus": _event(made)})


async def _rename(call: Call) -> Response:
    title = text_in(await call.json(_LONGEST_BODY), "title")
    made = await call.write(call.services.discussions.rename, *_place(call), title)
    return ok({"newTitle": _event(made)})


async def _merge(call: Call) -> Response:
    # A client that has nothing to say sends null.
    data = await call.body(_LONGEST_BODY)
    sent = parse_json(data) if data.strip() else None
    comment = text_in(sent, "comment", "") if isinstance(sent, dict) else ""
    merged = await call.write(call.services.pull_requests.merge, *_place(call), comment)
    return ok({"merged": True, "mergeCommitId": merged.merge_commit})


def _place(call: Call) -> tuple[Actor, str, str, int]:
    return call.actor, call.namespace, call.repo, _number(call)


def _number(call: Call) -> int:
    text = call.part("number")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NotFound("A discussion has a number.", code="discussion_not_found")
    return int(text)


def _comment_id(call: Call) -> int:
    text = call.part("comment")
    try:
        if not 0 < len(text) <= 24:
            raise ValueError
        return min(int(text, 16), 2**63 - 1)
    except ValueError:
        raise NotFound("There is no such comment here.", code="comment_not_found") from None


def _details(view: DiscussionView) -> Json:
    body = _discussion(view.repo, view.discussion)
    events = [(event.at, _event(event)) for event in view.events]
    if view.pull_request is not None:
        state = view.pull_request
        events += [(commit.committer.when, _commit(commit)) for commit in state.commits]
        body |= _pull_request(view.discussion, state)
    body["events"] = [event for _, event in sorted(events, key=lambda pair: pair[0])]
    return body


def _pull_request(found: Discussion, state: PullRequestState) -> Json:
    changes: Json = {"base": f"refs/heads/{found.target}"}
    if found.merge_commit is not None:
        changes["mergeCommitId"] = found.merge_commit
    body: Json = {"changes": changes, "filesWithConflicts": list(state.conflicts)}
    if state.diff is not None:
        body["diff"] = state.diff
    return body


def _discussion(repo: Repo, found: Discussion) -> Json:
    return {
        "num": found.number,
        "title": found.title,
        "status": str(found.status),
        "author": _person(found.author),
        "createdAt": date_text(found.created_at),
        "repo": {"name": str(repo.full_name), "type": str(repo.kind)},
        "repoOwner": {"name": repo.namespace},
        "isPullRequest": found.is_pull_request,
        "pinned": False,
    }


def _event(event: DiscussionEvent) -> Json:
    return {
        "id": f"{event.id:024x}",
        "type": str(event.kind),
        "author": _person(event.username),
        "createdAt": date_text(event.at),
        "data": _data(event),
    }


def _data(event: DiscussionEvent) -> Json:
    if event.kind is DiscussionEventKind.STATUS:
        return {"status": event.content}
    if event.kind is DiscussionEventKind.TITLE:
        return {"from": event.before, "to": event.content}
    text = _HIDDEN if event.is_hidden else event.content
    last = event.edits[-1] if event.edits else None
    latest = {
        "raw": text,
        "html": f"<p>{escape(text)}</p>",
        "updatedAt": date_text(last.at if last else event.at),
        "author": _person(last.username if last else event.username),
    }
    return {
        "edited": bool(event.edits),
        "hidden": event.is_hidden,
        "latest": latest,
        "numEdits": len(event.edits),
        "history": [
            {"updatedAt": date_text(edit.at), "author": _person(edit.username)} for edit in event.edits
        ],
    }


def _commit(commit: Commit) -> Json:
    return {
        "id": commit.id[:24],
        "type": "commit",
        "author": _person(commit.author.name),
        "createdAt": date_text(commit.committer.when),
        "data": {"subject": commit.subject, "oid": commit.id},
    }


def _person(name: str) -> Json:
    return {"name": name, "fullname": name, "type": "user"}
