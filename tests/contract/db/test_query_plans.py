"""Hot queries go by an index, on a database of some size, whatever the planner knows about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from modelkeep.db import (
    accounts,
    attempts,
    audit,
    blobs,
    cards,
    downloads,
    headers,
    locks,
    namespaces,
    refs,
    registry,
    repos,
    tokens,
)
from modelkeep.db.catalogue import list_catalogue
from modelkeep.db.engine import Database, open_database
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.catalogue import HubFilter
from modelkeep.domain.paging import PageRequest
from modelkeep.domain.repos import RepoKind

ADA = Actor(1, "ada", limits=frozenset({"acme", "ada/x"}))
MODEL = RepoKind.MODEL
_FAR = PageRequest(50, (10**15, "x"))
PAGE, NEXT = PageRequest(), PageRequest(50, ("refs/heads/x",))

QUERIES: dict[str, Callable[[Transaction], Any]] = {
    "user by name": lambda tx: accounts.user_by_name(tx, "ada"),
    "token by hash": lambda tx: tokens.token_by_hash(tx, b"x"),
    "tokens of a user": lambda tx: tokens.list_tokens(tx, 1),
    "failures": lambda tx: attempts.recorded_failures(tx, "x"),
    "namespace by name": lambda tx: namespaces.namespace_by_name(tx, "ada"),
    "role in a namespace": lambda tx: namespaces.member_role(tx, 2, 1),
    "members": lambda tx: namespaces.members(tx, 2),
    "repo by id": lambda tx: repos.repo_by_id(tx, "x"),
    "repo by name": lambda tx: repos.repo_by_name(tx, "ada", "x", RepoKind.MODEL),
    "repo with role": lambda tx: repos.repo_with_role(tx, "ada", "x", RepoKind.MODEL, 1),
    "expired repos": lambda tx: repos.deleted_before(tx, datetime.now().astimezone()),
    "ref by name": lambda tx: refs.ref_by_name(tx, "x", "refs/heads/main"),
    "branches": lambda tx: refs.list_refs(tx, "x", "refs/heads/", PAGE),
    "more branches": lambda tx: refs.list_refs(tx, "x", "refs/heads/", NEXT),
    "events of an artifact": lambda tx: registry.events_of(tx, "x", "m"),
    "artifacts": lambda tx: registry.artifacts_of(tx, "x"),
    "versions": lambda tx: registry.versions_of(tx, "x", "m", PageRequest(50, ("a", "b"))),
    "version": lambda tx: registry.version_row(tx, "x", "m", "v1.0.0"),
    "latest version": lambda tx: registry.latest_row(tx, "x", "m"),
    "stage": lambda tx: registry.stage_row(tx, "x", "m", "prod"),
    "version of a name or a commit": lambda tx: registry.version_events(
        tx, "x", "m", versions=["v1.0.0"], commits=["c"]
    ),
    "readable blobs": lambda tx: blobs.readable(tx, ADA, "x", ["a", "b"]),
    "linked blobs": lambda tx: blobs.linked(tx, "x", ["a", "b"]),
    "usage": lambda tx: blobs.usage(tx, "x"),
    "cards": lambda tx: cards.cards_of(tx, ["x", "y"]),
    "downloads": lambda tx: downloads.counts_of(tx, ["x", "y"]),
    "header": lambda tx: headers.header_of(tx, "x"),
    "lock by path": lambda tx: locks.lock_by_path(tx, "x", "a"),
    "locks": lambda tx: locks.list_locks(tx, "x", PageRequest(50, ("a",))),
    "audit of a repo": lambda tx: audit.list_entries(tx, PageRequest(50, (100,)), repo_id="x"),
    "audit": lambda tx: audit.list_entries(tx, PageRequest(50, (100,))),
}


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """An SQLite database; without statistics its planner goes by the indexes alone."""
    path: Path = tmp_path_factory.mktemp("plans") / "hub.db"
    database = open_database(f"sqlite:///{path}")
    database.migrate()
    yield database
    database.close()


@pytest.mark.parametrize("name", QUERIES)
def test_no_table_is_read_from_end_to_end(big: Database, name: str) -> None:
    asked: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        asked.append((arguments[2], arguments[3]))

    with big.read() as tx:
        event.listen(tx.connection, "before_cursor_execute", note)
        QUERIES[name](tx)
        event.remove(tx.connection, "before_cursor_execute", note)
        assert asked
        for statement, parameters in asked:
            plan = tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [row.detail for row in plan]
            assert steps
            scans = [step for step in steps if step.startswith("SCAN") and "CONSTANT ROW" not in step]
            assert scans == [], f"{steps}\n{statement}"


def _plan(database: Database, ask: Callable[[Transaction], Any]) -> list[str]:
    """The steps of the first statement that a question makes."""
    asked: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        asked.append((arguments[2], arguments[3]))

    with database.read() as tx:
        event.listen(tx.connection, "before_cursor_execute", note)
        ask(tx)
        event.remove(tx.connection, "before_cursor_execute", note)
        plan = tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[0][0]}", asked[0][1])
        return [row.detail for row in plan]


@pytest.mark.parametrize("sort", ["updated", "created"])
def test_a_list_of_repos_goes_down_an_index(big: Database, sort: repos.Sort) -> None:
    steps = _plan(big, lambda tx: repos.list_repos(tx, ADA, _FAR, sort=sort))
    assert any(f"repos USING INDEX ix_repos_{sort}_at_id" in step for step in steps), steps
    assert not any("USE TEMP B-TREE FOR ORDER BY" in step for step in steps), steps


def test_the_most_downloaded_are_found_down_an_index(big: Database) -> None:
    steps = _plan(big, lambda tx: list_catalogue(tx, ADA, MODEL, HubFilter(sort="downloads"), _FAR))
    assert any("USING COVERING INDEX uq_repo_counts" in step for step in steps), steps
    assert not any("USE TEMP B-TREE FOR ORDER BY" in step for step in steps), steps


def test_tags_are_found_by_an_index(big: Database) -> None:
    wanted = HubFilter(tags=("license:mit",), pipeline_tag="fill-mask", least_parameters=5)
    steps = _plan(big, lambda tx: list_catalogue(tx, ADA, MODEL, wanted, _FAR))
    assert any("ix_repo_tags_tag_folded" in step for step in steps), steps
    assert not any(step.startswith("SCAN repo_") for step in steps), steps
