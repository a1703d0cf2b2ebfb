"""Streams of events from the real server: live, resumed, ended with the right to see, at shutdown, and bounded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from modelkeep.domain.access import Role
from tests.support.hub import Hub, HubProcess, HubRepo, User, running_hub


@dataclass
class Stream:
    """An open stream; iterating gives its messages."""

    response: httpx.Response
    lines: Iterator[str]

    def message(self) -> dict[str, Any] | None:
        """The next message with its fields; None where the stream ends."""
        fields: dict[str, Any] = {}
        for line in self.lines:
            if not line and "data" in fields:
                return fields
            name, colon, value = line.partition(": ")
            if colon and name:
                fields[name] = json.loads(value) if name == "data" else value
        return None


@contextmanager
def stream(hub: Hub, repo: HubRepo, secret: str, query: str = "", **headers: str) -> Iterator[Stream]:
    """Opens a stream and waits until it hears."""
    url = f"/api/v1/repos/{repo.full_name}/events{query}"
    sent = {"Accept": "text/event-stream", "Authorization": f"Bearer {secret}", **headers}
    with hub.client() as client, client.stream("GET", url, headers=sent) as response:
        assert response.status_code == 200, response.read()
        lines = response.iter_lines()
        assert next(lines) == "retry: 3000"
        assert next(lines).startswith("id: "), "where to go on if nothing comes before the connection breaks"
        assert next(lines) == ": open"
        yield Stream(response, lines)


def change(hub: Hub, repo: HubRepo, secret: str, text: str) -> None:
    answer = hub.request("PATCH", f"/api/v1/repos/{repo.full_name}", secret, json={"description": text})
    assert answer.status_code == 200, answer.text


@pytest.fixture
def owner(hub: Hub) -> User:
    return hub.user()


@pytest.fixture
def repo(hub: Hub, owner: User) -> HubRepo:
    return hub.repo((owner, Role.OWNER))


def test_events_come_as_they_happen_and_from_where_one_left(hub: Hub, repo: HubRepo, owner: User) -> None:
    with stream(hub, repo, owner.token) as live:
        assert live.response.headers["content-type"].startswith("text/event-stream")
        assert live.response.headers["cache-control"] == "no-store"
        change(hub, repo, owner.token, "one")
        first = live.message()
        assert first is not None
        assert first["event"] == "repo.updated"
        assert first["data"]["data"] == {"description": "one"}
        assert str(first["data"]["sequence"]) == first["id"]
        change(hub, repo, owner.token, "two")
        second = live.message()
        assert second is not None
    change(hub, repo, owner.token, "three")
    with stream(hub, repo, owner.token, **{"Last-Event-ID": first["id"]}) as resumed:
        assert resumed.message() == second
        third = resumed.message()
        assert third is not None
        assert third["data"]["data"] == {"description": "three"}
    with stream(hub, repo, owner.token, "?after=0&type=repo.created") as from_the_start:
        created = from_the_start.message()
        assert created is not None
        assert created["event"] == "repo.created"


def test_who_knows_more_than_the_hub_hears_of_what_comes(hub: Hub, repo: HubRepo, owner: User) -> None:
    """Such as after an older copy of the hub's database was restored: places in the stream are given out again."""
    with stream(hub, repo, owner.token, **{"Last-Event-ID": str(2**63 - 1)}) as live:
        change(hub, repo, owner.token, "one")
        message = live.message()
        assert message is not None
        assert message["data"]["data"] == {"description": "one"}


def test_a_stream_hears_of_its_repo_alone(hub: Hub, repo: HubRepo, owner: User) -> None:
    other = hub.repo((owner, Role.OWNER))
    with stream(hub, repo, owner.token) as live:
        change(hub, other, owner.token, "other")
        change(hub, repo, owner.token, "mine")
        message = live.message()
        assert message is not None
        assert message["data"]["repo"] == repo.full_name


def test_what_another_process_writes_is_heard_too(hub: Hub, repo: HubRepo, owner: User) -> None:
    """The services of this process share the database and no bell with the server."""
    with stream(hub, repo, owner.token) as live:
        hub.services.repos.update(hub.local, repo.namespace, repo.name, description="from outside")
        message = live.message()
        assert message is not None
        assert message["data"]["data"] == {"description": "from outside"}


def test_a_stream_ends_with_the_right_to_see(hub: Hub, repo: HubRepo, owner: User) -> None:
    guest = hub.user()
    hub.services.repo_members.set(hub.local, repo.namespace, repo.name, guest.name, Role.READER)
    with stream(hub, repo, guest.token) as live, stream(hub, repo, owner.token) as also:
        hub.services.repo_members.remove(hub.local, repo.namespace, repo.name, guest.name)
        change(hub, repo, owner.token, "secret")
        message = live.message()
        assert message is not None
        assert (message["event"], message["data"]["code"]) == ("end", "repo_not_found")
        assert live.message() is None
        assert also.message() is not None
    token = hub.token(owner.name)
    with stream(hub, repo, token) as live:
        hub.revoke(token)
        change(hub, repo, owner.token, "later")
        message = live.message()
        assert message is not None
        assert (message["event"], message["data"]["code"]) == ("end", "bad_credentials")


def test_streams_are_bounded_and_their_places_come_back(tmp_path: Path) -> None:
    with running_hub(tmp_path, event_streams=3) as hub:
        owner = hub.user()
        repo = hub.repo((owner, Role.OWNER))
        url = f"/api/v1/repos/{repo.full_name}/events"
        with ExitStack() as streams:
            for _ in range(3):
                streams.enter_context(stream(hub, repo, owner.token))
            refused = hub.request("GET", url, owner.token, headers={"Accept": "text/event-stream"})
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
            assert refused.headers["retry-after"]
            assert hub.request("GET", url, owner.token).status_code == 200
        while True:  # the server sees that clients are gone a moment later
            try:
                with stream(hub, repo, owner.token) as live:
                    change(hub, repo, owner.token, "again")
                    assert live.message() is not None
                break
            except AssertionError:
                continue


def test_clients_that_go_as_the_hub_ends_are_no_error(tmp_path: Path) -> None:
    with running_hub(tmp_path) as hub:
        owner = hub.user()
        repo = hub.repo((owner, Role.OWNER))
        with ExitStack() as streams:
            for _ in range(10):
                streams.enter_context(stream(hub, repo, owner.token))


def test_streams_end_at_shutdown_at_once(tmp_path: Path) -> None:
    process = HubProcess(tmp_path / "data", tmp_path / "hub.log", shutdown_seconds=3600)
    process.start()
    hub = Hub(process)
    try:
        owner = hub.user()
        repo = hub.repo((owner, Role.OWNER))
        with stream(hub, repo, owner.token) as live:
            assert process.stop() == 0
            assert live.message() is None
    finally:
        hub.close()


def test_many_streams_hold_no_threads(hub: Hub, repo: HubRepo, owner: User) -> None:
    """More streams than threads for services: others are answered."""
    with ExitStack() as streams:
        live = [streams.enter_context(stream(hub, repo, owner.token)) for _ in range(18)]
        assert hub.request("GET", "/api/v1/whoami", owner.token).status_code == 200
        change(hub, repo, owner.token, "for all")
        messages = [one.message() for one in live]
        assert all(message is not None and message["data"]["data"] for message in messages)
