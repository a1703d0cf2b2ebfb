"""Many values at once: lists cut to what one statement can carry, and rows loaded in bulk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, cast

from sqlalchemy import Table
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from modelkeep.db.failures import domain_error
from modelkeep.db.tables import Base
from modelkeep.db.tables.base import UtcDateTime, sqlite_time
from modelkeep.db.transaction import Transaction

T = TypeVar("T")

BATCH = 1000
"""Values in one ``IN (…)``: far below SQLite's 32,766 parameters, and what one LFS batch may ask."""


def batches(values: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """Cuts a list into pieces of at most ``size``; nothing for an empty one."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def load_rows(
    tx: Transaction, table: type[Base], columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Inserts many rows of a table past SQLAlchemy's parameters: ``executemany``, or ``COPY`` on PostgreSQL.

    Raises:
        AlreadyExists: A row with such a key is there already.
        InvalidInput: A value that no column can hold.
    """
    if not rows:
        return
    load = _insert if tx.dialect == "sqlite" else _copy
    try:
        load(tx, cast("Table", table.__table__), columns, rows)
    except (SQLAlchemyError, OverflowError, UnicodeEncodeError) as error:
        known = domain_error(error)
        if known is None:
            raise
        raise known from error


def _insert(tx: Transaction, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table.name} ({_quoted(tx, columns)}) VALUES ({marks})"  # noqa: S608 (our own names)
    times = [place for place, name in enumerate(columns) if isinstance(table.c[name].type, UtcDateTime)]
    tx.connection.exec_driver_sql(
        statement, [_with_times(row, times) for row in rows] if times else list(rows)
    )


def _with_times(row: tuple[Any, ...], times: Sequence[int]) -> tuple[Any, ...]:
    values = list(row)
    for place in times:
        values[place] = sqlite_time(values[place])
    return tuple(values)


def _copy(tx: Transaction, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    statement = f"COPY {table.name} ({_quoted(tx, columns)}) FROM STDIN"
    driver: Any = tx.connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except driver.Error as error:
        dialect = tx.connection.dialect
        raise DBAPIError.instance(
            statement, None, error, dialect.loaded_dbapi.Error, dialect=dialect
        ) from error


def _quoted(tx: Transaction, columns: Sequence[str]) -> str:
    quote = tx.connection.dialect.identifier_preparer.quote
    return ", ".join(quote(name) for name in columns)
