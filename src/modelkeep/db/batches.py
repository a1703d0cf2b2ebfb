"""Many values at once: lists cut to what one statement can carry, and rows loaded in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from modelkeep.db.failures import domain_error
from modelkeep.db.tables import Base
from modelkeep.db.transaction import Transaction

T = TypeVar("T")

BATCH = 1000
"""Values in one ``IN (…)``: far below SQLite's 32,766 parameters, and what one LFS batch may ask."""


def batches(values: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """Cuts a list into pieces of at most ``size``; nothing for an empty one."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def load_rows(
    tx: Transaction, table: type[Base], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Inserts many rows of a table; on PostgreSQL by ``COPY``.

    Raises:
        AlreadyExists: A row with such a key is there already.
        InvalidInput: A value that no column can hold.
    """
    values = rows if isinstance(rows, list) else list(rows)
    if not values:
        return
    if tx.dialect == "sqlite":
        tx.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in values])
        return
    _copy(tx, table, columns, values)


def _copy(tx: Transaction, table: type[Base], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    quoted = tx.connection.dialect.identifier_preparer.quote
    names = ", ".join(quoted(name) for name in columns)
    driver: Any = tx.connection.connection.driver_connection
    try:
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY {quoted(table.__tablename__)} ({names}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)
    except driver.Error as error:
        wrapped = _wrapped(tx, error)
        known = domain_error(wrapped)
        if known is None:
            raise
        raise known from error


def _wrapped(tx: Transaction, error: Exception) -> Exception:
    """The driver's error as SQLAlchemy would have raised it."""
    dialect = tx.connection.dialect
    wrapped: Exception = DBAPIError.instance("COPY", None, error, dialect.loaded_dbapi.Error, dialect=dialect)
    return wrapped
