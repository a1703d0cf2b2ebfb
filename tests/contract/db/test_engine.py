"""Transactions: durable, isolated, in turn; and driver errors as domain errors."""

from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from modelkeep.db import hub
from modelkeep.db.engine import Database, open_database
from modelkeep.db.tables import HubFacts, Memberships, RepoLabels
from modelkeep.db.transaction import Transaction
from modelkeep.domain.errors import AlreadyExists, Conflict, InvalidInput, Unavailable


def test_what_is_committed_is_seen_by_others(database: Database) -> None:
    with database.write() as tx:
        hub.set(tx, "a", "1")
    with database.read() as tx:
        assert hub.get(tx, "a") == "1"


def test_an_error_undoes_everything(database: Database) -> None:
    def fail() -> None:
        with database.write() as tx:
            hub.set(tx, "a", "1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.read() as tx:
        assert hub.get(tx, "a") is None


def test_a_read_sees_one_snapshot(database: Database) -> None:
    with database.write() as tx:
        hub.set(tx, "a", "1")
    with database.read() as reader:
        assert hub.get(reader, "a") == "1"
        with database.write() as writer:
            hub.set(writer, "a", "2")
        assert hub.get(reader, "a") == "1"
    with database.read() as reader:
        assert hub.get(reader, "a") == "2"


def test_a_read_cannot_write(database: Database) -> None:
    with database.read() as tx, pytest.raises(TypeError):
        tx.execute(insert(HubFacts).values(key="a", value="1"))


def test_writers_take_turns(database: Database) -> None:
    """Read, then write, from many threads: no update is lost and none fails, because BEGIN IMMEDIATE comes first."""
    failures: list[Exception] = []

    def add_one(times: int) -> None:
        try:
            for _ in range(times):
                with database.write() as tx:
                    _lock(tx)
                    before = int(hub.get(tx, "count") or "0")
                    hub.set(tx, "count", str(before + 1))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=add_one, args=[10]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.read() as tx:
        assert hub.get(tx, "count") == "80"


def _lock(tx: Transaction) -> None:
    """On PostgreSQL a writer locks what it is about; on SQLite the transaction has begun with the lock."""
    if tx.dialect == "postgresql":
        tx.execute(text("SELECT 1 FROM alembic_version FOR UPDATE"))


def test_a_write_inside_a_write_is_refused_at_once(database: Database) -> None:
    with database.write() as tx:
        with pytest.raises(RuntimeError), database.write():
            pass
        hub.set(tx, "a", "1")
    with database.write() as tx:
        assert hub.get(tx, "a") == "1"


def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    with database.write() as writer:
        hub.set(writer, "a", "1")
        with database.read() as reader:
            assert hub.get(reader, "a") is None


def test_a_refused_key_is_a_domain_error_and_the_transaction_goes_on(database: Database) -> None:
    with database.write() as tx:
        hub.set(tx, "a", "1")
        with pytest.raises(AlreadyExists, match="taken"):
            _add_both(tx)
        hub.set(tx, "c", "3")
    with database.read() as tx:
        assert [hub.get(tx, key) for key in "abc"] == ["1", None, "3"]


def _add_both(tx: Transaction) -> None:
    with tx.unique(AlreadyExists("taken")):
        hub.set(tx, "b", "undone with the block")
        tx.execute(insert(HubFacts).values(key="a", value="2"))


def test_a_refused_key_without_words_is_already_exists(database: Database) -> None:
    with pytest.raises(AlreadyExists), database.write() as tx:
        tx.execute(insert(HubFacts), [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}])


def test_a_broken_reference_is_a_conflict(tx: Transaction) -> None:
    with pytest.raises(Conflict):
        tx.execute(insert(RepoLabels).values(repo_id="0" * 32, label="x"))


def test_half_a_character_is_invalid_input(tx: Transaction) -> None:
    with pytest.raises(InvalidInput) as caught:
        hub.set(tx, "a", "\ud800")
    assert caught.value.code == "invalid_value"


def test_a_nul_is_kept_or_invalid_input(database: Database) -> None:
    """PostgreSQL cannot store one; nothing is cut short in silence."""
    try:
        with database.write() as tx:
            hub.set(tx, "a", "1\0002")
    except InvalidInput:
        assert tx.dialect == "postgresql"
    else:
        with database.read() as tx:
            assert hub.get(tx, "a") == "1\0002"


def test_a_number_beyond_64_bits_is_invalid_input(tx: Transaction) -> None:
    with pytest.raises(InvalidInput):
        tx.execute(insert(Memberships).values(namespace_id=2**70, user_id=1, role=1))


def test_a_wrong_statement_stays_loud(database: Database) -> None:
    with database.read() as tx, pytest.raises(DBAPIError):
        tx.execute(text("SELECT * FROM no_such_table"))


def test_an_unreachable_database_is_unavailable(tmp_path: Path) -> None:
    database = open_database(f"postgresql://hub@/hub?host={tmp_path}")
    with pytest.raises(Unavailable), database.read():
        pass
    with pytest.raises(Unavailable):
        database.check()


def test_a_broken_file_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    path.write_bytes(b"This is no database." * 100)
    database = open_database(f"sqlite:///{path}")
    with pytest.raises(Unavailable):
        database.migrate()


def test_a_database_that_lost_its_server_recovers(postgresql_database: str) -> None:
    database = open_database(postgresql_database)
    with pytest.raises(Unavailable), database.write() as tx:
        tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    database.check()
    database.close()


def test_an_sqlite_file_is_durable_and_private(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    database = open_database(f"sqlite:///{path}")
    database.migrate()
    with database.write() as tx:
        assert _pragma(tx, "journal_mode") == "wal"
        assert _pragma(tx, "synchronous") == 2
        assert _pragma(tx, "foreign_keys") == 1
        assert _pragma(tx, "busy_timeout") == 30_000
        hub.set(tx, "a", "1")
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in tmp_path.iterdir())
    # What a crash would leave behind: the file and its log, copied while the hub has them open.
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as other:
        assert other.execute("SELECT value FROM hub").fetchall() == [("1",)]
    other.close()
    database.close()


def _pragma(tx: Transaction, name: str) -> object:
    return tx.scalar(text(f"PRAGMA {name}"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://x/y",
        "sqlite://",
        "sqlite:///relative.db",
        "sqlite:////no/such/folder/hub.db",
        "://",
    ],
)
def test_a_useless_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        open_database(url)
    assert caught.value.code == "invalid_database_url"
