"""The migrations: they build the declared schema, once, whoever starts first."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from modelkeep.db import hub
from modelkeep.db.engine import Database, open_database
from modelkeep.db.tables import Base
from modelkeep.domain.errors import InvalidInput, Unavailable
from tests.contract.db.conftest import create_postgresql_database


def test_migrations_build_the_declared_tables(database: Database) -> None:
    with database.read() as tx:
        context = MigrationContext.configure(
            tx.connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = open_database(url)
    try:
        yield database
    finally:
        database.close()


def _sqlite_schema(connection: Connection) -> set[Any]:
    rows = connection.execute(
        text("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
    )
    # A table that was rebuilt by a migration has its name in quotes.
    return {
        (row.type, row.name, " ".join(re.sub(r"([(),])", r" \1 ", row.sql.replace('"', "")).split()))
        for row in rows
        if row.name != "alembic_version"
    }


def _sorted_lines(schema: set[Any]) -> set[Any]:
    """The order of columns in a table does not count."""
    return {(kind, name, tuple(sorted(sql.replace(" ,", "").split()))) for kind, name, sql in schema}


def test_a_fresh_sqlite_schema_is_the_migrated_one(tmp_path: Path) -> None:
    with _opened(f"sqlite:///{tmp_path / 'fresh.db'}") as fresh, fresh.write() as tx:
        Base.metadata.create_all(tx.connection)
        declared = _sqlite_schema(tx.connection)
    with _opened(f"sqlite:///{tmp_path / 'migrated.db'}") as migrated:
        migrated.migrate()
        with migrated.read() as tx:
            assert _sorted_lines(_sqlite_schema(tx.connection)) == _sorted_lines(declared)


_POSTGRESQL_SCHEMA = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name,"
    " character_maximum_length FROM information_schema.columns WHERE table_schema = 'public'",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace",
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
)


def _postgresql_schema(connection: Connection) -> list[set[tuple[Any, ...]]]:
    found = [{tuple(row) for row in connection.execute(text(query))} for query in _POSTGRESQL_SCHEMA]
    return [{row for row in rows if "alembic_version" not in str(row)} for rows in found]


def test_a_fresh_postgresql_schema_is_the_migrated_one(postgresql_url: str) -> None:
    for name in ("fresh", "remade"):
        create_postgresql_database(postgresql_url, name, "template1")
    with _opened(postgresql_url.format(name="fresh")) as fresh, fresh.write() as tx:
        Base.metadata.create_all(tx.connection)
        declared = _postgresql_schema(tx.connection)
    with _opened(postgresql_url.format(name="remade")) as migrated:
        migrated.migrate()
        with migrated.read() as tx:
            assert _postgresql_schema(tx.connection) == declared


def test_several_may_migrate_at_once(empty_url: str) -> None:
    databases = [open_database(empty_url) for _ in range(6)]
    barrier = threading.Barrier(len(databases))
    failures: list[Exception] = []

    def start(database: Database) -> None:
        barrier.wait()
        try:
            database.migrate()
            database.check()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=start, args=[database]) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for database in databases:
        database.close()
    assert failures == []


def test_migrating_again_keeps_what_is_there(database: Database) -> None:
    with database.write() as tx:
        hub.set(tx, "id", "1")
    database.migrate()
    database.migrate()
    with database.read() as tx:
        assert hub.get(tx, "id") == "1"


def test_check_refuses_an_empty_database(empty_url: str) -> None:
    with _opened(empty_url) as database:
        with pytest.raises(Unavailable) as caught:
            database.check()
        assert caught.value.code == "schema_outdated"
        database.migrate()
        database.check()


def test_a_database_of_a_newer_version_is_left_alone(database: Database) -> None:
    with database.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Unavailable) as caught:
        database.migrate()
    assert caught.value.code == "schema_newer"
    with pytest.raises(Unavailable):
        database.check()


def test_a_postgresql_database_must_store_utf8(postgresql_url: str) -> None:
    import psycopg

    with psycopg.connect(postgresql_url.format(name="postgres"), autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    with _opened(postgresql_url.format(name="ascii")) as database, pytest.raises(InvalidInput) as caught:
        database.migrate()
    assert caught.value.code == "invalid_database_encoding"
