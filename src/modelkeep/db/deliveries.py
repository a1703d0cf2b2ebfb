"""Deliveries: which event goes to which webhook, every attempt, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, case, delete, func, insert, or_, select, update

from modelkeep.db.keyset import one_page
from modelkeep.db.storable import storable
from modelkeep.db.tables import Deliveries, DeliveryAttempts, Webhooks
from modelkeep.db.transaction import Transaction
from modelkeep.db.webhooks import Place
from modelkeep.domain.outbox import PING
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
_URGENT = or_(Deliveries.replay_of.is_not(None), Deliveries.event_type == PING)


def add_deliveries(tx: Transaction, deliveries: Sequence[Delivery]) -> None:
    """Adds deliveries; one of an event that its webhook has already, and no replay, is left out."""
    values = [
        {
            "id": one.id,
            "webhook_id": one.webhook_id,
            "event_id": one.event_id,
            "event_type": one.event_type,
            "body": one.body,
            "replay_of": one.replay_of,
            "state": str(one.state),
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


def due(
    tx: Transaction, webhook_id: int, now: datetime, *, limit: int, urgent_only: bool = False
) -> list[Delivery]:
    """The deliveries of a webhook whose time has come: what somebody waits for first, then oldest first."""
    statement = select(*_COLUMNS).where(
        Deliveries.webhook_id == webhook_id, _PENDING, Deliveries.next_attempt_at <= now
    )
    if urgent_only:
        statement = statement.where(_URGENT)
    order = (case((_URGENT, 0), else_=1), Deliveries.number)
    return [_delivery_of(row) for row in tx.execute(statement.order_by(*order).limit(limit))]


@dataclass(frozen=True, slots=True)
class Waiting:
    """When a webhook has something to send next, and something that somebody waits for; when its next job begins."""

    webhook_id: int
    at: datetime
    urgent_at: datetime | None
    paused_until: datetime | None
    job_at: datetime | None


def waiting(tx: Transaction) -> list[Waiting]:
    """The webhooks that have something to send."""
    rows = tx.execute(
        select(
            Webhooks.id,
            func.min(Deliveries.next_attempt_at),
            func.min(case((_URGENT, Deliveries.next_attempt_at))),
            Webhooks.paused_until,
            Webhooks.job_at,
        )
        .join(Deliveries, Deliveries.webhook_id == Webhooks.id)
        .where(_PENDING)
        .group_by(Webhooks.id, Webhooks.paused_until, Webhooks.job_at)
    )
    return [Waiting(*row) for row in rows]


def record_attempt(
    tx: Transaction,
    delivery: Delivery,
    attempt: Attempt,
    state: DeliveryState,
    next_attempt_at: datetime | None,
) -> bool:
    """Notes what became of a delivery's next attempt; False where somebody else noted that one before.

    Args:
        tx: The transaction.
        delivery: As it was before the attempt.
        attempt: What became of it.
        state: Of the delivery now.
        next_attempt_at: When to try again; None for never.
    """
    changed = tx.execute(
        update(Deliveries)
        .where(Deliveries.id == delivery.id, Deliveries.attempts == delivery.attempts)
        .values(
            state=str(state),
            attempts=delivery.attempts + 1,
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


def give_up(tx: Transaction, webhook_id: int) -> None:
    """Ends all pending deliveries of a webhook."""
    tx.execute(
        update(Deliveries)
        .where(Deliveries.webhook_id == webhook_id, _PENDING)
        .values(state=str(DeliveryState.FAILED), next_attempt_at=None)
    )


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
