"""The index of registry tags: built step by step or anew, it is the same."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import delete, update

from modelkeep.db import registry
from modelkeep.db.tables import RegistryEvents, StageHolders, Versions
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor, Visibility
from modelkeep.domain.artifacts import AnnotationSet
from modelkeep.domain.errors import AlreadyExists, InvalidInput
from modelkeep.domain.events import Event, TagProblem, event_of
from modelkeep.domain.history import fold, fold_artifact
from modelkeep.domain.objects import Signature
from modelkeep.domain.paging import PageRequest, decode_cursor
from modelkeep.domain.registry import ArtifactFilter, ArtifactSummary, version_rows
from modelkeep.domain.repos import Repo
from modelkeep.domain.tag_grammar import parse_tag
from tests.contract.db.world import World

ROOT = Actor(1, "root", is_hub_admin=True)
START = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=30)))


def event(tag: str, minutes: int, commit: str = "c", message: str = "why") -> Event:
    name = parse_tag(tag)
    assert name is not None
    by = Signature("Ada", "ada@example.org", START + timedelta(minutes=minutes))
    return event_of(name, tag, commit * 40, by, message, f"{minutes:040x}")


HISTORY = [
    event("churn@v1.0.0", 0, "1"),
    event("churn@v1.10.0", 1, "2"),
    event("churn@v1.9.0", 2, "3"),
    event("churn#prod#1", 3, "1"),
    event("churn#prod#2", 4, "2"),
    event("churn#dev", 5, "9"),
    event("iris@v0.0.1", 6, "1"),
    event("iris@v0.0.1!", 7, "1"),
    event("old@deprecated", 8, "1"),
]
PROBLEM = TagProblem("bad@v1", "invalid_version", "No version.", "Write v1.0.0.")


@pytest.fixture
def repo(world: World) -> Repo:
    return world.repo(world.user("ada"), "models")


def _follow(tx: Transaction, repo: Repo, events: list[Event], gone: list[str] | None = None) -> None:
    """What a push does."""
    registry.replace_events(tx, repo.id, gone or [], events, [])


def _rebuild(tx: Transaction, repo: Repo, events: list[Event], problems: list[TagProblem]) -> None:
    registry.replace_index(tx, repo.id, events=events, problems=problems, annotations=AnnotationSet())


def test_events_come_back_as_they_were(tx: Transaction, repo: Repo) -> None:
    _follow(tx, repo, HISTORY)
    registry.replace_events(tx, repo.id, [], [], [PROBLEM])
    assert registry.events_of(tx, repo.id) == HISTORY
    assert registry.events_of(tx, repo.id, "iris") == HISTORY[6:8]
    assert {e.by.when.utcoffset() for e in registry.events_of(tx, repo.id)} == {START.utcoffset()}
    assert registry.problems_of(tx, repo.id) == [PROBLEM]
    assert registry.artifacts_of(tx, repo.id) == ["churn", "iris", "old"]
    assert fold(registry.events_of(tx, repo.id)) == fold(HISTORY)


@pytest.mark.parametrize(
    "zone", [timedelta(0), timedelta(hours=-12), timedelta(hours=14), timedelta(minutes=-1)]
)
@pytest.mark.parametrize("year", [1, 1969, 2026, 9998])
def test_any_time_comes_back(tx: Transaction, repo: Repo, zone: timedelta, year: int) -> None:
    when = datetime(year, 6, 1, 12, 30, 15, tzinfo=timezone(zone))
    made = dataclasses.replace(HISTORY[0], by=Signature("A", "a@b", when))
    _follow(tx, repo, [made])
    found = registry.events_of(tx, repo.id)[0]
    assert (found.by.when, found.by.when.utcoffset()) == (when, zone)
    row = registry.latest_row(tx, repo.id, "churn")
    assert row is not None
    assert (row.registered_at, row.registered_at.tzinfo) == (when, UTC)


def test_the_index_followed_is_the_index_made_anew(tx: Transaction, world: World, repo: Repo) -> None:
    for step in HISTORY:
        _follow(tx, repo, [step])
    registry.replace_events(tx, repo.id, [], [], [PROBLEM])
    anew = world.repo(world.user("bob"), "models")
    _rebuild(tx, anew, HISTORY, [PROBLEM])
    assert registry.snapshot(tx, repo.id) == registry.snapshot(tx, anew.id)
    assert [len(rows) for rows in registry.snapshot(tx, anew.id).values()] == [
        1,
        0,
        3,
        9,
        4,
        2,
        1,
        0,
        0,
        0,
        0,
    ]
    _follow(tx, repo, [], ["churn#prod#2", "iris@v0.0.1", "iris@v0.0.1!"])
    left = [e for e in HISTORY if e.tag != "churn#prod#2" and e.artifact != "iris"]
    _rebuild(tx, anew, left, [PROBLEM])
    assert registry.snapshot(tx, repo.id) == registry.snapshot(tx, anew.id)
    assert registry.artifacts_of(tx, repo.id) == ["churn", "old"]
    registry.clear(tx, repo.id)
    rows = registry.snapshot(tx, repo.id)
    assert len(rows.pop("repos")) == 1
    assert not any(rows.values())


def test_an_index_that_says_something_else_is_made_right(tx: Transaction, repo: Repo) -> None:
    _rebuild(tx, repo, HISTORY, [PROBLEM])
    right = registry.snapshot(tx, repo.id)
    tx.execute(update(Versions).values(is_latest=False, message="other"))
    tx.execute(update(Versions).where(Versions.version == "v1.0.0").values(is_latest=True))
    tx.execute(delete(RegistryEvents).where(RegistryEvents.tag == HISTORY[0].tag))
    tx.execute(update(RegistryEvents).values(counter=99))
    tx.execute(update(StageHolders).values(commit_id="f" * 40))
    registry.replace_events(tx, repo.id, [], [], [TagProblem("not#there", "c", "r", "m")])
    assert registry.snapshot(tx, repo.id) != right
    _rebuild(tx, repo, HISTORY, [PROBLEM])
    assert registry.snapshot(tx, repo.id) == right


def test_a_tag_replaces_what_it_was(tx: Transaction, repo: Repo) -> None:
    _follow(tx, repo, [HISTORY[0]])
    _follow(tx, repo, [], [HISTORY[0].tag])
    registry.replace_events(tx, repo.id, [HISTORY[0].tag], [], [TagProblem(HISTORY[0].tag, "c", "r", "m")])
    assert registry.events_of(tx, repo.id) == []
    assert registry.artifacts_of(tx, repo.id) == []
    moved = dataclasses.replace(HISTORY[0], commit="f" * 40)
    registry.replace_events(tx, repo.id, [], [moved], [])
    assert registry.events_of(tx, repo.id) == [moved]
    assert registry.problems_of(tx, repo.id) == []


def test_versions_are_ordered_by_precedence(tx: Transaction, repo: Repo) -> None:
    extra = [
        event("churn@v2.0.0-rc.1", 9, "4"),
        event("churn@v2.0.0-rc.1+b1", 10, "5"),
        event("churn@v1.9.0!", 11, "3"),
    ]
    _follow(tx, repo, HISTORY + extra)
    found, cursor = [], None
    while True:
        page = registry.versions_of(
            tx, repo.id, "churn", PageRequest(2, decode_cursor(cursor) if cursor else None)
        )
        found += list(page.items)
        cursor = page.next_cursor
        if cursor is None:
            break
    names = ["v2.0.0-rc.1+b1", "v2.0.0-rc.1", "v1.10.0", "v1.9.0", "v1.0.0"]
    assert [row.version for row in found] == names
    state = fold_artifact("churn", [e for e in HISTORY + extra if e.artifact == "churn"])
    assert sorted(found, key=lambda row: row.version) == sorted(
        version_rows(state), key=lambda row: row.version
    )
    active = registry.versions_of(tx, repo.id, "churn", PageRequest(), active_only=True)
    assert [row.version for row in active.items] == [name for name in names if name != "v1.9.0"]
    assert [row.version for row in found if row.is_latest] == ["v2.0.0-rc.1+b1"]
    assert registry.versions_of(tx, repo.id, "none", PageRequest()).items == ()
    with pytest.raises(InvalidInput):
        registry.versions_of(tx, repo.id, "churn", PageRequest(2, ("a",)))


def test_single_rows(tx: Transaction, repo: Repo) -> None:
    _follow(tx, repo, HISTORY)
    latest = registry.latest_row(tx, repo.id, "churn")
    assert latest is not None
    assert (latest.version, latest.stages, latest.author, latest.message) == (
        "v1.10.0",
        ("prod",),
        "Ada",
        "why",
    )
    assert registry.version_row(tx, repo.id, "churn", "v1.10.0") == latest
    assert registry.version_row(tx, repo.id, "churn", "v9.9.9") is None
    assert registry.latest_row(tx, repo.id, "iris") is None
    prod = registry.stage_row(tx, repo.id, "churn", "prod")
    assert prod is not None
    assert (prod.version, prod.commit, prod.tag) == ("v1.10.0", "2" * 40, "churn#prod#2")
    dev = registry.stage_row(tx, repo.id, "churn", "dev")
    assert dev is not None
    assert (dev.version, dev.commit) == (None, "9" * 40)
    assert registry.stage_row(tx, repo.id, "churn", "none") is None
    assert registry.stages_of(tx, repo.id) == registry.stages_of(tx, repo.id, "churn") == [dev, prod]
    assert registry.stages_of(tx, repo.id, "iris") == []


def test_there_is_one_latest_version(tx: Transaction, repo: Repo) -> None:
    _follow(tx, repo, HISTORY)
    with pytest.raises(AlreadyExists):
        tx.execute(update(Versions).values(is_latest=True))


@pytest.mark.parametrize("text", ["nul \0 here", "half \ud800 here", "\udcff", "whole \U0001f600"])
def test_impossible_text_does_not_stop_the_index(tx: Transaction, repo: Repo, text: str) -> None:
    odd = dataclasses.replace(HISTORY[0], message=text, by=Signature(text, text, HISTORY[0].by.when))
    _follow(tx, repo, [odd])
    found = registry.events_of(tx, repo.id)[0]
    expected = "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)
    assert (found.message, found.by.name, found.by.email) == (expected, expected, expected)


def test_many_rows(tx: Transaction, repo: Repo) -> None:
    events = [event(f"m@v{number}.0.0", number) for number in range(3000)]
    _rebuild(tx, repo, events, [])
    assert len(registry.events_of(tx, repo.id)) == 3000
    _follow(tx, repo, [], [e.tag for e in events[1:]])
    assert [e.tag for e in registry.events_of(tx, repo.id)] == ["m@v0.0.0"]


def test_the_overview(tx: Transaction, world: World, repo: Repo) -> None:
    _follow(tx, repo, HISTORY)
    acme = world.organisation("Acme")
    other = world.repo(acme, "Zoo", Visibility.PUBLIC)
    _follow(tx, other, [event("Zebra@v1.0.0", 0)])
    world.repo(acme, "empty", Visibility.PUBLIC)
    stages = {"dev": "9" * 40, "prod": "v1.10.0"}

    def minute(minutes: int) -> datetime:
        return START + timedelta(minutes=minutes)

    expected = [
        ArtifactSummary("Acme/Zoo", "Zebra", "v1.0.0", {}, 1, updated_at=minute(0), latest_at=minute(0)),
        ArtifactSummary(
            "ada/models", "churn", "v1.10.0", stages, 3, updated_at=minute(5), latest_at=minute(1)
        ),
        ArtifactSummary("ada/models", "iris", None, {}, 0, updated_at=minute(7)),
        ArtifactSummary("ada/models", "old", None, {}, 0, is_deprecated=True, updated_at=minute(8)),
    ]
    found, cursor = [], None
    while True:
        page = registry.overview(tx, ROOT, PageRequest(2, decode_cursor(cursor) if cursor else None))
        found += list(page.items)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == expected

    def one(**wanted: Any) -> list[ArtifactSummary]:
        return list(registry.overview(tx, ROOT, PageRequest(), wanted=ArtifactFilter(**wanted)).items)

    assert list(registry.overview(tx, ROOT, PageRequest(), repo_id=other.id).items) == expected[:1]
    assert one(namespace="ADA") == expected[1:]
    assert one(query="ZEBRA") == expected[:1]
    assert one(query="ada/mod") == expected[1:]
    assert one(query="_") == []
    with pytest.raises(InvalidInput):
        registry.overview(tx, ROOT, PageRequest(1, ("a",)))
