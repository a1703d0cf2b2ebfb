"""A set of rows made to be exactly this, by writing only what differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Table

from modelkeep.db.batches import load_rows
from modelkeep.db.tables import Base
from modelkeep.db.tables.base import UtcDateTime, sqlite_time
from modelkeep.db.transaction import Transaction


def replace_rows(
    tx: Transaction, mapped: type[Base], columns: Sequence[str], repo_id: str, rows: Sequence[tuple[Any, ...]]
) -> None:
    """Makes a table say exactly this about one repo.

    Rows that are there already stay as they are, so that repairing a large index costs little more than reading it.

    Args:
        tx: The transaction.
        mapped: The table; it has a column ``repo_id`` in its primary key.
        columns: All its columns, in the order of the values in a row.
        repo_id: Of every row.
        rows: Everything that the table is to hold of this repo.

    Raises:
        AlreadyExists: Two of the rows have the same key.
        InvalidInput: A value that no column can hold.
    """
    table = cast("Table", mapped.__table__)
    present = _present(tx, table, columns, repo_id)
    if not present:
        load_rows(tx, mapped, columns, rows)
        return
    wanted = _as_stored(tx, table, columns, rows)
    missing = [row for row, stored in zip(rows, wanted, strict=True) if stored not in present]
    keys = [place for place, name in enumerate(columns) if table.c[name].primary_key]
    gone = [tuple(row[place] for place in keys) for row in present.difference(wanted)]
    if gone:
        mark = _mark(tx)
        where = " AND ".join(f"{columns[place]} = {mark}" for place in keys)
        tx.connection.exec_driver_sql(f"DELETE FROM {table.name} WHERE {where}", gone)  # noqa: S608 (our own names)
    load_rows(tx, mapped, columns, missing)


def _present(tx: Transaction, table: Table, columns: Sequence[str], repo_id: str) -> set[tuple[Any, ...]]:
    """The repo's rows as the driver gives them."""
    quote = tx.connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in columns)
    statement = f"SELECT {names} FROM {table.name} WHERE repo_id = {_mark(tx)}"  # noqa: S608 (our own names)
    driver: Any = tx.connection.connection.driver_connection
    return set(driver.execute(statement, (repo_id,)).fetchall())


def _as_stored(
    tx: Transaction, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> Sequence[tuple[Any, ...]]:
    """The rows as the driver would give them, were they stored."""
    times = [place for place, name in enumerate(columns) if isinstance(table.c[name].type, UtcDateTime)]
    if tx.dialect == "sqlite":
        for at in times:
            rows = [(*row[:at], sqlite_time(row[at]), *row[at + 1 :]) for row in rows]
    return rows


def _mark(tx: Transaction) -> str:
    return "?" if tx.dialect == "sqlite" else "%s"
