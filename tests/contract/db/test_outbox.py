"""The outbox on both databases: atomic with the change, seen in order, whoever commits first."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from modelkeep.db import hub, outbox
from modelkeep.db.engine import Database
from modelkeep.domain.outbox import NewOutboxEvent, OutboxEvent
from modelkeep.domain.paging import PageRequest

PAGE = PageRequest(100)


def new(number: int, now: datetime, **changes: object) -> NewOutboxEvent:
    values: dict[str, object] = {
        "id": f"event-{number}",
        "type": "ref.updated",
        "at": now,
        "repo": "acme/churn",
        "repo_id": "r1",
        "namespace_id": 1,
        "actor": "ada",
        "data": {"number": number},
    }
    return NewOutboxEvent(**(values | changes))  # type: ignore[arg-type]


def all_events(database: Database) -> list[OutboxEvent]:
    with database.read() as tx:
        return outbox.events_after(tx, 0, limit=1000)


def test_events_come_with_the_commit_and_in_order(database: Database, now: datetime) -> None:
    rung: list[int] = []
    with database.bell.heard_by(lambda: rung.append(len(all_events(database)))):
        with database.write() as tx:
            outbox.append(tx, [new(1, now), new(2, now)])
            outbox.append(tx, [new(3, now, repo=None, repo_id=None, data={})])
            assert rung == []
        with database.write() as tx:
            hub.set(tx, "a", "b")
    assert rung == [3]
    events = all_events(database)
    assert [event.id for event in events] == ["event-1", "event-2", "event-3"]
    assert [event.sequence for event in events] == sorted({event.sequence for event in events})
    assert events[0].payload == {
        "id": "event-1",
        "type": "ref.updated",
        "at": "2026-03-01T12:00:00.123456Z",
        "repo": "acme/churn",
        "actor": "ada",
        "data": {"number": 1},
    }


def test_what_is_undone_was_never_told(database: Database, now: datetime) -> None:
    rung: list[bool] = []

    def fail() -> None:
        with database.write() as tx:
            outbox.append(tx, [new(1, now)])
            raise ZeroDivisionError

    with database.bell.heard_by(lambda: rung.append(True)), pytest.raises(ZeroDivisionError):
        fail()
    assert rung == []
    assert all_events(database) == []


def test_nobody_sees_a_smaller_number_later_than_a_greater_one(database: Database, now: datetime) -> None:
    """Writers that begin and end in any order: a reader that goes on from the last number misses nothing."""
    writers, each = 4, 15
    start = threading.Barrier(writers + 1)

    def write(writer: int) -> None:
        start.wait()
        for number in range(each):
            with database.write() as tx:
                outbox.append(tx, [new(writer * 1000 + number, now)])
                hub.set(tx, f"writer {writer}", str(number))

    threads = [threading.Thread(target=write, args=[writer]) for writer in range(writers)]
    for thread in threads:
        thread.start()
    start.wait()
    seen: list[OutboxEvent] = []
    is_over = False
    while not is_over:
        are_done = not any(thread.is_alive() for thread in threads)
        with database.read() as tx:
            found = outbox.events_after(tx, seen[-1].sequence if seen else 0, limit=7)
        seen += found
        is_over = are_done and not found
    assert len(seen) == writers * each
    assert seen == all_events(database)


def test_a_repos_events_in_pages_and_by_type(database: Database, now: datetime) -> None:
    with database.write() as tx:
        outbox.append(tx, [new(number, now, repo_id=f"r{number % 2}") for number in range(6)])
        outbox.append(tx, [new(6, now, repo_id="r0", type="repo.updated")])
    with database.read() as tx:
        first = outbox.list_events(tx, PageRequest(2), "r0")
        second = outbox.list_events(tx, PageRequest.parse(2, first.next_cursor), "r0")
        assert [event.id for event in (*first.items, *second.items)] == [f"event-{n}" for n in (0, 2, 4, 6)]
        assert second.next_cursor is None
        updates = outbox.list_events(tx, PAGE, "r0", types=["repo.updated"])
        assert [event.id for event in updates.items] == ["event-6"]
        behind = outbox.list_events(tx, PAGE, "r0", after=first.items[-1].sequence)
        assert [event.id for event in behind.items] == ["event-4", "event-6"]
        last = outbox.last_sequence(tx)
        assert outbox.repos_since(tx, 0, 100) == (last, {"r0", "r1"})
        assert outbox.repos_since(tx, last, 100) == (last, set())


def test_old_events_go_and_numbers_are_not_given_twice(database: Database, now: datetime) -> None:
    with database.write() as tx:
        outbox.append(tx, [new(1, now - timedelta(days=31)), new(2, now)])
    last = all_events(database)[-1].sequence
    with database.write() as tx:
        assert outbox.sweep(tx, now - timedelta(days=30)) == 1
    with database.write() as tx:
        assert outbox.sweep(tx, now + timedelta(days=1)) == 1
    with database.write() as tx:
        outbox.append(tx, [new(3, now)])
    (event,) = all_events(database)
    assert event.sequence > last


def test_what_no_database_can_hold_is_replaced(database: Database, now: datetime) -> None:
    data = {"message": "a\0b\ud800", "deep": [{"k\0": "v\0"}]}
    with database.write() as tx:
        outbox.append(tx, [new(1, now, actor="a\0", data=data)])
    (event,) = all_events(database)
    assert event.data == {"message": "a\ufffdb\ufffd", "deep": [{"k\ufffd": "v\ufffd"}]}
    assert event.actor == "a\ufffd"
