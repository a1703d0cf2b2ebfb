"""The outbox: what changed, as a stream in the order in which changes were committed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, text

from modelkeep.db.keyset import one_page
from modelkeep.db.storable import storable
from modelkeep.db.tables import OutboxEvents
from modelkeep.db.transaction import Transaction
from modelkeep.domain.outbox import NewOutboxEvent, OutboxEvent
from modelkeep.domain.paging import Page, PageRequest, page_of

_ADVISORY_LOCK = 0x6D6B6F7574626F78
"""PostgreSQL's lock for whoever appends, from the first row to the commit: "mkoutbox"."""

_COLUMNS = (
    OutboxEvents.sequence,
    OutboxEvents.id,
    OutboxEvents.type,
    OutboxEvents.at,
    OutboxEvents.repo,
    OutboxEvents.repo_id,
    OutboxEvents.namespace_id,
    OutboxEvents.actor,
    OutboxEvents.data,
)

_INSERT = insert(OutboxEvents)


def append(tx: Transaction, events: Sequence[NewOutboxEvent]) -> None:
    """Adds events to the stream, in this order, when the transaction is about to be committed.

    On PostgreSQL they take their sequence numbers under a lock that the commit releases, so that numbers become visible
    in order; taken last of all locks, it cannot be part of a deadlock.
    """
    if events:
        rows = tx.kept_for_end(_insert)
        rows += [_values(event) for event in events]


def events_after(
    tx: Transaction,
    sequence: int,
    *,
    limit: int,
    repo_id: str | None = None,
    types: Sequence[str] = (),
) -> list[OutboxEvent]:
    """The next events of the stream, of one repo or of all."""
    statement = select(*_COLUMNS).where(OutboxEvents.sequence > sequence)
    if repo_id is not None:
        statement = statement.where(OutboxEvents.repo_id == repo_id)
    if types:
        statement = statement.where(OutboxEvents.type.in_(types))
    rows = tx.execute(statement.order_by(OutboxEvents.sequence).limit(limit))
    return [OutboxEvent(*row) for row in rows]


def list_events(
    tx: Transaction, page: PageRequest, repo_id: str, *, after: int = 0, types: Sequence[str] = ()
) -> Page[OutboxEvent]:
    """The events of a repo, oldest first.

    Raises:
        InvalidInput: The cursor belongs to another list.
    """
    statement = select(*_COLUMNS).where(OutboxEvents.repo_id == repo_id, OutboxEvents.sequence > after)
    if types:
        statement = statement.where(OutboxEvents.type.in_(types))
    rows = tx.execute(one_page(statement, [OutboxEvents.sequence], page))
    return page_of([((row.sequence,), OutboxEvent(*row)) for row in rows], page.limit)


def repos_since(tx: Transaction, sequence: int, limit: int) -> tuple[int, set[str]]:
    """The sequence of the last of the next events, and the ids of the repos that they are about."""
    rows = tx.execute(
        select(OutboxEvents.sequence, OutboxEvents.repo_id)
        .where(OutboxEvents.sequence > sequence)
        .order_by(OutboxEvents.sequence)
        .limit(limit)
    ).all()
    return (rows[-1].sequence if rows else sequence), {row.repo_id for row in rows if row.repo_id}


def last_sequence(tx: Transaction) -> int:
    """Where the stream ends; 0 where it is empty."""
    return int(tx.scalar(select(func.max(OutboxEvents.sequence))) or 0)


def sweep(tx: Transaction, before: datetime) -> int:
    """Removes the events from before this time; returns their count."""
    return tx.execute(delete(OutboxEvents).where(OutboxEvents.at < before)).rowcount


def _insert(tx: Transaction, rows: list[dict[str, Any]]) -> None:
    if tx.dialect == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    tx.execute(_INSERT, rows)
    tx.rings = True


def _values(event: NewOutboxEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "type": event.type,
        "at": event.at,
        "repo": event.repo,
        "repo_id": event.repo_id,
        "namespace_id": event.namespace_id,
        "actor": storable(event.actor),
        "data": _storable_json(event.data),
    }


def _storable_json(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): _storable_json(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_storable_json(part) for part in value]
    return value
