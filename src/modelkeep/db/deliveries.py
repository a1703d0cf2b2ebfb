"""Deliveries: which event goes to which webhook, every attempt, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update

from modelkeep.db.batches import batches
from modelkeep.db.keyset import one_page
from modelkeep.db.storable import storable
from modelkeep.db.tables import Deliveries, DeliveryAttempts, Webhooks
from modelkeep.db.transaction import Transaction
from modelkeep.db.webhooks import Place
from modelkeep.domain.paging import Page, PageRequest, page_of
from modelkeep.domain.webhooks import Attempt, Delivery, DeliveryState

_COLUMNS = (
    Deliveries.id,
    Deliveries.webhook_id,
    Deliveries.event_id,
    Deliveries.event_type,
    Deliveries.body,
    Deliveries.replay_of,
    Deliveries.state,
    Deliveries.attempts,
    Deliveries.created_at,
    Deliveries.next_attempt_at,
    Deliveries.last_status,
)
_PENDING = Deliveries.state == str(DeliveryState.PENDING)


def add_deliveries(tx: Transaction, deliveries: Sequence[Delivery]) -> None:
    """Adds deliveries, which no job knows of yet; one that its webhook has already, and no replay, is left out."""
    values = [
        {
            "id": one.id,
            "webhook_id": one.webhook_id,
            "event_id": one.event_id,
            "event_type": one.event_type,
            "body": one.body,
            "replay_of": one.replay_of,
            "state": str(one.state),
            "is_queued": False,
            "attempts": one.attempts,
            "created_at": one.created_at,
            "next_attempt_at": one.next_attempt_at,
            "last_status": one.last_status,
        }
        for one in deliveries
    ]
    if values:
        tx.execute(tx.insert(Deliveries).on_conflict_do_nothing(), values)
        tx.rings = True


def delivery_by_id(tx: Transaction, delivery_id: str) -> Delivery | None:
    """The delivery of this id."""
    row = tx.first(select(*_COLUMNS).where(Deliveries.id == delivery_id))
    return _delivery_of(row) if row is not None else None


def deliveries_by_id(tx: Transaction, ids: Sequence[str]) -> list[Delivery]:
    """The deliveries of these ids that are there, in the order in which they were added."""
    found: list[tuple[int, Delivery]] = []
    for some in batches(list(ids)):
        rows = tx.execute(select(*_COLUMNS, Deliveries.number).where(Deliveries.id.in_(some)))
        found += [(row.number, _delivery_of(row)) for row in rows]
    return [delivery for _, delivery in sorted(found, key=lambda pair: pair[0])]


def list_deliveries(
    tx: Transaction, webhook_id: int, page: PageRequest, state: DeliveryState | None = None
) -> Page[Delivery]:
    """The deliveries of a webhook, newest first.

    Raises:
        InvalidInput: The cursor belongs to another list.
    """
    statement = select(*_COLUMNS, Deliveries.number).where(Deliveries.webhook_id == webhook_id)
    if state is not None:
        statement = statement.where(Deliveries.state == str(state))
    rows = tx.execute(one_page(statement, [Deliveries.number], page, is_descending=True))
    return page_of([((row.number,), _delivery_of(row)) for row in rows], page.limit)


def last_deliveries(tx: Transaction, place: Place) -> dict[int, Delivery]:
    """The newest delivery of each webhook of a place."""
    of_place = (
        Webhooks.repo_id == place.repo_id
        if place.repo_id is not None
        else Webhooks.namespace_id == place.namespace_id
    )
    newest = (
        select(func.max(Deliveries.number))
        .join(Webhooks, Webhooks.id == Deliveries.webhook_id)
        .where(of_place)
        .group_by(Deliveries.webhook_id)
    )
    rows = tx.execute(select(*_COLUMNS).where(Deliveries.number.in_(newest)))
    return {row.webhook_id: _delivery_of(row) for row in rows}


def unqueued(tx: Transaction, limit: int) -> list[Delivery]:
    """Deliveries that no job knows of, oldest first."""
    statement = select(*_COLUMNS).where(~Deliveries.is_queued).order_by(Deliveries.number).limit(limit)
    return [_delivery_of(row) for row in tx.execute(statement)]


def mark_queued(tx: Transaction, ids: Sequence[str]) -> None:
    """Notes that a job knows of these."""
    for some in batches(list(ids)):
        tx.execute(update(Deliveries).where(Deliveries.id.in_(some)).values(is_queued=True))


def webhooks_behind(tx: Transaction, before: datetime) -> list[int]:
    """The webhooks with deliveries that a job should have attempted before this time."""
    overdue = (_PENDING, Deliveries.is_queued, Deliveries.next_attempt_at < before)
    rows = tx.execute(select(Deliveries.webhook_id).where(*overdue).distinct())
    return [row.webhook_id for row in rows]


def queue_again(tx: Transaction, webhook_ids: Sequence[int], before: datetime) -> int:
    """Forgets the jobs of overdue deliveries of these webhooks; returns how many they are."""
    overdue = (Deliveries.is_queued, Deliveries.next_attempt_at < before)
    count = 0
    for some in batches(list(webhook_ids)):
        among = Deliveries.webhook_id.in_(some)
        count += tx.execute(
            update(Deliveries).where(_PENDING, among, *overdue).values(is_queued=False)
        ).rowcount
    return count


def record_attempt(
    tx: Transaction,
    delivery: Delivery,
    attempt: Attempt,
    state: DeliveryState,
    next_attempt_at: datetime | None,
) -> bool:
    """Notes what became of a delivery's next attempt; False where somebody else noted that one before.

    The attempt after that, where there is one, needs a job.
    """
    changed = tx.execute(
        update(Deliveries)
        .where(Deliveries.id == delivery.id, Deliveries.attempts == delivery.attempts)
        .values(
            state=str(state),
            attempts=delivery.attempts + 1,
            is_queued=next_attempt_at is None,
            next_attempt_at=next_attempt_at,
            last_status=attempt.status,
        )
    )
    if changed.rowcount == 0:
        return False
    number = tx.scalar(select(Deliveries.number).where(Deliveries.id == delivery.id))
    tx.execute(
        insert(DeliveryAttempts).values(
            delivery_number=number,
            at=attempt.at,
            milliseconds=attempt.milliseconds,
            request_headers=_storable(attempt.request_headers),
            status=attempt.status,
            headers=_storable(attempt.headers),
            body=storable(attempt.body),
            error=storable(attempt.error) if attempt.error is not None else None,
        )
    )
    tx.rings = tx.rings or next_attempt_at is not None
    return True


def postpone(tx: Transaction, ids: Sequence[str], until: datetime) -> None:
    """Moves the next attempt of pending deliveries, which then need another job."""
    for some in batches(list(ids)):
        _change(tx, Deliveries.id.in_(some), next_attempt_at=until, is_queued=False)
    tx.rings = True


def give_up(tx: Transaction, webhook_id: int) -> None:
    """Ends all pending deliveries of a webhook."""
    _change(tx, Deliveries.webhook_id == webhook_id, state=str(DeliveryState.FAILED), next_attempt_at=None)


def attempts_of(tx: Transaction, delivery_id: str) -> list[Attempt]:
    """The attempts of a delivery, oldest first."""
    rows = tx.execute(
        select(DeliveryAttempts)
        .with_only_columns(
            DeliveryAttempts.at,
            DeliveryAttempts.milliseconds,
            DeliveryAttempts.request_headers,
            DeliveryAttempts.status,
            DeliveryAttempts.headers,
            DeliveryAttempts.body,
            DeliveryAttempts.error,
        )
        .join(Deliveries, Deliveries.number == DeliveryAttempts.delivery_number)
        .where(Deliveries.id == delivery_id)
        .order_by(DeliveryAttempts.number)
    )
    return [Attempt(*row) for row in rows]


def sweep(tx: Transaction, before: datetime) -> int:
    """Removes deliveries from before this time that are over; returns their count."""
    return tx.execute(
        delete(Deliveries).where(
            Deliveries.created_at < before, Deliveries.state != str(DeliveryState.PENDING)
        )
    ).rowcount


def _change(tx: Transaction, which: ColumnElement[bool], **values: Any) -> None:
    tx.execute(update(Deliveries).where(which, _PENDING).values(**values))


def _storable(headers: Mapping[str, str]) -> dict[str, str]:
    return {storable(name): storable(value) for name, value in headers.items()}


def _delivery_of(row: Row[*tuple[Any, ...]]) -> Delivery:
    return Delivery(
        id=row.id,
        webhook_id=row.webhook_id,
        event_id=row.event_id,
        event_type=row.event_type,
        body=row.body,
        replay_of=row.replay_of,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        created_at=row.created_at,
        next_attempt_at=row.next_attempt_at,
        last_status=row.last_status,
    )
