"""The schema's migrations: bringing a database up to date, and telling whether it is."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from modelkeep.domain.errors import InvalidInput, Unavailable

_ADVISORY_LOCK = 0x6D6F64656C6B6565
"""The key of PostgreSQL's lock for migrations: the first eight bytes of our name."""


def upgrade(connection: Connection) -> None:
    """Runs the migrations that are missing, inside the connection's transaction: all of them or none.

    The transaction must hold a lock against other migrations: on SQLite it was begun with
    ``BEGIN IMMEDIATE``, on PostgreSQL it takes an advisory lock here.

    Raises:
        Unavailable: The database has a schema that this program does not know.
        InvalidInput: The PostgreSQL database does not store UTF-8.
    """
    is_postgresql = connection.dialect.name == "postgresql"
    if is_postgresql:
        _require_utf8(connection)
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    if revision_of(connection) == head():
        return
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise Unavailable(
            "The database was written by a newer version of Modelkeep; start that one, or restore a backup.",
            code="schema_newer",
        ) from error
    if not is_postgresql and connection.execute(text("PRAGMA foreign_key_check")).first() is not None:
        raise Unavailable(
            "The database holds references to rows that do not exist; restore a backup.", code="schema_broken"
        )


def revision_of(connection: Connection) -> str | None:
    """The revision that a database is at, None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def head() -> str:
    """The revision that this program needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config() -> Config:
    config = Config()
    folder = Path(__file__).with_name("migrations")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


def _require_utf8(connection: Connection) -> None:
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise InvalidInput(
            f"The PostgreSQL database is encoded in {encoding}; create it with ENCODING 'UTF8'.",
            code="invalid_database_encoding",
        )
