"""Blobs, links, locks and the audit log."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from modelkeep.db import audit, blobs, locks
from modelkeep.db.engine import Database, open_database
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Visibility
from modelkeep.domain.errors import AlreadyExists, Conflict, InvalidInput
from modelkeep.domain.lfs import BlobAccess
from modelkeep.domain.paging import PageRequest, decode_cursor
from modelkeep.domain.repos import AuditEntry, Lock
from tests.contract.db.world import World, actor_of, repo_id


def oid(number: int) -> str:
    return f"{number:064x}"


def test_a_blob_is_recorded_and_linked_once(tx: Transaction, world: World, now: datetime) -> None:
    ada = world.user("ada")
    first, second = world.repo(ada, "a"), world.repo(ada, "b")
    for _ in range(2):
        blobs.record_blob_and_link(tx, oid(1), 10, first.id, ada.id, now)
    blobs.record_blob_and_link(tx, oid(2), 2**40, first.id, None, now)
    assert blobs.blob_size(tx, oid(1)) == 10
    assert blobs.blob_size(tx, oid(3)) is None
    assert blobs.linked(tx, first.id, [oid(1), oid(2), oid(3), oid(1)]) == {oid(1): 10, oid(2): 2**40}
    assert blobs.linked(tx, second.id, [oid(1)]) == {}
    assert blobs.linked(tx, first.id, []) == {}
    assert blobs.usage(tx, first.id) == (2, 10 + 2**40)
    assert blobs.usage(tx, second.id) == (0, 0)
    blobs.link(tx, second.id, [(oid(1), 10), (oid(2), 2**40), (oid(1), 10)], ada.id, now)
    blobs.link(tx, second.id, [], ada.id, now)
    assert blobs.usage(tx, second.id) == (2, 10 + 2**40)


def test_only_what_is_recorded_is_linked(tx: Transaction, world: World, now: datetime) -> None:
    repo = world.repo(world.user("ada"), "a")
    with pytest.raises(Conflict):
        blobs.link(tx, repo.id, [(oid(1), 1)], None, now)


def test_only_an_existing_repo_gets_a_blob(tx: Transaction, now: datetime) -> None:
    with pytest.raises(Conflict):
        blobs.record_blob_and_link(tx, oid(1), 1, repo_id(99), None, now)


def test_a_known_oid_grants_nothing(tx: Transaction, world: World, now: datetime) -> None:
    ada, bob = world.user("ada"), world.user("bob")
    here = world.repo(bob, "here")
    private, public = world.repo(ada, "private"), world.repo(ada, "public", Visibility.PUBLIC)
    for number, repo in ((1, here), (2, private), (3, public)):
        blobs.record_blob_and_link(tx, oid(number), number, repo.id, None, now)
    blobs.link(tx, here.id, [(oid(3), 3)], None, now)
    asked = [oid(number) for number in (1, 2, 3, 4, 1)]
    assert blobs.readable(tx, actor_of(bob), here.id, asked) == {
        oid(1): BlobAccess(1, True),
        oid(3): BlobAccess(3, True),
    }
    assert blobs.readable(tx, actor_of(ada), public.id, asked) == {
        oid(2): BlobAccess(2, False),
        oid(3): BlobAccess(3, True),
    }
    assert blobs.readable(tx, actor_of(bob), here.id, []) == {}


def test_a_thousand_oids_are_one_query(database: Database, now: datetime) -> None:
    with database.write() as tx:
        world = World(tx, now)
        ada = world.user("ada")
        repo = world.repo(ada, "a")
        for number in range(3):
            blobs.record_blob_and_link(tx, oid(number * 1000), 1, repo.id, None, now)
    with database.read() as tx:
        statements: list[str] = []

        def count(*arguments: object) -> None:
            statements.append(str(arguments[2]))

        event.listen(tx.connection, "before_cursor_execute", count)
        assert set(blobs.readable(tx, actor_of(ada), repo.id, [oid(n) for n in range(1000)])) == {oid(0)}
        assert len(statements) == 1
        assert len(blobs.readable(tx, actor_of(ada), repo.id, [oid(n) for n in range(2001)])) == 3
        assert len(statements) == 4


def test_locks(tx: Transaction, world: World, now: datetime) -> None:
    ada = world.user("ada")
    repo, other = world.repo(ada, "a"), world.repo(ada, "b")

    def lock(number: str, path: str, ref: str | None = None) -> Lock:
        return locks.create_lock(
            tx, lock_id=number, repo_id=repo.id, path=path, ref=ref, owner_id=ada.id, now=now
        )

    second, first = lock("1", "b.onnx", "refs/heads/main"), lock("2", "a.onnx")
    assert (first.id, first.path, first.ref, first.owner_id, first.owner_name, first.locked_at) == (
        "2",
        "a.onnx",
        None,
        ada.id,
        "ada",
        now,
    )
    with pytest.raises(AlreadyExists) as caught:
        lock("3", "a.onnx")
    assert caught.value.code == "lock_exists"
    assert locks.lock_by_path(tx, repo.id, "a.onnx") == locks.lock_by_id(tx, repo.id, "2") == first
    assert locks.lock_by_path(tx, other.id, "a.onnx") is None
    assert locks.lock_by_id(tx, other.id, "2") is None
    page = locks.list_locks(tx, repo.id, PageRequest(1))
    assert page.items == (first,)
    assert page.next_cursor is not None
    assert locks.list_locks(tx, repo.id, PageRequest(1, decode_cursor(page.next_cursor))).items == (second,)
    assert locks.list_locks(tx, repo.id, PageRequest(), path="b.onnx").items == (second,)
    assert locks.list_locks(tx, repo.id, PageRequest(), lock_id="2").items == (first,)
    assert locks.list_locks(tx, repo.id, PageRequest(), ref="refs/heads/main").items == (second,)
    assert not locks.delete_lock(tx, other.id, "2")
    assert locks.delete_lock(tx, repo.id, "2")
    assert not locks.delete_lock(tx, repo.id, "2")
    with pytest.raises(InvalidInput):
        lock("4", "é" * 1001)
    assert lock("5", "é" * 1000).path == "é" * 1000


def _entry(now: datetime, action: str = "repo.create", **changed: object) -> AuditEntry:
    entry = AuditEntry(
        at=now,
        user_id=1,
        username="ada",
        token_id=2,
        address="10.0.0.1",
        door="git",
        action=action,
        target="acme/churn",
        repo_id=repo_id(1),
        namespace_id=3,
        details={"a": "b", "n": 1, "yes": True, "none": None},
    )
    return dataclasses.replace(entry, **changed)  # type: ignore[arg-type]


def test_the_audit_log_is_read_newest_first(tx: Transaction, now: datetime) -> None:
    entries = [
        _entry(now),
        _entry(
            now + timedelta(hours=1),
            "repo.delete",
            repo_id=None,
            user_id=None,
            username="root",
            token_id=None,
        ),
        _entry(now + timedelta(hours=2), "stage.assign", namespace_id=None, details={}),
    ]
    for entry in entries:
        audit.append(tx, entry)
    first = audit.list_entries(tx, PageRequest(2))
    assert first.items == (entries[2], entries[1])
    assert first.next_cursor is not None
    assert audit.list_entries(tx, PageRequest(2, decode_cursor(first.next_cursor))).items == (entries[0],)

    def found(**wanted: object) -> list[AuditEntry]:
        return list(audit.list_entries(tx, PageRequest(), **wanted).items)  # type: ignore[arg-type]

    assert found(repo_id=repo_id(1)) == [entries[2], entries[0]]
    assert found(namespace_id=3) == [entries[1], entries[0]]
    assert found(username="root") == [entries[1]]
    assert found(action="repo.delete") == [entries[1]]
    assert found(action="repo.") == [entries[1], entries[0]]
    assert found(action="repo") == []
    assert found(since=now + timedelta(hours=1), until=now + timedelta(hours=2)) == [entries[1]]


def test_the_audit_log_keeps_impossible_text(tx: Transaction, now: datetime) -> None:
    audit.append(tx, _entry(now, target="a\0b", details={"k\0": "\ud800"}))
    found = audit.list_entries(tx, PageRequest()).items[0]
    assert (found.target, found.details) == ("a\ufffdb", {"k\ufffd": "\ufffd"})


@pytest.mark.parametrize("statement", ["UPDATE audit SET username = 'eve'", "DELETE FROM audit"])
def test_the_audit_log_is_append_only(database: Database, now: datetime, statement: str) -> None:
    with database.write() as tx:
        audit.append(tx, _entry(now))
    with pytest.raises(DBAPIError, match="append-only"), database.write() as tx:
        tx.execute(text(statement))
    with database.read() as tx:
        assert audit.list_entries(tx, PageRequest()).items == (_entry(now),)


def test_the_audit_log_is_not_truncated(postgresql_database: str) -> None:
    database = open_database(postgresql_database)
    with pytest.raises(DBAPIError, match="append-only"), database.write() as tx:
        tx.execute(text("TRUNCATE audit"))
    database.close()
