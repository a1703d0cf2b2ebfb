"""Deliveries one attempt after the other, with a clock that the test moves; the engine's part is played by the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modelkeep.blobs.store import BlobStore
from modelkeep.db.engine import open_database
from modelkeep.domain.access import Role
from modelkeep.domain.errors import NotFound
from modelkeep.domain.paging import PageRequest
from modelkeep.domain.webhooks import Delivery, DeliveryState
from modelkeep.git.repositories import Repositories
from modelkeep.identity.signing import Signer
from modelkeep.outbound.addresses import Guard
from modelkeep.outbound.sender import Sender
from modelkeep.server.wiring import Hub, build_hub
from modelkeep.services.accounts import local_administrator
from modelkeep.services.ports import Rules, Stores
from modelkeep.services.pushes import Transport
from modelkeep.services.webhooks import Owner
from tests.support.receiver import Receiver, running_receiver, signature_fits

LOCAL = local_administrator("test")
REPO = Owner("acme", "churn")
PAGE = PageRequest(1000)


@dataclass
class World:
    """A hub whose clock stands still, and a receiver."""

    hub: Hub
    receiver: Receiver
    clock: list[datetime] = field(default_factory=lambda: [datetime.now(UTC)])

    def wait(self, **time: float) -> None:
        self.clock[0] += timedelta(**time)

    def webhook(self, owner: Owner = REPO, path: str = "/hook", **wanted: object) -> tuple[int, str]:
        made, secret = self.hub.webhooks.create(LOCAL, owner, self.receiver.url + path, **wanted)  # type: ignore[arg-type]
        return made.id, secret

    def change(self, text: str) -> None:
        """Makes one event: the repo's description changes."""
        self.hub.repos.update(LOCAL, "acme", "churn", description=text)

    def run_jobs(self) -> list[int]:
        """Does what the engine would do now; gives the webhooks that had a job."""
        while self.hub.deliveries.fan_out():
            pass
        ready = [webhook for webhook, at in self.hub.deliveries.jobs_needed() if at <= self.clock[0]]
        for webhook in ready:
            self.hub.deliveries.send_due(webhook)
        return ready

    def log(self, webhook: int, owner: Owner = REPO) -> list[Delivery]:
        """Oldest first."""
        return list(reversed(self.hub.deliveries.list(LOCAL, owner, webhook, PAGE).items))

    def states(self, webhook: int) -> list[tuple[str, int]]:
        return [(one.state.value, one.attempts) for one in self.log(webhook)]

    def told(self) -> list[str]:
        return [str(one.event["data"].get("description", one.event["type"])) for one in self.receiver.taken]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = [datetime.now(UTC)]
    database = open_database(f"sqlite:///{tmp_path / 'hub.db'}")
    database.migrate()
    stores = Stores(
        database,
        Repositories(tmp_path / "repos"),
        BlobStore.open(tmp_path / "blobs"),
        Signer(b"k" * 32),
        now=lambda: clock[0],
    )
    sender = Sender(Guard(["127.0.0.0/8"]))
    rules = Rules(webhook_retry_delays=(10, 100), webhook_off_after=timedelta(days=3))
    hub = build_hub(stores, rules, Transport(tmp_path / "hooks"), sender)
    hub.accounts.create(LOCAL, name="olga", password=None)
    hub.organisations.create(LOCAL, "acme", members=[("olga", Role.OWNER)])
    hub.repos.create(LOCAL, "acme", "churn")
    with running_receiver() as receiver:
        yield World(hub, receiver, clock)
    database.close()


def test_events_arrive_once_in_order_and_signed(world: World) -> None:
    world.change("before")
    webhook, secret = world.webhook()
    world.change("one")
    world.change("two")
    assert world.run_jobs() == [webhook]
    assert world.told() == ["one", "two"], "and nothing from before it was made"
    assert world.run_jobs() == []
    assert all(signature_fits(secret, request) for request in world.receiver.requests)
    request = world.receiver.requests[0]
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("Modelkeep/")
    assert request.headers["x-modelkeep-event"] == request.event["type"] == "repo.updated"
    assert request.id == request.event["id"]
    assert request.event["repo"] == "acme/churn"
    assert world.states(webhook) == [("delivered", 1), ("delivered", 1)]


def test_a_refused_event_is_tried_again_and_holds_nobody_up(world: World) -> None:
    webhook, _ = world.webhook()
    world.receiver.answer = lambda number, _path: 500 if number in (1, 3) else 204
    world.change("one")
    world.change("two")
    world.run_jobs()
    assert world.told() == ["two"]
    assert world.states(webhook) == [("pending", 1), ("delivered", 1)]
    world.wait(seconds=7)
    assert world.run_jobs() == []
    world.wait(seconds=6)
    world.run_jobs()
    assert world.states(webhook)[0] == ("pending", 2)
    world.wait(seconds=121)
    world.run_jobs()
    assert world.told() == ["two", "one"]
    assert len({request.id for request in world.receiver.requests}) == 2
    log = world.hub.deliveries.get(LOCAL, REPO, webhook, world.log(webhook)[0].id)
    assert [attempt.status for attempt in log.attempts] == [500, 500, 204]
    assert log.attempts[0].request_headers["webhook-id"] == log.delivery.event_id


def test_an_event_is_given_up_after_the_last_attempt(world: World) -> None:
    webhook, _ = world.webhook()
    world.receiver.answer = lambda _number, _path: 500
    world.change("one")
    for _ in range(5):
        world.run_jobs()
        world.wait(hours=1)
    assert world.states(webhook) == [("failed", 3)]
    assert len(world.receiver.requests) == 3


@pytest.mark.parametrize("status", [0, 429, 503])
def test_a_receiver_that_is_away_is_asked_once_and_order_is_kept(world: World, status: int) -> None:
    webhook, _ = world.webhook()
    world.receiver.answer = lambda _number, _path: status
    for text in ("one", "two", "three"):
        world.change(text)
    world.run_jobs()
    assert len(world.receiver.requests) == 1
    assert world.states(webhook) == [("pending", 1), ("pending", 0), ("pending", 0)]
    world.change("four")
    assert world.run_jobs() == []
    world.receiver.answer = lambda _number, _path: 204
    world.wait(seconds=13)
    world.run_jobs()
    assert world.told() == ["one", "two", "three", "four"]


def test_retry_after_is_honoured(world: World) -> None:
    webhook, _ = world.webhook()
    world.receiver.answer = lambda number, _path: 503 if number == 1 else 204
    world.receiver.extra = {"Retry-After": "600"}
    world.change("one")
    world.run_jobs()
    world.wait(seconds=590)
    assert world.run_jobs() == []
    world.wait(seconds=11)
    assert world.run_jobs() == [webhook]
    assert world.told() == ["one"]


def test_a_receiver_that_is_gone_is_not_asked_again(world: World) -> None:
    webhook, _ = world.webhook()
    world.receiver.answer = lambda _number, _path: 410
    world.change("one")
    world.change("two")
    world.run_jobs()
    found, _ = world.hub.webhooks.get(LOCAL, REPO, webhook)
    assert not found.is_active
    assert {state for state, _ in world.states(webhook)} == {"failed"}
    audit = world.hub.audit_log.entries(LOCAL, PAGE, repo=("acme", "churn"), action="webhook.off")
    assert [entry.details["reason"] for entry in audit.items] == ["gone"]
    world.change("three")
    assert world.run_jobs() == []


def test_one_that_fails_for_days_is_switched_off_and_can_be_switched_on_again(world: World) -> None:
    webhook, _ = world.webhook()
    world.receiver.answer = lambda _number, _path: 500
    for day in range(5):
        world.change(f"day {day}")
        world.run_jobs()
        world.wait(days=1)
    found, _ = world.hub.webhooks.get(LOCAL, REPO, webhook)
    assert not found.is_active
    assert found.failing_since is not None
    world.receiver.answer = lambda _number, _path: 204
    world.change("while off")
    world.hub.webhooks.update(LOCAL, REPO, webhook, is_active=True)
    world.change("on again")
    world.run_jobs()
    assert world.told() == ["on again"]
    assert world.hub.webhooks.get(LOCAL, REPO, webhook)[0].failing_since is None


def test_a_success_ends_a_bad_time(world: World) -> None:
    webhook, _ = world.webhook()
    world.receiver.answer = lambda number, _path: 500 if number % 2 else 204
    for day in range(10):
        world.change(f"day {day}")
        world.run_jobs()
        world.wait(days=1)
    assert world.hub.webhooks.get(LOCAL, REPO, webhook)[0].is_active


def test_a_replay_is_a_new_delivery_of_the_same_event(world: World) -> None:
    webhook, secret = world.webhook()
    world.change("one")
    world.run_jobs()
    (first,) = world.log(webhook)
    world.wait(hours=1)
    replay = world.hub.deliveries.replay(LOCAL, REPO, webhook, first.id)
    assert world.run_jobs() == [webhook]
    before, after = world.receiver.requests
    assert (after.id, after.body) == (before.id, before.body)
    assert after.headers["webhook-timestamp"] > before.headers["webhook-timestamp"]
    assert signature_fits(secret, after, tolerance=7200)
    assert (replay.replay_of, replay.event_id) == (first.id, first.event_id)
    assert world.states(webhook) == [("delivered", 1), ("delivered", 1)]


def test_a_ping_goes_out_once_even_to_one_that_is_off_or_paused(world: World) -> None:
    webhook, secret = world.webhook(is_active=False)
    ping = world.hub.deliveries.ping(LOCAL, REPO, webhook)
    world.run_jobs()
    (request,) = world.receiver.requests
    assert request.event["type"] == "ping"
    assert signature_fits(secret, request)
    world.hub.webhooks.update(LOCAL, REPO, webhook, is_active=True)
    world.receiver.answer = lambda _number, _path: 503
    world.change("one")
    world.run_jobs()
    again = world.hub.deliveries.ping(LOCAL, REPO, webhook)
    world.run_jobs()
    states = {one.id: (one.state, one.attempts) for one in world.log(webhook)}
    assert states[ping.id] == (DeliveryState.DELIVERED, 1)
    assert states[again.id] == (DeliveryState.FAILED, 1)
    assert len(world.receiver.requests) == 3


def test_after_a_rotation_both_secrets_fit_for_a_day(world: World) -> None:
    webhook, old = world.webhook()
    _, new = world.hub.webhooks.rotate(LOCAL, REPO, webhook)
    world.change("one")
    world.run_jobs()
    request = world.receiver.requests[-1]
    assert signature_fits(new, request)
    assert signature_fits(old, request)
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    world.wait(hours=25)
    world.change("two")
    world.run_jobs()
    request = world.receiver.requests[-1]
    assert signature_fits(new, request, tolerance=10**6)
    assert not signature_fits(old, request, tolerance=10**6)


def test_a_namespaces_webhook_hears_of_its_repos_and_filters_count(world: World) -> None:
    everything, _ = world.webhook(Owner("acme"), "/all")
    prod, _ = world.webhook(path="/prod", events=["stage.*"], artifacts=["ch*"], stages=["prod"])
    world.hub.repos.create(LOCAL, "acme", "fraud")
    world.hub.versions.register(LOCAL, "acme", "churn", "churn", revision="main")
    for stage in ("dev", "prod"):
        world.hub.stages.promote(LOCAL, "acme", "churn", "churn", stage, version="latest")
    world.run_jobs()
    types = {
        path: [r.event["type"] for r in world.receiver.taken if r.path == path] for path in ("/all", "/prod")
    }
    assert types["/prod"] == ["stage.assigned"]
    assert types["/all"][0] == "repo.created"
    assert types["/all"].count("stage.assigned") == 2
    (told,) = (r.event for r in world.receiver.taken if r.path == "/prod")
    assert told["data"]["stage"] == "prod"
    assert told["data"]["version"] == "v0.0.1"
    assert told["data"]["ref"] == "refs/tags/churn#prod#2"
    assert [one.event_id for one in world.log(prod)] == [told["id"]]
    assert len(world.log(everything, Owner("acme"))) == len(types["/all"])


def test_a_deleted_repo_tells_of_it_and_a_moved_one_tells_both_places(world: World) -> None:
    world.hub.organisations.create(LOCAL, "beta", members=[("olga", Role.OWNER)])
    webhook, _ = world.webhook()
    world.webhook(Owner("acme"), "/acme")
    world.webhook(Owner("beta"), "/beta")
    world.hub.repos.move(LOCAL, "acme", "churn", new_namespace="beta")
    world.hub.repos.delete(LOCAL, "beta", "churn")
    world.run_jobs()
    told = {(r.path, r.event["type"]) for r in world.receiver.taken}
    assert told == {
        ("/hook", "repo.moved"),
        ("/hook", "repo.deleted"),
        ("/acme", "repo.moved"),
        ("/beta", "repo.moved"),
        ("/beta", "repo.deleted"),
    }
    with pytest.raises(NotFound):
        world.log(webhook, Owner("beta", "churn"))


@pytest.mark.parametrize(
    "asked",
    [
        "Fri, 31 Dec 1999 23:59:59 +99999999999999999999",
        "Fri, 31 Dec 1999 23:59:99999999999999999999",
        "soon",
    ],
)
def test_a_retry_after_that_makes_no_sense_holds_nobody_up(world: World, asked: str) -> None:
    webhook, _ = world.webhook()
    world.receiver.answer = lambda number, _path: 500 if number == 1 else 204
    world.receiver.extra = {"Retry-After": asked}
    world.change("one")
    world.change("two")
    world.run_jobs()
    assert world.told() == ["two"]
    assert world.states(webhook) == [("pending", 1), ("delivered", 1)]


def test_receivers_that_hang_cost_one_user_a_few_places_and_others_none(world: World) -> None:
    mina = replace(LOCAL, username="mina")
    for number in range(9):
        world.webhook(path=f"/hangs{number}", artifacts=["nothing"])
    theirs, _ = world.hub.webhooks.create(mina, REPO, f"{world.receiver.url}/mina")
    hanging = [one.id for one, _ in world.hub.webhooks.list(LOCAL, REPO, PAGE).items if one.id != theirs.id]
    for webhook in hanging:
        world.hub.deliveries.ping(LOCAL, REPO, webhook)
    world.change("one")
    world.hub.deliveries.fan_out()
    let_go = threading.Event()

    def hang(_number: int, path: str) -> int:
        if "hangs" in path:
            arrived.release()
            let_go.wait(60)
        return 204

    arrived = threading.Semaphore(0)
    world.receiver.is_parallel = True
    world.receiver.answer = hang
    with ThreadPoolExecutor(8) as engine:
        jobs = [engine.submit(world.hub.deliveries.send_due, webhook) for webhook in hanging[:8]]
        try:
            for _ in jobs:
                assert arrived.acquire(timeout=10)
            world.hub.deliveries.send_due(hanging[8])
            world.hub.deliveries.send_due(theirs.id)
        finally:
            let_go.set()
        for job in jobs:
            job.result()
    assert world.told()[0] == "one"
    assert "/hangs8" not in {request.path for request in world.receiver.requests}
    assert dict(world.hub.deliveries.jobs_needed())[hanging[8]] > world.clock[0], "its turn comes later"
    world.wait(seconds=11)
    assert world.run_jobs() == [hanging[8]]
    assert len(world.receiver.taken) == 10


def test_a_slow_receiver_does_not_keep_its_place_for_ever(world: World) -> None:
    webhook, _ = world.webhook()

    def slowly(_number: int, _path: str) -> int:
        world.wait(seconds=20)
        return 204

    world.receiver.answer = slowly
    for text in ("one", "two", "three"):
        world.change(text)
    assert world.run_jobs() == [webhook]
    assert world.told() == ["one", "two"]
    assert world.run_jobs() == [webhook]
    assert world.told() == ["one", "two", "three"]


def test_jobs_that_the_engine_lost_are_made_again(world: World) -> None:
    webhook, _ = world.webhook()
    world.change("one")
    world.hub.deliveries.fan_out()
    ((needed, at),) = world.hub.deliveries.jobs_needed()
    assert needed == webhook
    world.hub.deliveries.job_made(webhook, at)
    assert world.hub.deliveries.jobs_needed() == []
    assert world.hub.deliveries.recover(lambda: {webhook}) == []
    assert world.hub.deliveries.recover(set, timedelta(minutes=1)) == []
    world.wait(minutes=2)
    assert world.hub.deliveries.recover(set, timedelta(minutes=1)) == [webhook]
    world.run_jobs()
    assert world.told() == ["one"]


def test_old_events_and_their_deliveries_are_swept(world: World) -> None:
    webhook, _ = world.webhook()
    world.change("one")
    world.run_jobs()
    world.wait(days=31)
    world.change("two")
    assert world.hub.events.sweep() == 3, "repo.created, an update and its delivery"
    world.run_jobs()
    assert world.told() == ["one", "two"]
    assert len(world.log(webhook)) == 1
