"""Keyset paging: the rows after a cursor's key, by an index, however far down the list one is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from modelkeep.db.storable import storable
from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.paging import PageRequest

SortColumn = InstrumentedAttribute[Any] | Column[Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_INT = 2**63 - 1


def one_page(
    statement: Select[*tuple[Any, ...]],
    columns: Sequence[SortColumn],
    page: PageRequest,
    *,
    is_descending: bool = False,
    is_inclusive: bool = False,
) -> Select[*tuple[Any, ...]]:
    """Orders a query by ``columns`` (together unique), starts after the cursor, and reads one row too many.

    With ``is_inclusive`` it starts with the cursor's own row.

    Raises:
        InvalidInput: The cursor belongs to another list.
    """
    order = [column.desc() if is_descending else column.asc() for column in columns]
    limited = statement.order_by(*order).limit(page.limit + 1)
    if page.after is None:
        return limited
    if len(page.after) != len(columns):
        raise _foreign_cursor()
    left: ColumnElement[Any] = tuple_(*columns)
    right = tuple_(
        *(
            literal(_as_type(column.type.python_type, part), column.type)
            for column, part in zip(columns, page.after, strict=True)
        )
    )
    if is_inclusive:
        return limited.where(left <= right if is_descending else left >= right)
    return limited.where(left < right if is_descending else left > right)


def microseconds(when: datetime) -> int:
    """A time as part of a cursor's key: microseconds since 1970."""
    return (when - _EPOCH) // timedelta(microseconds=1)


def _as_type(kind: type, part: str | int | None) -> str | int | datetime:
    if kind is str and isinstance(part, str):
        if part == storable(part):
            return part
    elif isinstance(part, int) and abs(part) <= _MAX_INT:
        if kind is int:
            return part
        if kind is datetime:
            try:
                return _EPOCH + timedelta(microseconds=part)
            except OverflowError:
                pass
    raise _foreign_cursor()


def _foreign_cursor() -> InvalidInput:
    return InvalidInput("This cursor belongs to another list; start again without it.", code="invalid_cursor")
