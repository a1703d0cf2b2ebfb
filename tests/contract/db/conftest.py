"""Every test here that asks for ``database`` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from modelkeep.db import schema
from modelkeep.db.engine import Database, open_database
from modelkeep.db.tables import Base
from modelkeep.db.transaction import Transaction
from tests.contract.db.postgres import find_programs, running_cluster
from tests.contract.db.world import World

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL of a private cluster, with ``{name}`` for the database."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed (apt-get install postgresql)")
    with running_cluster(programs) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to copy."""
    path = tmp_path_factory.mktemp("template") / "hub.db"
    database = open_database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@pytest.fixture(scope="session")
def postgresql_database(postgresql_url: str) -> str:
    """The URL of a migrated PostgreSQL database, which tests use one after the other."""
    create_postgresql_database(postgresql_url, "migrated", "template1")
    database = open_database(postgresql_url.format(name="migrated"))
    database.migrate()
    database.close()
    return postgresql_url.format(name="migrated")


def _empty(url: str) -> None:
    """Empties all tables, past the triggers of the audit log; a copy of a database would cost more."""
    names = ", ".join(table.name for table in Base.metadata.sorted_tables)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(f"TRUNCATE {names} RESTART IDENTITY")
        connection.execute("UPDATE alembic_version SET version_num = %s", [schema.head()])


def create_postgresql_database(url: str, name: str, template: str) -> None:
    """Adds a database to the cluster."""
    with psycopg.connect(url.format(name="postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without a schema."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    url: str = request.getfixturevalue("postgresql_url")
    name = f"empty{next(_numbers)}"
    create_postgresql_database(url, name, "template1")
    return url.format(name=name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated, empty database."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "hub.db")
        url = f"sqlite:///{tmp_path / 'hub.db'}"
    else:
        url = request.getfixturevalue("postgresql_database")
        _empty(url)
    opened = open_database(url)
    yield opened
    opened.close()


@pytest.fixture
def tx(database: Database) -> Iterator[Transaction]:
    """A write transaction that ends with the test."""
    with database.write() as transaction:
        yield transaction


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def world(tx: Transaction, now: datetime) -> World:
    """Makes users, organisations and repos in a few words."""
    return World(tx, now)
