"""Mirrors as rows, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

from modelkeep.db import imports, mirrors, namespaces
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.imports import Choice, ImportState, Source
from modelkeep.domain.repos import RepoKind
from tests.contract.db.world import World, actor_of


def set_it(world: World, namespace_id: int, actor: Actor, now: datetime, source: str = "acme") -> None:
    mirrors.set_mirror(
        world.tx,
        namespace_id,
        endpoint="https://hub.example.org",
        source=source,
        token=b"\x00sealed",
        fresh_for=timedelta(minutes=10),
        choice=Choice(("*.json",), ("onnx/",)),
        kinds=(RepoKind.MODEL,),
        set_by=actor,
        now=now,
    )


def test_a_mirror_comes_back_as_it_was_set_and_goes_with_its_namespace(
    tx: Transaction, world: World, now: datetime
) -> None:
    acme, other = world.organisation("Acme").id, world.organisation("other").id
    ada = actor_of(world.user("ada"))
    assert mirrors.mirror_of(tx, acme) is None
    set_it(world, acme, ada, now, source="old")
    set_it(world, acme, ada, now)
    found = mirrors.mirror_of(tx, acme)
    assert found is not None
    assert (found.endpoint, found.source, found.kinds) == (
        "https://hub.example.org",
        "acme",
        (RepoKind.MODEL,),
    )
    assert (found.fresh_for, found.choice) == (timedelta(minutes=10), Choice(("*.json",), ("onnx/",)))
    assert (found.has_token, found.set_by, found.set_at) == (True, "ada", now)
    assert mirrors.token_of_mirror(tx, acme) == b"\x00sealed"
    set_it(world, other, ada, now)
    assert mirrors.mirrored_names(tx) == {"acme", "other"}
    assert mirrors.remove_mirror(tx, other)
    assert not mirrors.remove_mirror(tx, other)
    namespaces.delete_namespace(tx, acme)
    assert mirrors.mirrored_names(tx) == set()


def test_repos_wait_until_their_first_import_has_ended(tx: Transaction, world: World, now: datetime) -> None:
    acme = world.organisation("acme")
    numbers = [
        imports.add_import(
            tx,
            world.repo(place, name).id,
            Source("https://hub.example.org", RepoKind.MODEL, f"acme/{name}"),
            Choice(),
            revision=None,
            wanted_commit="a" * 40,
            token=None,
            every=None,
            created_by=actor_of(world.user(f"user-{name}")),
            now=now,
        )
        for place, name in ((acme, "one"), (acme, "two"), (world.organisation("other"), "three"))
    ]
    assert mirrors.count_waiting(tx, acme.id) == 2
    imports.update_import(tx, numbers[0], result_commit="b" * 40)
    assert mirrors.count_waiting(tx, acme.id) == 1
    imports.update_import(tx, numbers[1], state=str(ImportState.FAILED))
    assert mirrors.count_waiting(tx, acme.id) == 0
