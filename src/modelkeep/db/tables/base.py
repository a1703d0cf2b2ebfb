"""The declarative base and the column types that behave alike on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, LargeBinary, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator

BYTEWISE = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that compares byte by byte on both databases, so that sort keys and cursors mean the same on each."""

NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""A signed 64-bit integer (SQLite numbers a new row by itself only in a column called INTEGER)."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant to the microsecond: stored in UTC, aware when read. A naive value is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What a value is."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turns any aware time into UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("a time must be aware")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Gives an aware time in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def sqlite_time(when: datetime | None) -> str | None:
    """A time as :class:`UtcDateTime` stores it on SQLite, for rows that are loaded past SQLAlchemy."""
    return (
        when.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds") if when is not None else None
    )


class Base(DeclarativeBase):
    """Base of all tables. Constraint names are made by rule, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy's name and form)
        str: BYTEWISE,
        int: NUMBER,
        bytes: LargeBinary(),
        datetime: UtcDateTime(),
    }


Serial = Annotated[int, mapped_column(NUMBER, primary_key=True, autoincrement=True)]
"""A number given by the database, never given twice (the tables that use it say ``sqlite_autoincrement``)."""

RepoId = Annotated[str, mapped_column(String(32).with_variant(String(32, collation="C"), "postgresql"))]
"""The id of a repo: 32 hexadecimal characters."""

OidText = Annotated[str, mapped_column(String(64).with_variant(String(64, collation="C"), "postgresql"))]
"""The SHA-256 of a blob: 64 hexadecimal characters."""
