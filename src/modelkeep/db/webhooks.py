"""Webhooks: whom to tell of events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, exists, func, insert, select, update

from modelkeep.db.keyset import one_page
from modelkeep.db.storable import storable
from modelkeep.db.tables import Webhooks
from modelkeep.db.transaction import Transaction
from modelkeep.domain.paging import Page, PageRequest, page_of
from modelkeep.domain.webhooks import EventFilter, Webhook

_COLUMNS = (
    Webhooks.id,
    Webhooks.repo_id,
    Webhooks.namespace_id,
    Webhooks.url,
    Webhooks.description,
    Webhooks.events,
    Webhooks.artifacts,
    Webhooks.stages,
    Webhooks.is_active,
    Webhooks.after_sequence,
    Webhooks.failing_since,
    Webhooks.paused_until,
    Webhooks.created_at,
    Webhooks.created_by,
)


@dataclass(frozen=True, slots=True)
class Place:
    """What a webhook belongs to: one repo, or one namespace."""

    repo_id: str | None = None
    namespace_id: int | None = None


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of a webhook, sealed; the old one counts until ``old_until``."""

    present: bytes
    old: bytes | None
    old_until: datetime | None


def add_webhook(
    tx: Transaction,
    place: Place,
    *,
    url: str,
    description: str,
    wanted: EventFilter,
    is_active: bool,
    secret: bytes,
    after_sequence: int,
    created_by: str,
    now: datetime,
) -> int:
    """Adds a webhook and gives its number."""
    statement = insert(Webhooks).values(
        repo_id=place.repo_id,
        namespace_id=place.namespace_id,
        url=url,
        description=storable(description),
        **_filter_values(wanted),
        is_active=is_active,
        secret=secret,
        after_sequence=after_sequence,
        created_at=now,
        created_by=created_by,
    )
    return int(tx.execute(statement.returning(Webhooks.id)).scalar_one())


def webhook_by_id(tx: Transaction, webhook_id: int) -> Webhook | None:
    """The webhook of this number."""
    row = tx.first(select(*_COLUMNS).where(Webhooks.id == webhook_id))
    return _webhook_of(row) if row is not None else None


def webhook_in(tx: Transaction, place: Place, webhook_id: int) -> Webhook | None:
    """The webhook of this number, if it belongs to this place."""
    row = tx.first(select(*_COLUMNS).where(Webhooks.id == webhook_id, _of(place)))
    return _webhook_of(row) if row is not None else None


def list_webhooks(tx: Transaction, place: Place, page: PageRequest) -> Page[Webhook]:
    """The webhooks of a place, oldest first.

    Raises:
        InvalidInput: The cursor belongs to another list.
    """
    rows = tx.execute(one_page(select(*_COLUMNS).where(_of(place)), [Webhooks.id], page))
    return page_of([((row.id,), _webhook_of(row)) for row in rows], page.limit)


def count_webhooks(tx: Transaction, place: Place) -> int:
    """How many webhooks a place has."""
    return int(tx.scalar(select(func.count()).select_from(Webhooks).where(_of(place))))


def active_webhooks(tx: Transaction) -> list[Webhook]:
    """All webhooks that are switched on."""
    rows = tx.execute(select(*_COLUMNS).where(Webhooks.is_active.is_(True)).order_by(Webhooks.id))
    return [_webhook_of(row) for row in rows]


def any_active(tx: Transaction) -> bool:
    """Whether there is a webhook that is switched on."""
    return bool(tx.scalar(select(exists().where(Webhooks.is_active.is_(True)))))


def update_webhook(tx: Transaction, webhook_id: int, **values: Any) -> None:
    """Changes columns; ``wanted`` stands for the three of the filter."""
    wanted = values.pop("wanted", None)
    if wanted is not None:
        values |= _filter_values(wanted)
    if values:
        tx.execute(update(Webhooks).where(Webhooks.id == webhook_id).values(**values))


def with_jobs(tx: Transaction, before: datetime | None = None) -> list[int]:
    """The webhooks that a job was made for, to begin before this time."""
    statement = select(Webhooks.id).where(Webhooks.job_at.is_not(None))
    if before is not None:
        statement = statement.where(Webhooks.job_at < before)
    return [row.id for row in tx.execute(statement)]


def remove_webhook(tx: Transaction, webhook_id: int) -> None:
    """Removes a webhook with its deliveries."""
    tx.execute(delete(Webhooks).where(Webhooks.id == webhook_id))


def secrets_of(tx: Transaction, webhook_id: int) -> Secrets | None:
    """The sealed secrets of a webhook."""
    row = tx.first(
        select(Webhooks.secret, Webhooks.old_secret, Webhooks.old_secret_until).where(
            Webhooks.id == webhook_id
        )
    )
    return Secrets(*row) if row is not None else None


def _of(place: Place) -> ColumnElement[bool]:
    if place.repo_id is not None:
        return Webhooks.repo_id == place.repo_id
    return Webhooks.namespace_id == place.namespace_id


def _filter_values(wanted: EventFilter) -> dict[str, list[str]]:
    return {
        "events": list(wanted.events),
        "artifacts": list(wanted.artifacts),
        "stages": list(wanted.stages),
    }


def _webhook_of(row: Row[*tuple[Any, ...]]) -> Webhook:
    return Webhook(
        id=row.id,
        repo_id=row.repo_id,
        namespace_id=row.namespace_id,
        url=row.url,
        description=row.description,
        filter=EventFilter(tuple(row.events), tuple(row.artifacts), tuple(row.stages)),
        is_active=row.is_active,
        after_sequence=row.after_sequence,
        failing_since=row.failing_since,
        paused_until=row.paused_until,
        created_at=row.created_at,
        created_by=row.created_by,
    )
