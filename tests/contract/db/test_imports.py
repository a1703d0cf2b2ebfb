"""Imports as rows, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

from modelkeep.db import imports
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Role
from modelkeep.domain.imports import Choice, ImportState, Progress, Source
from modelkeep.domain.paging import PageRequest
from modelkeep.domain.repos import RepoKind
from tests.contract.db.world import World, actor_of

SOURCE = Source("https://hub.example.org", RepoKind.MODEL, "acme/bert")


def add(world: World, repo_id: str, user: str, now: datetime) -> int:
    return imports.add_import(
        world.tx,
        repo_id,
        SOURCE,
        Choice(("*.json",), ()),
        revision="v1",
        wanted_commit="a" * 40,
        token=b"\x00sealed",
        every=timedelta(days=1),
        created_by=actor_of(world.user(user)),
        now=now,
    )


def test_an_import_comes_back_as_it_was_kept(tx: Transaction, world: World, now: datetime) -> None:
    acme = world.organisation("acme")
    repo = world.repo(acme, "copy")
    number = add(world, repo.id, "ada", now)
    found = imports.import_by_id(tx, number)
    assert found is not None
    assert (found.source, found.revision, found.choice) == (SOURCE, "v1", Choice(("*.json",), ()))
    assert (found.state, found.every, found.next_at) == (ImportState.QUEUED, timedelta(days=1), now)
    assert (found.has_token, found.created_by, found.progress) == (True, "ada", Progress())
    assert imports.import_of_repo(tx, repo.id) == found
    assert imports.token_of(tx, number) == b"\x00sealed"
    assert tx.rings
    imports.update_import(tx, number, error="half \ud800 of a \0 sign", error_code="x", bytes_done=2**40)
    changed = imports.import_by_id(tx, number)
    assert changed is not None
    assert changed.error is not None
    assert "\0" not in changed.error
    assert changed.progress.bytes_done == 2**40


def test_what_is_due_waits_for_its_time_and_its_turn(tx: Transaction, world: World, now: datetime) -> None:
    acme = world.organisation("acme")
    first = add(world, world.repo(acme, "one").id, "ada", now)
    second = add(world, world.repo(acme, "two").id, "bob", now - timedelta(hours=1))
    assert imports.due(tx, now, 10) == [second, first]
    assert imports.due(tx, now, 1) == [second]
    assert imports.due(tx, now - timedelta(minutes=1), 10) == [second]
    imports.update_import(tx, second, job_at=now)
    assert imports.due(tx, now, 10) == [first]
    assert imports.with_jobs(tx) == [second]
    assert imports.has_job(tx, second)
    assert not imports.has_job(tx, first)


def test_files_are_replaced_and_go_with_their_import(tx: Transaction, world: World, now: datetime) -> None:
    number = add(world, world.repo(world.organisation("acme"), "one").id, "ada", now)
    many = {f"{index:05}.json": f"{index:040}" for index in range(2500)}
    imports.replace_files(tx, number, many)
    assert imports.imported_files(tx, number) == many
    imports.replace_files(tx, number, {"a": "b" * 40})
    assert imports.imported_files(tx, number) == {"a": "b" * 40}
    imports.remove_import(tx, number)
    assert imports.imported_files(tx, number) == {}
    assert imports.import_by_id(tx, number) is None


def test_lists_show_imports_into_repos_that_one_may_read(
    tx: Transaction, world: World, now: datetime
) -> None:
    ada, eve = world.user("ada2"), world.user("eve")
    acme = world.organisation("acme", ada2=Role.READER)
    repos = [world.repo(acme, f"r{index}") for index in range(3)]
    numbers = [add(world, repo.id, f"user{index}", now) for index, repo in enumerate(repos)]
    page = imports.list_imports(tx, actor_of(ada), PageRequest(2))
    assert [one.id for one in page.items] == numbers[:0:-1]
    rest = imports.list_imports(tx, actor_of(ada), PageRequest.parse(2, page.next_cursor))
    assert [one.id for one in rest.items] == numbers[:1]
    assert imports.list_imports(tx, actor_of(eve), PageRequest()).items == ()
    assert [one.id for one in imports.list_imports(tx, actor_of(eve), PageRequest(), repos[1].id).items] == [
        numbers[1]
    ]
