"""Webhooks and deliveries on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

from modelkeep.db import deliveries, namespaces, repos, webhooks
from modelkeep.db.transaction import Transaction
from modelkeep.db.webhooks import Place
from modelkeep.domain.outbox import PING
from modelkeep.domain.paging import PageRequest
from modelkeep.domain.webhooks import Attempt, Delivery, DeliveryState, EventFilter
from tests.contract.db.world import World

PAGE = PageRequest(100)
WANTED = EventFilter(("stage.*",), ("churn",), ("prod",))


def add_webhook(tx: Transaction, place: Place, now: datetime) -> int:
    return webhooks.add_webhook(
        tx,
        place,
        url="https://example.org/hook",
        description="ci",
        wanted=WANTED,
        is_active=True,
        secret=b"sealed",
        after_sequence=3,
        created_by="ada",
        now=now,
    )


def delivery(webhook: int, name: str, now: datetime, **changes: object) -> Delivery:
    values: dict[str, object] = {
        "id": name,
        "webhook_id": webhook,
        "event_id": f"event of {name}",
        "event_type": "stage.assigned",
        "body": "{}",
        "replay_of": None,
        "state": DeliveryState.PENDING,
        "attempts": 0,
        "created_at": now,
        "next_attempt_at": now,
        "last_status": None,
    }
    return Delivery(**(values | changes))  # type: ignore[arg-type]


def attempt(now: datetime, status: int | None) -> Attempt:
    return Attempt(
        now, 12, {"webhook-id": "1"}, status, {"server": "x"}, "body\0", None if status else "away"
    )


def test_a_webhook_is_kept_as_it_was_made(tx: Transaction, world: World, now: datetime) -> None:
    org = world.organisation("acme")
    repo = world.repo(org, "churn")
    of_repo, of_org = Place(repo_id=repo.id), Place(namespace_id=org.id)
    first, second = add_webhook(tx, of_repo, now), add_webhook(tx, of_org, now)
    found = webhooks.webhook_in(tx, of_repo, first)
    assert found is not None
    assert (found.url, found.filter, found.after_sequence, found.repo_id) == (
        "https://example.org/hook",
        WANTED,
        3,
        repo.id,
    )
    assert webhooks.webhook_in(tx, of_org, first) is None
    assert webhooks.webhook_in(tx, of_repo, second) is None
    assert [one.id for one in webhooks.list_webhooks(tx, of_org, PAGE).items] == [second]
    assert webhooks.count_webhooks(tx, of_repo) == 1
    webhooks.update_webhook(tx, first, is_active=False, wanted=EventFilter())
    assert [one.id for one in webhooks.active_webhooks(tx)] == [second]
    changed = webhooks.webhook_by_id(tx, first)
    assert changed is not None
    assert changed.filter == EventFilter()
    secrets = webhooks.secrets_of(tx, first)
    assert secrets is not None
    assert (secrets.present, secrets.old) == (b"sealed", None)


def test_webhooks_go_with_what_they_belong_to(tx: Transaction, world: World, now: datetime) -> None:
    org = world.organisation("acme")
    repo = world.repo(org, "churn")
    first, second = (
        add_webhook(tx, Place(repo_id=repo.id), now),
        add_webhook(tx, Place(namespace_id=org.id), now),
    )
    deliveries.add_deliveries(tx, [delivery(first, "a", now)])
    repos.mark_deleted(tx, repo.id, None, now)
    assert webhooks.webhook_by_id(tx, first) is not None, "its deletion is still to be told"
    repos.purge_repo(tx, repo.id)
    assert webhooks.webhook_by_id(tx, first) is None
    assert deliveries.delivery_by_id(tx, "a") is None
    namespaces.delete_namespace(tx, org.id)
    assert webhooks.webhook_by_id(tx, second) is None


def test_an_event_has_one_delivery_for_each_webhook(tx: Transaction, world: World, now: datetime) -> None:
    webhook = add_webhook(tx, Place(repo_id=world.repo(world.organisation("acme"), "churn").id), now)
    deliveries.add_deliveries(tx, [delivery(webhook, "a", now, event_id="e")])
    deliveries.add_deliveries(tx, [delivery(webhook, "b", now, event_id="e")])
    deliveries.add_deliveries(tx, [delivery(webhook, "c", now, event_id="e", replay_of="a")])
    deliveries.add_deliveries(tx, [delivery(webhook, "d", now, event_id="e", replay_of="a")])
    assert [one.id for one in deliveries.list_deliveries(tx, webhook, PAGE).items] == ["d", "c", "a"]


def test_due_is_what_is_pending_and_urgent_first(tx: Transaction, world: World, now: datetime) -> None:
    webhook = add_webhook(tx, Place(repo_id=world.repo(world.organisation("acme"), "churn").id), now)
    later = now + timedelta(minutes=5)
    deliveries.add_deliveries(
        tx,
        [
            delivery(webhook, "a", now),
            delivery(webhook, "b", now, state=DeliveryState.DELIVERED, next_attempt_at=None),
            delivery(webhook, "c", now, next_attempt_at=later),
            delivery(webhook, "d", now, event_type=PING),
            delivery(webhook, "e", now, replay_of="a"),
        ],
    )
    assert [one.id for one in deliveries.due(tx, webhook, now, limit=10)] == ["d", "e", "a"]
    assert [one.id for one in deliveries.due(tx, webhook, now, limit=1)] == ["d"]
    assert [one.id for one in deliveries.due(tx, webhook, now, limit=10, urgent_only=True)] == ["d", "e"]
    assert [one.id for one in deliveries.due(tx, webhook, later, limit=10)] == ["d", "e", "a", "c"]
    webhooks.update_webhook(tx, webhook, job_at=later, paused_until=later)
    assert deliveries.waiting(tx) == [deliveries.Waiting(webhook, now, now, later, later)]
    assert webhooks.with_jobs(tx) == [webhook]
    assert webhooks.with_jobs(tx, later) == []
    deliveries.give_up(tx, webhook)
    assert deliveries.waiting(tx) == []
    assert deliveries.list_deliveries(tx, webhook, PAGE, DeliveryState.DELIVERED).items[0].id == "b"


def test_an_attempt_is_noted_once(tx: Transaction, world: World, now: datetime) -> None:
    place = Place(repo_id=world.repo(world.organisation("acme"), "churn").id)
    webhook = add_webhook(tx, place, now)
    made = delivery(webhook, "a", now)
    deliveries.add_deliveries(tx, [made])
    again = now + timedelta(seconds=5)
    assert deliveries.record_attempt(tx, made, attempt(now, None), DeliveryState.PENDING, again)
    assert not deliveries.record_attempt(tx, made, attempt(now, 204), DeliveryState.DELIVERED, None)
    stored = deliveries.delivery_by_id(tx, "a")
    assert stored is not None
    assert (stored.state, stored.attempts, stored.next_attempt_at) == (DeliveryState.PENDING, 1, again)
    assert deliveries.record_attempt(tx, stored, attempt(again, 204), DeliveryState.DELIVERED, None)
    log = deliveries.attempts_of(tx, "a")
    assert [(one.status, one.error, one.body) for one in log] == [
        (None, "away", "body\ufffd"),
        (204, None, "body\ufffd"),
    ]
    assert deliveries.last_deliveries(tx, place)[webhook].last_status == 204


def test_old_deliveries_go_once_they_are_over(tx: Transaction, world: World, now: datetime) -> None:
    webhook = add_webhook(tx, Place(repo_id=world.repo(world.organisation("acme"), "churn").id), now)
    old = now - timedelta(days=40)
    deliveries.add_deliveries(
        tx,
        [
            delivery(webhook, "a", old, state=DeliveryState.FAILED, next_attempt_at=None),
            delivery(webhook, "b", old),
            delivery(webhook, "c", now, state=DeliveryState.DELIVERED, next_attempt_at=None),
        ],
    )
    assert deliveries.sweep(tx, now - timedelta(days=30)) == 1
    assert [one.id for one in deliveries.list_deliveries(tx, webhook, PAGE).items] == ["c", "b"]
