"""What the index knows about the past of a stage, read without the rest of an artifact's events."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Select, Table, select

from modelkeep.db.batches import batches
from modelkeep.db.registry_rows import EVENT_COLUMNS, event_of_row
from modelkeep.db.tables import RegistryEvents
from modelkeep.db.transaction import Transaction
from modelkeep.domain.events import Event

_COLUMNS = [cast(Table, RegistryEvents.__table__).c[name] for name in EVENT_COLUMNS]


def events_about_stage(
    tx: Transaction, repo_id: str, artifact: str, stage: str, newest: int | None = None
) -> tuple[list[Event], bool]:
    """The events of a stage, and the registrations and deregistrations at their commits; in no order.

    Args:
        tx: The transaction.
        repo_id: Which repo.
        artifact: Which artifact.
        stage: Which stage.
        newest: Only so many of the stage's, the last ones; None for all.

    Returns:
        The events, and whether all of the stage's are among them.
    """
    of_artifact = (RegistryEvents.repo_id == repo_id, RegistryEvents.artifact == artifact)
    of_stage = select(*_COLUMNS).where(*of_artifact, RegistryEvents.stage == stage)
    order = (RegistryEvents.at.desc(), RegistryEvents.tag.desc())
    found = _read(tx, of_stage.order_by(*order).limit(newest))
    is_all = newest is None or len(found) < newest
    for some in batches(sorted({event.commit for event in found})):
        at_commits = _read(tx, select(*_COLUMNS).where(*of_artifact, RegistryEvents.commit_id.in_(some)))
        found += [event for event in at_commits if event.version is not None]
    return found, is_all


def _read(tx: Transaction, statement: Select[*tuple[Any, ...]]) -> list[Event]:
    return [event_of_row(row) for row in tx.execute(statement)]
