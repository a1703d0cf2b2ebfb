"""Mirrors: which namespaces take over repos of which others."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select

from modelkeep.db.storable import storable
from modelkeep.db.tables import Imports, Mirrors, Namespaces, Repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.imports import Choice, ImportState
from modelkeep.domain.mirrors import Mirror
from modelkeep.domain.repos import RepoKind


def set_mirror(
    tx: Transaction,
    namespace_id: int,
    *,
    endpoint: str,
    source: str,
    token: bytes | None,
    fresh_for: timedelta,
    choice: Choice,
    kinds: tuple[RepoKind, ...],
    set_by: Actor,
    now: datetime,
) -> None:
    """Makes a namespace a mirror, in place of what it was before."""
    remove_mirror(tx, namespace_id)
    tx.execute(
        insert(Mirrors).values(
            namespace_id=namespace_id,
            endpoint=storable(endpoint),
            source=storable(source),
            token=token,
            fresh_for=int(fresh_for.total_seconds()),
            include=list(choice.include),
            exclude=list(choice.exclude),
            kinds=[str(kind) for kind in kinds],
            set_at=now,
            set_by=set_by.username,
            set_by_id=set_by.user_id,
        )
    )


def mirror_of(tx: Transaction, namespace_id: int) -> Mirror | None:
    """What a namespace is a mirror of."""
    row = tx.first(select(*_columns()).where(Mirrors.namespace_id == namespace_id))
    return _mirror_of(row) if row is not None else None


def remove_mirror(tx: Transaction, namespace_id: int) -> bool:
    """Makes a namespace an ordinary one again; False if it was."""
    gone = tx.execute(
        delete(Mirrors).where(Mirrors.namespace_id == namespace_id).returning(Mirrors.namespace_id)
    )
    return gone.first() is not None


def token_of_mirror(tx: Transaction, namespace_id: int) -> bytes | None:
    """The sealed token of a mirror."""
    found: bytes | None = tx.scalar(select(Mirrors.token).where(Mirrors.namespace_id == namespace_id))
    return found


def mirrored_names(tx: Transaction) -> frozenset[str]:
    """The folded names of all namespaces that are mirrors."""
    rows = tx.execute(select(Namespaces.name_folded).join(Mirrors, Mirrors.namespace_id == Namespaces.id))
    return frozenset(row.name_folded for row in rows)


def count_waiting(tx: Transaction, namespace_id: int) -> int:
    """How many repos of a namespace wait for the end of their first import."""
    statement = (
        select(func.count())
        .select_from(Imports)
        .join(Repos, Repos.id == Imports.repo_id)
        .where(
            Repos.namespace_id == namespace_id,
            Repos.deleted_at.is_(None),
            Imports.result_commit.is_(None),
            Imports.state.in_([str(ImportState.QUEUED), str(ImportState.RUNNING)]),
        )
    )
    return int(tx.scalar(statement) or 0)


def _columns() -> tuple[Any, ...]:
    shown = [column for column in Mirrors.__table__.columns if column.name != "token"]
    return (*shown, Mirrors.token.is_not(None).label("has_token"))


def _mirror_of(row: Row[*tuple[Any, ...]]) -> Mirror:
    return Mirror(
        namespace_id=row.namespace_id,
        endpoint=row.endpoint,
        source=row.source,
        has_token=bool(row.has_token),
        fresh_for=timedelta(seconds=row.fresh_for),
        choice=Choice(tuple(row.include), tuple(row.exclude)),
        kinds=tuple(RepoKind(kind) for kind in row.kinds),
        set_at=row.set_at,
        set_by=row.set_by,
        set_by_id=row.set_by_id,
    )
