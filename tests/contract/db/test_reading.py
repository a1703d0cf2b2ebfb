"""Who may read what: the database's condition says the same as the domain's rule, for every kind of actor."""

from __future__ import annotations

import itertools
from datetime import datetime

import pytest

from modelkeep.db import blobs, namespaces, registry, repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor, Role, Visibility, anonymous, effective_role
from modelkeep.domain.accounts import Namespace, User
from modelkeep.domain.events import Event
from modelkeep.domain.objects import Signature
from modelkeep.domain.paging import PageRequest
from modelkeep.domain.repos import Repo, RepoKind
from modelkeep.domain.tag_grammar import EventKind
from tests.contract.db.world import World, actor_of

ROLES: list[Role | None] = [None, *Role]


def _expected(tx: Transaction, actor: Actor, repo: Repo) -> bool:
    """The rule, from the domain alone: outside its limits a token is worth as much as none."""
    if not actor.is_within_limits(repo.full_name):
        return repo.visibility is Visibility.PUBLIC
    return effective_role(actor, repos.granted_role(tx, repo, actor.user_id), repo.visibility) is not None


def _oid(repo: Repo) -> str:
    return repo.id * 2


@pytest.fixture
def hub(tx: Transaction, world: World, now: datetime) -> list[Repo]:
    """An organisation's repo and a user's for every visibility; each with a blob and an artifact of its own."""
    ada = world.user("ada")
    acme = world.organisation("acme")
    owners: list[Namespace | User] = [acme, ada]
    found = [
        world.repo(owner, f"{visibility}-{number}", visibility)
        for owner, visibility, number in itertools.product(owners, Visibility, range(2))
    ]
    for repo in found:
        blobs.record_blob_and_link(tx, _oid(repo), 1, repo.id, None, now)
        by = Signature("A", "a@b", now.replace(microsecond=0))
        event = Event(
            "m@v1.0.0", EventKind.REGISTRATION, "m", "v1.0.0", None, None, "c" * 40, by, "", "d" * 40
        )
        registry.replace_events(tx, repo.id, [], [event], [])
    deleted = world.repo(acme, "deleted", Visibility.PUBLIC)
    blobs.record_blob_and_link(tx, "d" * 64, 1, deleted.id, None, now)
    repos.mark_deleted(tx, deleted.id, None, now)
    world.repo(ada, "asking")
    return found


LIMITS = [
    (),
    ("acme",),
    ("ada",),
    ("acme/private-0",),
    ("ada/shared-1", "acme/public-0", "acme/private-1"),
    ("nobody", "acme/none"),
]


def _check(tx: Transaction, actor: Actor, hub: list[Repo]) -> None:
    expected = {repo.id for repo in hub if _expected(tx, actor, repo)}
    names = {str(repo.full_name) for repo in hub if repo.id in expected}
    listed = repos.list_repos(tx, actor, PageRequest(100)).items
    assert {repo.id for repo in listed if repo.name != "asking"} == expected
    asking = repos.repo_by_name(tx, "ada", "asking", RepoKind.MODEL)
    assert asking is not None
    oids = [_oid(repo) for repo in hub] + ["d" * 64, "e" * 64]
    readable = blobs.readable(tx, actor, asking.id, oids)
    assert set(readable) == {_oid(repo) for repo in hub if repo.id in expected}
    assert not any(access.linked_here for access in readable.values())
    assert {row.repo for row in registry.overview(tx, actor, PageRequest(100)).items} == names


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("role", ROLES)
def test_a_member_of_the_organisation(
    tx: Transaction, world: World, hub: list[Repo], role: Role | None, limits: tuple[str, ...]
) -> None:
    bob = world.user("bob")
    acme = namespaces.namespace_by_name(tx, "acme")
    assert acme is not None
    if role is not None:
        namespaces.set_member(tx, acme.id, bob.id, role)
    _check(tx, actor_of(bob, limits), hub)


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("role", Role)
def test_a_member_of_single_repos(
    tx: Transaction, world: World, hub: list[Repo], role: Role, limits: tuple[str, ...]
) -> None:
    bob = world.user("bob")
    for repo in hub:
        if repo.name.endswith("-0"):
            repos.set_member(tx, repo.id, bob.id, role)
    _check(tx, actor_of(bob, limits), hub)


@pytest.mark.parametrize("limits", LIMITS)
def test_the_owner_of_a_namespace_and_an_administrator(
    tx: Transaction, world: World, hub: list[Repo], limits: tuple[str, ...]
) -> None:
    asking = repos.repo_by_name(tx, "ada", "asking", RepoKind.MODEL)
    assert asking is not None
    ada = Actor(asking.namespace_id, "ada", limits=frozenset(limits))
    _check(tx, ada, hub)
    _check(tx, actor_of(world.user("root", is_hub_admin=True), limits), hub)


def test_nobody_signed_in(tx: Transaction, hub: list[Repo]) -> None:
    _check(tx, anonymous(), hub)
    assert {repo.visibility for repo in repos.list_repos(tx, anonymous(), PageRequest()).items} == {
        Visibility.PUBLIC
    }


def test_a_limited_token_of_nobody_reads_the_public_only(tx: Transaction, hub: list[Repo]) -> None:
    odd = Actor(None, "anonymous", limits=frozenset({"acme"}), is_hub_admin=False)
    assert {repo.visibility for repo in repos.list_repos(tx, odd, PageRequest()).items} == {Visibility.PUBLIC}
