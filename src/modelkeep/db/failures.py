"""Driver errors as domain errors. Everything that a database can refuse is translated here, at once."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from modelkeep.domain.errors import AlreadyExists, Conflict, InvalidInput, ModelkeepError, Unavailable

_SQLITE_UNIQUE = frozenset({sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY})
_SQLITE_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SQLITE_BROKEN = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
_POSTGRES_BUSY = frozenset({"40001", "40P01", "53300", "55P03", "57014"})
"""Serialisation failure, deadlock, too many connections, lock time-out, statement time-out."""


class Duplicate(AlreadyExists):
    """A unique key was refused; the noun's module says which, in its own words."""


def domain_error(error: Exception) -> ModelkeepError | None:
    """What a driver error means; None where it is a fault of ours that must stay loud (a wrong statement)."""
    if isinstance(error, PoolTimeout):
        return _busy()
    if isinstance(error, (OverflowError, UnicodeEncodeError)):
        return _unstorable()
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error, IntegrityError):
        return _refused_by_constraint(error)
    if isinstance(error, DataError):
        return _unstorable()
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return _unreachable()
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return _of_sqlite(code & 0xFF)
    if isinstance(error, OperationalError):
        return _busy() if getattr(error.orig, "sqlstate", None) in _POSTGRES_BUSY else _unreachable()
    return None


def _refused_by_constraint(error: IntegrityError) -> ModelkeepError | None:
    code = getattr(error.orig, "sqlite_errorcode", None)
    state = getattr(error.orig, "sqlstate", None)
    if code in _SQLITE_UNIQUE or state == "23505":
        return Duplicate("This exists already.")
    if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY or state == "23503":
        return Conflict(
            "Something that this refers to has gone, or something else still refers to it; look again.",
            code="reference_broken",
        )
    return None


def _of_sqlite(primary_code: int) -> ModelkeepError | None:
    if primary_code in _SQLITE_BUSY:
        return _busy()
    if primary_code == sqlite3.SQLITE_TOOBIG:
        return _unstorable()
    return _unreachable() if primary_code in _SQLITE_BROKEN else None


def _busy() -> Unavailable:
    return Unavailable("The hub's database is busy; try again in a moment.", code="database_busy")


def _unreachable() -> Unavailable:
    return Unavailable("The hub's database cannot be used now; try again later.", code="database_unavailable")


def _unstorable() -> InvalidInput:
    return InvalidInput(
        "A value cannot be stored: it holds a NUL or half a character, or a number is beyond 64 bits.",
        code="invalid_value",
    )
