"""What the index knows about the past of stages, read without the rest of an artifact's events."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

from sqlalchemy import Select, Table, select

from modelkeep.db.batches import batches
from modelkeep.db.registry_rows import EVENT_COLUMNS, event_of_row
from modelkeep.db.tables import RegistryEvents
from modelkeep.db.transaction import Transaction
from modelkeep.domain.events import Event

_COLUMNS = [cast(Table, RegistryEvents.__table__).c[name] for name in EVENT_COLUMNS]


def events_about_stages(tx: Transaction, repo_id: str, artifact: str, stages: Collection[str]) -> list[Event]:
    """The events of these stages, and the registrations and deregistrations at their commits; in no order."""
    of_artifact = (RegistryEvents.repo_id == repo_id, RegistryEvents.artifact == artifact)
    found = _read(tx, select(*_COLUMNS).where(*of_artifact, RegistryEvents.stage.in_(sorted(stages))))
    for some in batches(sorted({event.commit for event in found})):
        found += _read(
            tx,
            select(*_COLUMNS).where(
                *of_artifact, RegistryEvents.version.is_not(None), RegistryEvents.commit_id.in_(some)
            ),
        )
    return found


def _read(tx: Transaction, statement: Select[*tuple[Any, ...]]) -> list[Event]:
    return [event_of_row(row) for row in tx.execute(statement)]
