"""The registry's lists over many repos: what they show and in which order, against a model in Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event

from modelkeep.db import namespaces, registry, registry_overview, repos
from modelkeep.db.engine import Database
from modelkeep.db.registry_overview import overview
from modelkeep.db.registry_stages import held_stages
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor, Role, Visibility
from modelkeep.domain.artifacts import Annotation, AnnotationSet
from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.events import Event, event_of
from modelkeep.domain.objects import Signature
from modelkeep.domain.paging import PageRequest, decode_cursor
from modelkeep.domain.registry import ArtifactFilter, ArtifactSummary
from modelkeep.domain.repos import Repo
from modelkeep.domain.tag_grammar import parse_tag
from tests.contract.db.world import World, actor_of

MANY = registry_overview.FEW_REPOS + 40
"""Enough repos for lists to be walked, not gathered."""

SORTS: dict[str, Callable[[Known], Any]] = {
    "name": lambda one: (),
    "updated": lambda one: one.shown.updated_at or datetime.min.replace(tzinfo=UTC),
    "latest": lambda one: one.shown.latest_at or datetime.min.replace(tzinfo=UTC),
    "versions": lambda one: one.shown.versions,
}
FILTERS: tuple[ArtifactFilter, ...] = (
    ArtifactFilter(),
    ArtifactFilter(namespace="ACME"),
    ArtifactFilter(repo="repo-7"),
    ArtifactFilter(repo="Acme/Repo-8"),
    ArtifactFilter(stage="prod"),
    ArtifactFilter(stage="canary"),
    ArtifactFilter(stage="nobody"),
    ArtifactFilter(labels=("tabular",)),
    ArtifactFilter(labels=("tabular", "rare")),
    ArtifactFilter(type="model", stage="prod"),
    ArtifactFilter(is_registered=True),
    ArtifactFilter(is_registered=False),
    ArtifactFilter(is_deprecated=True),
    ArtifactFilter(is_deprecated=False, labels=("tabular",)),
    ArtifactFilter(query="net"),
    ArtifactFilter(query="ACME/repo-1"),
    ArtifactFilter(query="Straße 7"),
    ArtifactFilter(query="100%"),
    ArtifactFilter(query="nul \0 and half \ud800"),
)


@dataclass(frozen=True)
class Known:
    """An artifact as the test made it."""

    repo: Repo
    shown: ArtifactSummary


def _event(tag: str, commit: str, at: int) -> Event:
    name = parse_tag(tag)
    assert name is not None
    by = Signature("Ada", "a@b", datetime.fromtimestamp(at, UTC))
    return event_of(name, tag, commit * 40, by, "", f"{at:040x}")


def _fill(tx: Transaction, repo: Repo, random: Random) -> list[Known]:
    made: list[Known] = []
    events: list[Event] = []
    said: dict[str, Annotation] = {}
    for name in random.sample(("net", "models:forest", "Boost"), random.randrange(3)):
        start, versions = 1000 * random.randrange(50), random.randrange(4)
        own = [_event(f"{name.replace(':', '=')}@v0.{n}.0", "abcd"[n], start + n) for n in range(versions)]
        stages: dict[str, str] = {}
        for stage, chance in (("prod", 0.6), ("canary", 0.03)):
            if versions and random.random() < chance:
                own.append(_event(f"{name.replace(':', '=')}#{stage}#{1 + len(stages)}", "a", start + 10))
                stages[stage] = "v0.0.0"
        is_deprecated = bool(own) and random.random() < 0.1
        if is_deprecated:
            own.append(_event(f"{name.replace(':', '=')}@deprecated", "a", start + 20))
        labels = tuple(
            label for label, chance in (("tabular", 0.6), ("rare", 0.05)) if random.random() < chance
        )
        number = random.randrange(20)
        annotation = Annotation(
            name, type=random.choice(("model", None)), labels=labels, description=f"In STRASSE {number}"
        )
        is_annotated = not own or random.random() < 0.7
        events += own
        if is_annotated:
            said[name] = annotation
        made.append(
            Known(
                repo,
                ArtifactSummary(
                    repo=str(repo.full_name),
                    artifact=name,
                    latest=f"v0.{versions - 1}.0" if versions else None,
                    stages=stages,
                    versions=versions,
                    type=annotation.type if is_annotated else None,
                    description=annotation.description if is_annotated else "",
                    labels=labels if is_annotated else (),
                    is_registered=bool(own),
                    is_deprecated=is_deprecated,
                    updated_at=max((e.by.when for e in own), default=None),
                    latest_at=own[versions - 1].by.when if versions else None,
                ),
            )
        )
    registry.replace_index(tx, repo.id, events=events, problems=[], annotations=AnnotationSet(said))
    return made


@dataclass(frozen=True)
class Lists:
    """A hub with many repos, all that is in it, and those who read it, each with the repos that they see."""

    known: list[Known]
    readers: dict[str, tuple[Actor, Callable[[Repo], bool]]]

    def expected(self, reader: str, wanted: ArtifactFilter, sort: str) -> list[ArtifactSummary]:
        may_see = self.readers[reader][1]
        found = [one for one in self.known if may_see(one.repo) and _fits(one, wanted)]
        by_name = sort.removeprefix("-") == "name"

        def key(one: Known) -> Any:
            place = (one.repo.namespace.casefold(), one.repo.name.casefold()) if by_name else ()
            return (place, SORTS[sort.removeprefix("-")](one), one.repo.id, one.shown.artifact)

        return [one.shown for one in sorted(found, key=key, reverse=sort.startswith("-"))]


def _fits(one: Known, wanted: ArtifactFilter) -> bool:
    shown = one.shown
    text = "\n".join((shown.repo, shown.artifact, *shown.labels, shown.description)).casefold()
    checks = (
        (wanted.namespace, lambda value: one.repo.namespace.casefold() == value.casefold()),
        (wanted.repo, lambda value: value.casefold() in (one.repo.name.casefold(), shown.repo.casefold())),
        (wanted.query, lambda value: value.casefold() in text),
        (wanted.stage, lambda value: value in shown.stages),
        (wanted.type, lambda value: shown.type == value),
        (wanted.is_registered, lambda value: shown.is_registered is value),
        (wanted.is_deprecated, lambda value: shown.is_deprecated is value),
    )
    return set(wanted.labels) <= set(shown.labels) and all(
        value is None or fits(value) for value, fits in checks
    )


@pytest.fixture
def lists(tx: Transaction, world: World) -> Lists:
    random = Random(7)
    ada, bob = world.user("ada"), world.user("bob")
    root = world.user("root", is_hub_admin=True)
    acme, other = world.organisation("Acme", bob=Role.READER), world.organisation("acme-2")
    owners = (acme, other, ada)
    known: list[Known] = []
    for number in range(MANY):
        visibility = random.choice((Visibility.PUBLIC, Visibility.PRIVATE, Visibility.SHARED))
        known += _fill(tx, world.repo(random.choice(owners), f"Repo-{number}", visibility), random)
    gone = world.repo(acme, "gone", Visibility.PUBLIC)
    _fill(tx, gone, random)
    repos.mark_deleted(tx, gone.id, None, world.now)
    public = (Visibility.PUBLIC,)
    return Lists(
        known,
        {
            "anybody": (Actor(None, ""), lambda repo: repo.visibility in public),
            "bob": (
                actor_of(bob),
                lambda repo: repo.visibility is not Visibility.PRIVATE or repo.namespace_id == acme.id,
            ),
            "root": (actor_of(root), lambda repo: True),
            "limited": (
                actor_of(ada, ("ada/repo-1", "ada/repo-2")),
                lambda repo: (
                    repo.visibility in public
                    or (repo.namespace_id == ada.id and repo.name in ("Repo-1", "Repo-2"))
                ),
            ),
        },
    )


def _all_pages(
    tx: Transaction, actor: Actor, wanted: ArtifactFilter, sort: Any, limit: int
) -> list[ArtifactSummary]:
    found: list[ArtifactSummary] = []
    after = None
    while True:
        page = overview(tx, actor, PageRequest(limit, after), wanted=wanted, sort=sort)
        assert len(page.items) <= limit
        found += page.items
        if page.next_cursor is None:
            return found
        after = decode_cursor(page.next_cursor)


def test_every_filter_order_and_reader(tx: Transaction, lists: Lists) -> None:
    for reader, (actor, _) in lists.readers.items():
        for wanted in FILTERS:
            for sort in (f"{sign}{name}" for name in SORTS for sign in ("", "-")):
                if wanted != FILTERS[0] and sort not in ("name", "-updated"):
                    continue
                expected = lists.expected(reader, wanted, sort)
                assert _all_pages(tx, actor, wanted, sort, 47) == expected, (reader, wanted, sort)
    assert lists.expected("root", FILTERS[5], "name"), "a rare stage is held somewhere"
    root = lists.readers["root"][0]
    one = next(known for known in lists.known if known.shown.stages)
    of_repo = overview(tx, root, PageRequest(), repo_id=one.repo.id, sort="-updated")
    assert sorted(of_repo.items) == sorted(k.shown for k in lists.known if k.repo.id == one.repo.id)
    for key in (("a",), (1, 2, 3), (None, "a", "b"), (2**70, "a", "b")):
        with pytest.raises(InvalidInput):
            overview(tx, root, PageRequest(10, key), sort="-updated")
        with pytest.raises(InvalidInput):
            held_stages(tx, root, PageRequest(10, key))


def test_pages_are_steady_while_the_registry_changes(tx: Transaction, lists: Lists) -> None:
    """What does not change is seen once, whatever comes before or after it meanwhile."""
    root = lists.readers["root"][0]
    before = lists.expected("root", ArtifactFilter(), "-updated")
    seen: list[ArtifactSummary] = []
    after, number = None, 0
    while True:
        page = overview(tx, root, PageRequest(40, after), sort="-updated")
        seen += page.items
        if page.next_cursor is None:
            break
        after = decode_cursor(page.next_cursor)
        repo = lists.known[number].repo
        number += 1
        registry.replace_events(tx, repo.id, [], [_event(f"new-{number}@v1.0.0", "e", 10**9 + number)], [])
        registry.replace_events(tx, repo.id, [], [_event(f"old-{number}@v1.0.0", "e", -number)], [])
    unchanged = [one for one in seen if not one.artifact.startswith(("new-", "old-"))]
    assert unchanged == before


def test_a_rename_moves_repos_in_the_order(tx: Transaction, lists: Lists) -> None:
    root = lists.readers["root"][0]
    acme = namespaces.namespace_by_name(tx, "acme")
    assert acme is not None
    namespaces.rename_namespace(tx, acme.id, "Zzz")
    shown = [one.repo.split("/")[0] for one in _all_pages(tx, root, ArtifactFilter(), "name", 1000)]
    assert shown == sorted(shown, key=str.casefold)
    assert "Zzz" in shown
    assert "Acme" not in shown
    found = overview(tx, root, PageRequest(), wanted=ArtifactFilter(query="zzz/repo"))
    assert found.items


def test_stages_of_all_repos(tx: Transaction, lists: Lists) -> None:
    for reader, (actor, may_see) in lists.readers.items():
        for stage, query, namespace in (
            (None, None, None),
            ("prod", None, None),
            ("canary", None, None),
            (None, "NET", None),
            ("prod", "repo-1", "acme"),
            ("nobody", None, None),
        ):
            expected = [
                (one.shown.repo, one.shown.artifact, held)
                for one in sorted(
                    lists.known,
                    key=lambda k: (k.repo.namespace.casefold(), k.repo.name.casefold(), k.shown.artifact),
                )
                if may_see(one.repo)
                and (namespace is None or one.repo.namespace.casefold() == namespace)
                and (
                    query is None or query.casefold() in f"{one.shown.repo}\n{one.shown.artifact}".casefold()
                )
                for held in sorted(one.shown.stages)
                if stage in (None, held)
            ]
            found, after = [], None
            while True:
                page = held_stages(
                    tx, actor, PageRequest(31, after), stage=stage, query=query, namespace=namespace
                )
                found += [(row.repo, row.stage.artifact, row.stage.stage) for row in page.items]
                if page.next_cursor is None:
                    break
                after = decode_cursor(page.next_cursor)
            assert found == expected, (reader, stage, query)


INDEXES = {
    "name": "SCAN repos USING INDEX uq_repos_sort_name_id",
    "updated": "artifacts USING COVERING INDEX ix_artifacts_updated_at_repo_id_artifact",
    "latest": "artifacts USING COVERING INDEX ix_artifacts_latest_at_repo_id_artifact",
    "versions": "artifacts USING COVERING INDEX ix_artifacts_versions_repo_id_artifact",
}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_long_list_goes_down_an_index(database: Database, tx: Transaction, lists: Lists) -> None:
    asked: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        asked.append((arguments[2], arguments[3]))

    root = lists.readers["root"][0]
    sqlalchemy_event.listen(tx.connection, "before_cursor_execute", note)
    for sort, index in INDEXES.items():
        for sign in ("", "-"):
            asked.clear()
            overview(tx, root, PageRequest(), sort=f"{sign}{sort}")  # type: ignore[arg-type]
            (_, page) = asked
            steps = [
                row.detail for row in tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {page[0]}", page[1])
            ]
            walked = steps[1 : steps.index("SCAN page")]
            assert any(index in step for step in walked), steps
            assert not any("TEMP B-TREE" in step for step in walked), steps
    sqlalchemy_event.remove(tx.connection, "before_cursor_execute", note)
