"""The events of a repo: a list, and the same address as a stream that goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, cast

from fastapi import APIRouter, Header, Query
from starlette.requests import Request
from starlette.responses import Response

from modelkeep.api.http.event_streams import EventStreamResponse, Tail, comment, message
from modelkeep.api.rest import render, render_events
from modelkeep.api.rest.calls import Call, CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Name, PageOf
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.api.rest.schemas.events import Event
from modelkeep.domain.errors import InvalidInput, ModelkeepError
from modelkeep.domain.outbox import OutboxEvent, types_among

router = APIRouter(route_class=GuardedRoute, prefix="/repos/{ns}/{repo}", tags=["events"])

_LARGEST = 2**63 - 1
_LONGEST_NUMBER = len(str(_LARGEST))


@router.get(
    "/events", operation_id="listEvents", summary="What happened in a repo", response_model=Listing[Event]
)
async def list_events(
    call: CallOf,
    request: Request,
    ns: Name,
    repo: Name,
    page: PageOf,
    after: Annotated[
        int | None, Query(ge=0, le=_LARGEST, description="Only events behind this `sequence`.")
    ] = None,
    types: Annotated[
        list[str] | None,
        Query(alias="type", max_length=50, description="Only these; also groups such as `stage.*`."),
    ] = None,
    last_event_id: Annotated[
        str | None, Header(description="Of a stream: where the one before ended.")
    ] = None,
) -> Response | Listing[Event]:
    """Oldest first. With `Accept: text/event-stream` a stream of what happens from now on (or from `Last-Event-ID`)."""
    wanted = types_among(types or ())
    if "text/event-stream" in request.headers.get("accept", ""):
        start = _sequence(last_event_id) if last_event_id else after
        return await _stream(call, request, (ns, repo), start, wanted)
    found = await call.run(
        call.services.events.list, call.actor, ns, repo, page, after=after or 0, types=wanted
    )
    return render.listing(found, render_events.event)


async def _stream(
    call: Call, request: Request, name: tuple[str, str], start: int | None, types: Sequence[str]
) -> Response:
    repo_id, end = await call.run(call.services.events.open_stream, call.actor, *name)
    stopping: asyncio.Event = getattr(request.state, "stopping", None) or asyncio.Event()
    tail = _tail_of(call, request)
    who = str(call.actor.user_id) if call.actor.user_id is not None else call.actor.address
    tail.take_place(who)
    # A place behind the end is one of a hub whose database was since replaced by an older copy.
    begin = end if start is None else min(start, end)
    chunks = _chunks(call, tail, repo_id, begin, types, stopping)
    return EventStreamResponse(chunks, lambda: tail.leave_place(who))


def _tail_of(call: Call, request: Request) -> Tail:
    """The one that wakes all streams of this application; made for the first of them."""
    state = request.app.state
    if not hasattr(state, "tail"):
        state.tail = Tail(call.services.events, call.rest.limits, call.services.rules.event_streams)
    return cast(Tail, state.tail)


async def _chunks(
    call: Call, tail: Tail, repo_id: str, after: int, types: Sequence[str], stopping: asyncio.Event
) -> AsyncIterator[bytes]:
    events = call.services.events
    with tail.following(repo_id) as follower:
        # The place to go on from, so that nothing is lost if the connection is cut before the first event.
        yield f"retry: 3000\nid: {after}\n".encode() + comment("open")
        while not stopping.is_set():
            follower.news.clear()
            try:
                found = await call.run(events.next_of_stream, call.actor, repo_id, after, types)
            except ModelkeepError as error:
                yield message(after, "end", json.dumps({"code": error.code, "detail": error.message}))
                return
            for event in found:
                after = event.sequence
                yield message(event.sequence, event.type, _line(event))
            if not found and not await follower.wait(stopping) and not stopping.is_set():
                yield comment("ping")


def _line(event: OutboxEvent) -> str:
    return json.dumps(event.payload | {"sequence": event.sequence}, ensure_ascii=False, separators=(",", ":"))


def _sequence(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
        raise InvalidInput(
            "Last-Event-ID is not the id of an event of this stream; leave it out.", code="invalid_cursor"
        )
    return int(text)
