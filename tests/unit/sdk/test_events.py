"""Reading a stream of events, and going on where it was cut."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.sdk.errors import BadAnswer, NotFound, Unreachable
from modelkeep.sdk.events import read_stream
from modelkeep.sdk.hub import Hub
from tests.unit.sdk.stand_in import REPO, StandIn

PATH = f"{REPO}/events"


def message(number: int, kind: str = "stage.assigned") -> str:
    data = json.dumps({"id": f"e{number}", "type": kind, "repo": "acme/churn", "actor": "ada"})
    return f"id: {number}\nevent: {kind}\ndata: {data}\n\n"


def streams(stand_in: StandIn, *bodies: str) -> None:
    for body in bodies:
        stand_in.answer("GET", PATH, 200, body.encode(), Content_Type="text/event-stream; charset=utf-8")


def test_a_stream_that_ends_is_taken_up_after_its_last_event(stand_in: StandIn, hub: Hub) -> None:
    streams(
        stand_in,
        ": open\n\n" + message(1) + message(2),
        ": ping\n\n",
        "id: 4\n\n" + message(5)[:-1],
        message(5),
    )
    events = list(itertools.islice(hub.repo("acme/churn").watch(after="0"), 3))
    assert [one.id for one in events] == ["e1", "e2", "e5"]
    assert [one.sequence for one in events] == ["1", "2", "5"]
    asked = [one.headers.get("last-event-id") for one in stand_in.asked("GET", "/events")]
    assert asked == ["0", "2", "2", "4"]


def test_a_hub_that_is_gone_is_said_after_some_tries(stand_in: StandIn, hub: Hub) -> None:
    streams(stand_in, *["" for _ in range(9)])
    with pytest.raises(Unreachable, match="ended"):
        next(hub.repo("acme/churn").watch())
    assert len(stand_in.asked("GET", "/events")) == 5


def test_a_hub_that_has_been_there_is_waited_for(stand_in: StandIn, hub: Hub) -> None:
    streams(stand_in, message(1), *["" for _ in range(20)], message(2))
    events = list(itertools.islice(hub.repo("acme/churn").watch(after="0"), 2))
    assert [one.id for one in events] == ["e1", "e2"]
    assert len(stand_in.asked("GET", "/events")) == 22


def test_waiting_for_a_hub_ends(stand_in: StandIn, hub: Hub) -> None:
    streams(stand_in, message(1), *["" for _ in range(1000)])
    watched = hub.repo("acme/churn").watch(after="0")
    next(watched)
    with pytest.raises(Unreachable, match="ended"):
        next(watched)
    assert 60 < len(stand_in.asked("GET", "/events")) < 1000, "ten minutes, at most ten seconds apart"


def test_an_older_hub_without_streams_is_said(stand_in: StandIn, hub: Hub) -> None:
    stand_in.answer("GET", PATH, 200, b'{"items": []}')
    with pytest.raises(BadAnswer, match="no stream"):
        next(hub.repo("acme/churn").watch())


def test_the_hub_may_end_a_stream_for_good(stand_in: StandIn, hub: Hub) -> None:
    streams(stand_in, 'event: end\ndata: {"code": "repo_not_found", "detail": "It is gone."}\n\n')
    with pytest.raises(NotFound, match="It is gone") as caught:
        next(hub.repo("acme/churn").watch())
    assert caught.value.code == "repo_not_found"


def test_a_line_without_an_end_is_refused(stand_in: StandIn, hub: Hub) -> None:
    streams(stand_in, "data: " + "x" * 2_000_000)
    with pytest.raises(BadAnswer, match="too long"):
        next(hub.repo("acme/churn").watch())


@given(
    st.lists(
        st.text(max_size=20) | st.sampled_from(["", "data: {}", ": x", "id: 1", "data: [", "event: end"])
    )
)
def test_whatever_comes_is_events_or_refused(lines: list[str]) -> None:
    try:
        for sequence, _ in read_stream(lines, "test"):
            assert "\0" not in sequence
    except (BadAnswer, NotFound) as error:
        assert str(error)  # noqa: PT017 - the point is that no other error comes
