"""Opening a database, and its transactions."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from modelkeep.db import schema
from modelkeep.db.bell import Bell
from modelkeep.db.failures import domain_error
from modelkeep.db.transaction import Transaction
from modelkeep.domain.errors import InvalidInput, Unavailable

LOCK_TIMEOUT = 30
"""Seconds that a transaction waits for another's lock, or for a free connection."""

_POOL_SIZE = 20
_WAL_RETRY = 0.01


class Database:
    """A database of the hub; made by :func:`open_database`. Safe to use from many threads, not across a fork.

    On SQLite all writers of a process queue for one connection, so that they get their turn in order instead
    of polling for the file's lock; readers have their own and never wait.

    Attributes:
        bell: Rung after a commit that added to the outbox.
    """

    def __init__(self, url: URL) -> None:
        self.bell = Bell()
        self._is_sqlite = url.get_backend_name() == "sqlite"
        if self._is_sqlite:
            self._reader = _sqlite_engine(url, begin="BEGIN", pool_size=_POOL_SIZE)
            self._writer = _sqlite_engine(url, begin="BEGIN IMMEDIATE", pool_size=1)
        else:
            self._writer = _postgresql_engine(url)
            self._reader = self._writer.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        self._url = url
        self._of_thread = threading.local()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that sees one snapshot and changes nothing.

        Raises:
            Unavailable: The database cannot be reached.
        """
        with _begun(self._reader) as connection:
            yield Transaction(connection, is_write=False)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that is committed, durably, when the block ends, and undone when it raises.

        A thread has at most one at a time; opening a second inside it is a fault of the program, said at once
        (on SQLite it would wait for the first for ever).

        Raises:
            Unavailable: Another writer did not finish within 30 s, or the database cannot be reached; nothing
                was written.
        """
        if getattr(self._of_thread, "is_writing", False):
            raise RuntimeError("a write transaction was opened inside another one")
        self._of_thread.is_writing = True
        try:
            with _begun(self._writer) as connection:
                tx = Transaction(connection, is_write=True)
                yield tx
                tx.write_kept()
        finally:
            self._of_thread.is_writing = False
        if tx.rings:
            self.bell.ring()

    def migrate(self) -> None:
        """Brings the schema up to date; several processes may call it at once.

        Raises:
            Unavailable: The database cannot be reached, or was written by a newer Modelkeep.
            InvalidInput: The PostgreSQL database does not store UTF-8.
        """
        if not self._is_sqlite:
            with _begun(self._writer) as connection:
                schema.upgrade(connection)
            return
        # Rebuilding a table drops it, which with foreign keys on would empty the tables that refer to it.
        engine = _sqlite_engine(self._url, begin="BEGIN IMMEDIATE", pool_size=1, foreign_keys=False)
        try:
            with _begun(engine) as connection:
                schema.upgrade(connection)
        finally:
            engine.dispose()

    def check(self) -> None:
        """Asks whether the database answers and has the schema that this program needs.

        Raises:
            Unavailable: It does not.
        """
        with _begun(self._reader) as connection:
            if schema.revision_of(connection) != schema.head():
                raise Unavailable(
                    "The database does not have the schema of this version of Modelkeep.",
                    code="schema_outdated",
                )

    def close(self) -> None:
        """Closes all connections. The object can be used again and then opens new ones."""
        self._reader.dispose()
        self._writer.dispose()


def open_database(url: str) -> Database:
    """Makes a database ready for use; connections are opened on first need.

    Args:
        url: ``sqlite:////absolute/path`` (the file is created, readable by its owner only) or
            ``postgresql://user@host/name``.

    Raises:
        InvalidInput: It is no such address, or the folder of the SQLite file does not exist.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise _invalid_url("It cannot be read.") from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return Database(_sqlite_url(parsed))
    if backend == "postgresql":
        return Database(parsed.set(drivername="postgresql+psycopg"))
    raise _invalid_url("It names neither SQLite nor PostgreSQL.")


@contextmanager
def _begun(engine: Engine) -> Iterator[Connection]:
    """A connection inside a transaction, with errors of beginning and committing translated."""
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        known = domain_error(error)
        if known is None:
            raise
        raise known from error


def _sqlite_url(url: URL) -> URL:
    path = Path(url.database or "")
    if not path.is_absolute():
        raise _invalid_url("The path of an SQLite file must be absolute: sqlite:////srv/modelkeep/hub.db")
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise _invalid_url(f"Its file cannot be opened: {error.strerror}.") from error
    return url.set(drivername="sqlite+pysqlite")


def _invalid_url(reason: str) -> InvalidInput:
    return InvalidInput(
        f"This database address cannot be used. {reason} Write sqlite:////absolute/path or "
        "postgresql://user@host/name.",
        code="invalid_database_url",
    )


def _sqlite_engine(url: URL, *, begin: str, pool_size: int, foreign_keys: bool = True) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": LOCK_TIMEOUT, "isolation_level": None, "check_same_thread": False},
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=LOCK_TIMEOUT,
        pool_use_lifo=pool_size > 1,
    )

    def configure(connection: sqlite3.Connection, _record: object) -> None:
        _switch_to_wal(connection)
        for pragma in (
            "synchronous = FULL",
            f"foreign_keys = {'ON' if foreign_keys else 'OFF'}",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", start)
    return engine


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Turns write-ahead logging on, as the file then stays.

    Where two processes do so in the same instant, SQLite tells one of them at once that the file is busy, whatever
    its time-out is.
    """
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_WAL_RETRY)
        else:
            return


def _postgresql_engine(url: URL) -> Engine:
    options: Any = url.query.get("options", "")
    return create_engine(
        url.difference_update_query(["options"]),
        connect_args={
            "application_name": "modelkeep",
            "client_encoding": "UTF8",
            "connect_timeout": 10,
            "options": f"{options} -c lock_timeout={LOCK_TIMEOUT}s".strip(),
        },
        pool_size=_POOL_SIZE,
        max_overflow=0,
        pool_timeout=LOCK_TIMEOUT,
        pool_pre_ping=True,
        pool_use_lifo=True,
    )
