"""Failed log-ins in a row, counted for all processes of the hub."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import case, delete, select

from modelkeep.db.tables import LoginFailures
from modelkeep.db.transaction import Transaction

_MAX_KEY = 200


def recorded_failures(tx: Transaction, key: str) -> tuple[int, datetime] | None:
    """How many failures in a row are recorded under ``key`` and when the last one was; None without any."""
    row = tx.first(
        select(LoginFailures.failures, LoginFailures.last_at).where(LoginFailures.key == _stored(key))
    )
    return (row.failures, row.last_at) if row is not None else None


def record_failure(tx: Transaction, key: str, now: datetime, *, since: datetime | None = None) -> int:
    """Adds a failure and returns how many there are; one before ``since`` is forgotten with all before it."""
    statement = tx.insert(LoginFailures).values(key=_stored(key), failures=1, last_at=now)
    more = LoginFailures.failures + 1
    upsert = statement.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "failures": more if since is None else case((LoginFailures.last_at < since, 1), else_=more),
            "last_at": statement.excluded.last_at,
        },
    )
    count: int = tx.execute(upsert.returning(LoginFailures.failures)).scalar_one()
    return count


def clear(tx: Transaction, key: str) -> None:
    """Forgets the failures under ``key``, after a success."""
    tx.execute(delete(LoginFailures).where(LoginFailures.key == _stored(key)))


def sweep(tx: Transaction, before: datetime) -> int:
    """Forgets the failures whose last one was before this time; returns how many keys that were."""
    return tx.execute(delete(LoginFailures).where(LoginFailures.last_at < before)).rowcount


def _stored(key: str) -> str:
    """The key itself, or a hash of one that somebody made too long or unstorable."""
    if len(key) <= _MAX_KEY and key.isprintable():
        return key
    return "hash:" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
