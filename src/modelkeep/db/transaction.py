"""A transaction: what every function of this package works in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable, Row
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.dml import UpdateBase

from modelkeep.db.failures import Duplicate, domain_error
from modelkeep.db.tables import Base
from modelkeep.domain.errors import AlreadyExists

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Transaction:
    """A thin wrapper around a connection that is inside a transaction; belongs to one thread.

    It is made by :meth:`modelkeep.db.engine.Database.read` and ``write``, which also end it. Only modules of
    this package use its methods.

    Attributes:
        is_write: Whether it may change anything.
        rings: Whether the hub's bell is rung once it is committed.
    """

    def __init__(self, connection: Connection, *, is_write: bool) -> None:
        self._connection = connection
        self._kept: dict[Callable[[Transaction, list[Any]], None], list[Any]] = {}
        self.is_write = is_write
        self.rings = False

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._connection.dialect.name

    def execute(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Runs a statement.

        Raises:
            AlreadyExists: A unique key was refused (see :meth:`unique` for a better message).
            Conflict: A foreign key was refused.
            InvalidInput: A value that no column can hold.
            Unavailable: A lock was not given in time, or the database cannot be reached.
        """
        if not self.is_write and isinstance(statement, UpdateBase):
            raise TypeError("a read transaction was asked to write")
        try:
            return self._connection.execute(statement, parameters)
        except (SQLAlchemyError, OverflowError, UnicodeEncodeError) as error:
            known = domain_error(error)
            if known is None:
                raise
            raise known from error

    def first(self, statement: Executable) -> Row[*tuple[Any, ...]] | None:
        """The first row of a query, None without one."""
        return self.execute(statement).first()

    def scalar(self, statement: Executable) -> Any:
        """The first column of the first row, None without one."""
        return self.execute(statement).scalar()

    def insert(self, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that can say what to do ``ON CONFLICT``, in the words of this database."""
        return sqlite.insert(table) if self.dialect == "sqlite" else postgresql.insert(table)

    @contextmanager
    def unique(self, taken: AlreadyExists) -> Iterator[None]:
        """Raises ``taken`` when a unique key is refused inside; the transaction goes on without the block."""
        try:
            with self._connection.begin_nested():
                yield
        except Duplicate as error:
            raise taken from error

    def kept_for_end(self, write: Callable[[Transaction, list[Any]], None]) -> list[Any]:
        """What ``write`` is given just before the commit; the list is the caller's to extend."""
        if not self.is_write:
            raise TypeError("a read transaction was asked to write")
        return self._kept.setdefault(write, [])

    def write_kept(self) -> None:
        """Writes what was kept for the end. Whoever commits the transaction calls it."""
        while self._kept:
            write, rows = self._kept.popitem()
            write(self, rows)

    @property
    def connection(self) -> Connection:
        """The connection itself, for bulk loading and tests."""
        return self._connection
