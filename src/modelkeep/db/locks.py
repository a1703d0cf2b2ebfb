"""LFS file locks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, insert, select

from modelkeep.db.keyset import one_page
from modelkeep.db.tables import LfsLocks, Namespaces
from modelkeep.db.transaction import Transaction
from modelkeep.domain.errors import AlreadyExists, InvalidInput
from modelkeep.domain.paging import Page, PageRequest, page_of
from modelkeep.domain.repos import Lock

MAX_PATH = 2000
"""Bytes of a path that can be locked; PostgreSQL cannot index much more."""


def create_lock(
    tx: Transaction,
    *,
    lock_id: str,
    repo_id: str,
    path: str,
    ref: str | None,
    owner_id: int,
    now: datetime,
) -> Lock:
    """Locks a path for somebody. ``lock_id`` is opaque and must be new.

    Raises:
        AlreadyExists: It is locked; :func:`lock_by_path` says by whom, in the same transaction if need be.
        InvalidInput: The path is too long.
        Conflict: There is no such repo or user.
    """
    if len(path.encode("utf-8", "surrogatepass")) > MAX_PATH:
        raise InvalidInput(f"A locked path has at most {MAX_PATH} bytes.", code="invalid_path")
    with tx.unique(AlreadyExists("The path is locked already.", code="lock_exists", path=path)):
        tx.execute(
            insert(LfsLocks).values(
                id=lock_id, repo_id=repo_id, path=path, ref=ref, owner_id=owner_id, locked_at=now
            )
        )
    return _lock_of(tx.execute(_locks(repo_id).where(LfsLocks.id == lock_id)).one())


def list_locks(
    tx: Transaction,
    repo_id: str,
    page: PageRequest,
    *,
    path: str | None = None,
    lock_id: str | None = None,
    ref: str | None = None,
) -> Page[Lock]:
    """The locks of a repo, by path; with a path, an id or a ref only those that fit."""
    statement = _locks(repo_id)
    if path is not None:
        statement = statement.where(LfsLocks.path == path)
    if lock_id is not None:
        statement = statement.where(LfsLocks.id == lock_id)
    if ref is not None:
        statement = statement.where(LfsLocks.ref == ref)
    rows = tx.execute(one_page(statement, [LfsLocks.path], page))
    return page_of([((row.path,), _lock_of(row)) for row in rows], page.limit)


def lock_by_path(tx: Transaction, repo_id: str, path: str) -> Lock | None:
    """The lock of a path."""
    row = tx.first(_locks(repo_id).where(LfsLocks.path == path))
    return _lock_of(row) if row is not None else None


def lock_by_id(tx: Transaction, repo_id: str, lock_id: str) -> Lock | None:
    """The lock of this id, whatever a client has put there."""
    row = tx.first(_locks(repo_id).where(LfsLocks.id == lock_id))
    return _lock_of(row) if row is not None else None


def delete_lock(tx: Transaction, repo_id: str, lock_id: str) -> bool:
    """Opens a lock; False where there is none (somebody else may have opened it)."""
    return (
        tx.execute(delete(LfsLocks).where(LfsLocks.repo_id == repo_id, LfsLocks.id == lock_id)).rowcount > 0
    )


def _locks(repo_id: str) -> Select[*tuple[Any, ...]]:
    return (
        select(
            LfsLocks.id, LfsLocks.path, LfsLocks.ref, LfsLocks.owner_id, Namespaces.name, LfsLocks.locked_at
        )
        .join(Namespaces, Namespaces.id == LfsLocks.owner_id)
        .where(LfsLocks.repo_id == repo_id)
    )


def _lock_of(row: Row[*tuple[Any, ...]]) -> Lock:
    return Lock(row.id, row.path, row.ref, row.owner_id, row.name, row.locked_at)
