"""Webhooks to a flaky receiver while the hub is killed: nothing is lost, no event has two ids, signatures verify."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from modelkeep.db import outbox
from modelkeep.domain.access import Role
from modelkeep.domain.outbox import OutboxEvent
from modelkeep.git import refs
from tests.support.forking import ForkedHub
from tests.support.hub import Hub, HubRepo
from tests.support.receiver import DROP, Receiver, running_receiver, signature_fits

ROUNDS = 5

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass
class World:
    """A hub that dies often, a repo with a webhook, and a receiver that fails often."""

    server: ForkedHub
    hub: Hub
    repo: HubRepo
    token: str
    receiver: Receiver

    def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        url = f"/api/v1/repos/{self.repo.full_name}{path}"
        return self.hub.request(method, url, self.token, json=body)

    def events(self, after: int) -> list[OutboxEvent]:
        with self.hub.stores.database.read() as tx:
            return outbox.events_after(tx, after, limit=10_000, repo_id=self.repo.id)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    server = ForkedHub(
        tmp_path / "data",
        tmp_path / "hub.log",
        webhook_allowed_networks="127.0.0.0/8",
        webhook_retry_delays=",".join(["0.1"] * 50),
    )
    server.start()
    hub = Hub(server)
    try:
        user = hub.user()
        with running_receiver() as receiver:
            yield World(server, hub, hub.repo((user, Role.OWNER)), user.token, receiver)
            server.kill()
    finally:
        server.stop()
        hub.close()


def register_and_promote(world: World, go_on: threading.Event) -> None:
    """Makes versions and moves a stage until told to stop; the hub may die under it."""
    while go_on.is_set():
        with suppress(httpx.HTTPError):
            file = {"op": "add", "path": "params.yaml", "content": f"run: {random.random()}\n"}
            world.call("POST", "/commits", {"message": "run", "operations": [file]})
            world.call("POST", "/artifacts/churn/versions", {"revision": "main"})
            world.call("PUT", "/artifacts/churn/stages/prod", {"version": "latest"})
        threading.Event().wait(0.2)  # events are made faster than a receiver like this one takes them


def test_nothing_is_lost_over_kill_9(world: World) -> None:
    chance = random.Random(5)

    def answer(_number: int, _path: str) -> int:
        mood = chance.random()
        if mood > 0.97:
            time.sleep(0.2)  # the hub dies while it waits for this one
        return DROP if mood < 0.04 else 500 if mood < 0.2 else 503 if mood < 0.22 else 204

    world.receiver.answer = answer
    made = world.call("POST", "/webhooks", {"url": f"{world.receiver.url}/hook", "events": ["*"]})
    assert made.status_code == 201, made.text
    secret, webhook = made.json()["secret"], made.json()["id"]
    start = world.events(0)[-1].sequence

    for _ in range(ROUNDS):
        go_on = threading.Event()
        go_on.set()
        writer = threading.Thread(target=register_and_promote, args=[world, go_on])
        seen = len(world.receiver.requests)
        writer.start()
        world.receiver.wait_for(lambda seen=seen: len(world.receiver.requests) > seen + 5)  # type: ignore[misc]
        threading.Event().wait(chance.random() * 0.5)
        world.server.kill(with_children=True)
        go_on.clear()
        writer.join()
        world.server.start()

    events = world.events(start)
    wanted = {event.id for event in events}
    world.receiver.wait_for(lambda: wanted <= {one.id for one in world.receiver.taken})
    requests = list(world.receiver.requests)

    # Every registry tag in Git has its event, and no other.
    tags = {ref.short_name for ref in refs.list_refs(world.repo.git_dir) if ref.is_tag}
    told = [str(event.data["tag"]) for event in events if "tag" in event.data]
    assert len(tags) > ROUNDS
    assert sorted(told) == sorted(tags)

    # One id for one event: whatever came under an id has the same bytes, and nothing came under two.
    bodies: dict[str, set[bytes]] = {}
    for one in requests:
        assert one.id == one.event["id"]
        bodies.setdefault(one.id, set()).add(one.body)
    assert all(len(same) == 1 for same in bodies.values())
    assert set(bodies) == wanted
    subjects = [(event.type, str(event.data)) for event in events]
    assert len(subjects) == len(set(subjects))

    assert all(signature_fits(secret, one) for one in requests)
    assert not signature_fits("whsec_" + "A" * 44, requests[0])

    replay_works(world, webhook, secret, requests[0].id)


def replay_works(world: World, webhook: int, secret: str, event_id: str) -> None:
    log = world.call("GET", f"/webhooks/{webhook}/deliveries?limit=1000").json()["items"]
    first = next(one for one in log if one["event_id"] == event_id)
    world.receiver.answer = lambda _number, _path: 204
    before = len(world.receiver.taken)
    replayed = world.call("POST", f"/webhooks/{webhook}/deliveries/{first['id']}/replay")
    assert replayed.status_code == 202
    assert replayed.json()["replay_of"] == first["id"]
    again = world.receiver.wait(before + 1)[-1]
    assert again.id == event_id
    assert again.headers["x-modelkeep-delivery"] == replayed.json()["id"] != first["id"]
    assert signature_fits(secret, again)
