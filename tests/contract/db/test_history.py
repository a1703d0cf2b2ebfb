"""Events across repos, and artifacts of the past: few repos or many, the answers are the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event as sql_event

from modelkeep.db import accounts, history, past_artifacts, registry
from modelkeep.db.past_artifacts import PastArtifact
from modelkeep.db.registry_overview import FEW_REPOS
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor, Visibility
from modelkeep.domain.artifacts import Annotation, AnnotationSet
from modelkeep.domain.events import Event, event_of
from modelkeep.domain.objects import Signature
from modelkeep.domain.paging import CursorKey, PageRequest, decode_cursor
from modelkeep.domain.past import HistoryFilter
from modelkeep.domain.registry import ArtifactFilter
from modelkeep.domain.tag_grammar import EventKind, parse_tag
from tests.contract.db.world import World, actor_of

START = datetime(2026, 1, 1, tzinfo=UTC)
ROOT = Actor(1, "root", is_hub_admin=True)
EVERYTHING = HistoryFilter()
REPOS = FEW_REPOS + 9

Row = tuple[str, Event]


def event(tag: str, at: int, commit: int, author: str) -> Event:
    name = parse_tag(tag)
    assert name is not None
    by = Signature(author, f"{author}@example.org", START + timedelta(seconds=at))
    return event_of(name, tag, f"{commit:040x}", by, "why", f"{at:040x}")


@pytest.fixture
def told(tx: Transaction, world: World) -> list[Row]:
    """Many repos with a few events each, many of them in the same second; all of them, oldest first."""
    ada, bob = world.user("ada"), world.user("bob")
    rows: list[Row] = []
    for number in range(REPOS):
        repo = world.repo(bob if number % 50 == 0 else ada, f"r{number}", Visibility.PRIVATE)
        events = [
            event("m@v1.0.0", number % 7, 1, "ann"),
            event("m#prod#1", number % 5 + 3, 1, "ben"),
            event("m@v1.1.0", number % 3 + 4, 2, "Ann"),
        ]
        if number % 20 == 0:
            events += [event("m#prod#2", 9, 2, "ben"), event("dir=n@deprecated", 9, 3, "ann")]
        told = AnnotationSet({"m": Annotation("m", type="model", labels=("nlp",) if number % 2 else ())})
        registry.replace_index(tx, repo.id, events=events, problems=[], annotations=told)
        rows += [(repo.id, one) for one in events]
    return sorted(rows, key=history_order)


def history_order(row: Row) -> tuple[object, ...]:
    """By time; within a second as ``gto history`` does: versions before the stages that they get."""
    repo_id, one = row
    kinds = ("deprecation", "registration", "deregistration", "assignment", "unassignment")
    return one.at, kinds.index(one.kind), repo_id, one.tag


def every(tx: Transaction, actor: Actor, wanted: HistoryFilter, *, ascending: bool, limit: int) -> list[Row]:
    """All pages."""
    found: list[Row] = []
    after: CursorKey | None = None
    while True:
        page = history.events_page(tx, actor, PageRequest(limit, after), wanted, is_ascending=ascending)
        found += page.items
        if page.next_cursor is None:
            return found
        assert len(page.items) == limit
        after = decode_cursor(page.next_cursor)


def names(rows: list[Row]) -> list[tuple[str, str]]:
    return [(repo_id, one.tag) for repo_id, one in rows]


def check_order(tx: Transaction, told: list[Row], ascending: bool) -> None:
    expected = told if ascending else told[::-1]
    assert every(tx, ROOT, EVERYTHING, ascending=ascending, limit=97) == expected
    few = {row[0] for row in every(tx, bob(tx), EVERYTHING, ascending=ascending, limit=3)}
    assert len(few) == len(range(0, REPOS, 50))
    assert every(tx, bob(tx), EVERYTHING, ascending=ascending, limit=3) == [
        r for r in expected if r[0] in few
    ]


def bob(tx: Transaction) -> Actor:
    user = accounts.user_by_name(tx, "bob")
    assert user is not None
    return actor_of(user)


FILTERS: list[tuple[HistoryFilter, Any]] = [
    (HistoryFilter(stage="prod"), lambda e: e.stage == "prod"),
    (HistoryFilter(version="v1.1.0"), lambda e: e.version == "v1.1.0" or (e.stage and e.commit[-1] == "2")),
    (HistoryFilter(kind=EventKind.DEPRECATION), lambda e: e.kind is EventKind.DEPRECATION),
    (HistoryFilter(author="ANN"), lambda e: e.by.name.lower() == "ann"),
    (HistoryFilter(author="ben@example.org"), lambda e: e.by.name == "ben"),
    (HistoryFilter(artifact="dir:n"), lambda e: e.artifact == "dir:n"),
    (HistoryFilter(artifact="m\0", stage="\ud800"), lambda e: False),
    (
        HistoryFilter(since=START + timedelta(seconds=2.5), until=START + timedelta(seconds=4.5)),
        lambda e: 3 <= e.at - START.timestamp() <= 4,
    ),
]


def check_filter(tx: Transaction, told: list[Row], wanted: HistoryFilter, fits: Any) -> None:
    for actor in (ROOT, bob(tx)):
        may_see = {row[0] for row in every(tx, actor, EVERYTHING, ascending=True, limit=1000)}
        expected = [row for row in told if row[0] in may_see and fits(row[1])]
        assert every(tx, actor, wanted, ascending=True, limit=1000) == expected


def check_repos(tx: Transaction, told: list[Row]) -> None:
    def found(wanted: HistoryFilter) -> list[str]:
        rows = every(tx, ROOT, wanted, ascending=True, limit=1000)
        return sorted(set(history.names_of_repos(tx, {row[0] for row in rows}).values()))

    assert found(HistoryFilter(repo="R7")) == ["ada/r7"]
    assert found(HistoryFilter(repo="ADA/r7")) == ["ada/r7"]
    assert found(HistoryFilter(repo="bob/r7")) == []
    assert found(HistoryFilter(namespace="BOB")) == [
        f"bob/r{n}" for n in sorted(range(0, REPOS, 50), key=str)
    ]
    assert found(HistoryFilter(namespace="nobody")) == []
    assert {row[0] for row in told}


def walk(tx: Transaction, actor: Actor, wanted: ArtifactFilter, until: int) -> Iterator[PastArtifact]:
    after: CursorKey | None = None
    while chunk := past_artifacts.artifacts_until(tx, actor, PageRequest(20, after), wanted, until):
        yield from chunk
        after = chunk[-1].key


ARTIFACT_FILTERS: list[tuple[ArtifactFilter, Any]] = [
    (ArtifactFilter(), lambda r, e: True),
    (ArtifactFilter(stage="prod"), lambda r, e: e.stage == "prod"),
    (ArtifactFilter(type="model"), lambda r, e: e.artifact == "m"),
    (ArtifactFilter(type="none"), lambda r, e: False),
    (ArtifactFilter(labels=("nlp",)), lambda r, e: e.artifact == "m" and int(r[5:]) % 2 == 1),
    (ArtifactFilter(query="DIR"), lambda r, e: e.artifact == "dir:n"),
    (ArtifactFilter(query="ada/r1"), lambda r, e: r.startswith("ada/r1")),
]


def check_artifacts(tx: Transaction, told: list[Row], wanted: ArtifactFilter, fits: Any) -> None:
    repos = history.names_of_repos(tx, {row[0] for row in told})
    for actor in (ROOT, bob(tx)):
        for seconds in (-1, 3, 9):
            until = int(START.timestamp()) + seconds
            expected = {
                (repos[repo_id], one.artifact)
                for repo_id, one in told
                if one.at <= until
                and fits(repos[repo_id], one)
                and (actor is ROOT or "bob/" in repos[repo_id])
            }
            found = [(one.repo, one.artifact) for one in walk(tx, actor, wanted, until)]
            assert set(found) == expected
            assert len(found) == len(expected)
            assert found == sorted(found, key=lambda row: (row[0].replace("/", " "), row[1]))


def check_between(tx: Transaction, told: list[Row]) -> None:
    start = int(START.timestamp())
    for since, until in ((8, None), (8, 9), (4, 6), (20, 30)):
        stop = None if until is None else start + until
        page = PageRequest(1000)
        found = past_artifacts.artifacts_between(tx, ROOT, page, start + since, stop)
        expected = {
            (repo_id, one.artifact)
            for repo_id, one in told
            if one.at > start + since and (stop is None or one.at <= stop)
        }
        assert {(one.repo_id, one.artifact) for one in found} == expected


def check_inclusive(tx: Transaction, told: list[Row]) -> None:
    until = int(START.timestamp()) + 9
    first, second, *_ = walk(tx, ROOT, ArtifactFilter(), until)
    for actor in (ROOT, bob(tx)):
        one, two, *_ = walk(tx, actor, ArtifactFilter(), until)
        page = PageRequest(1, one.key)
        again = past_artifacts.artifacts_until(tx, actor, page, ArtifactFilter(), until, is_inclusive=True)
        assert again == [one]
        assert past_artifacts.artifacts_until(tx, actor, page, ArtifactFilter(), until) == [two]
    assert first.labels in ((), ("nlp",))
    events = past_artifacts.events_of_artifacts(tx, [first, second], until)
    assert {one.tag for one in events[first.repo_id, first.artifact]} <= {one.tag for _, one in told}
    assert sum(map(len, events.values())) == len(
        [r for r in told if (r[0], r[1].artifact) in events and r[1].at <= until]
    )


def check_plan(tx: Transaction, told: list[Row]) -> None:
    """SQLite's; PostgreSQL chooses by what it knows of the size of tables."""
    asked: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        asked.append((arguments[2], arguments[3]))

    sql_event.listen(tx.connection, "before_cursor_execute", note)
    page = PageRequest(50, (int(START.timestamp()) + 5, 3, told[0][0], "x"))
    history.events_page(tx, ROOT, page, HistoryFilter(kind=EventKind.ASSIGNMENT))
    sql_event.remove(tx.connection, "before_cursor_execute", note)
    plan = [
        row.detail
        for row in tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[-1][0]}", asked[-1][1])
    ]
    assert "registry_events USING INDEX ix_registry_events_at_repo_id_tag" in plan[0], plan
    assert plan[0].startswith("SEARCH"), plan
    sorts = [step for step in plan if "TEMP B-TREE" in step]
    assert all("LAST" in step or "RIGHT PART" in step for step in sorts), "only within a second"


def test_events_across_repos(tx: Transaction, told: list[Row]) -> None:
    for ascending in (True, False):
        check_order(tx, told, ascending)
    for wanted, fits in FILTERS:
        check_filter(tx, told, wanted, fits)
    check_repos(tx, told)
    if tx.dialect == "sqlite":
        check_plan(tx, told)


def test_artifacts_of_the_past(tx: Transaction, told: list[Row]) -> None:
    for wanted, fits in ARTIFACT_FILTERS:
        check_artifacts(tx, told, wanted, fits)
    check_between(tx, told)
    check_inclusive(tx, told)
