"""Repos: names, lists, their life, rules and members."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, table, text

from modelkeep.db import blobs, locks, namespaces, protections, refs, registry, repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor, Role, Visibility, anonymous
from modelkeep.domain.digest import EMPTY
from modelkeep.domain.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from modelkeep.domain.objects import Ref
from modelkeep.domain.paging import PageRequest, decode_cursor
from modelkeep.domain.repos import Protection, Repo, RepoKind
from tests.contract.db.world import World, actor_of, repo_id

ROOT = Actor(1, "root", is_hub_admin=True)
MODEL = RepoKind.MODEL


def test_a_repo_is_found_without_case_and_kept_as_written(
    tx: Transaction, world: World, now: datetime
) -> None:
    acme = world.organisation("Acme")
    made = repos.create_repo(
        tx,
        repo_id=repo_id(7),
        namespace_id=acme.id,
        name="Churn",
        kind=MODEL,
        description="who leaves",
        visibility=Visibility.SHARED,
        default_branch="main",
        labels=["tabular", "a:b"],
        pristine_commit="c" * 40,
        now=now,
    )
    assert made == Repo(
        id=repo_id(7),
        namespace_id=acme.id,
        namespace="Acme",
        name="Churn",
        kind=MODEL,
        description="who leaves",
        visibility=Visibility.SHARED,
        default_branch="main",
        labels=("a:b", "tabular"),
        pristine_commit="c" * 40,
        created_at=now,
        updated_at=now,
        deleted_at=None,
    )
    assert repos.repo_by_name(tx, "aCME", "cHURN", MODEL) == repos.repo_by_id(tx, made.id) == made
    assert repos.repo_by_name(tx, "acme", "churn", RepoKind.DATASET) is None
    assert repos.repo_by_name(tx, "acme", "other", MODEL) is None
    assert repos.repo_by_name(tx, "other", "churn", MODEL) is None
    assert repos.repo_by_id(tx, repo_id(8)) is None
    assert repos.all_repo_ids(tx) == [(made.id, EMPTY)]


def test_a_name_is_taken_within_its_namespace_and_kind(world: World) -> None:
    acme, apex = world.organisation("acme"), world.organisation("apex")
    world.repo(acme, "churn")
    with pytest.raises(AlreadyExists) as caught:
        world.repo(acme, "CHURN")
    assert caught.value.code == "repo_exists"
    world.repo(apex, "churn")
    world.repo(acme, "churn", kind=RepoKind.DATASET)
    with pytest.raises(Conflict):
        repos.create_repo(
            world.tx,
            repo_id=repo_id(99),
            namespace_id=99,
            name="x",
            kind=MODEL,
            description="",
            visibility=Visibility.PRIVATE,
            default_branch="main",
            now=world.now,
        )


def test_a_repo_of_any_kind(tx: Transaction, world: World) -> None:
    acme = world.organisation("acme")
    data = world.repo(acme, "churn", kind=RepoKind.DATASET)
    assert repos.repo_by_name_of_any_kind(tx, "acme", "churn") == data
    model = world.repo(acme, "churn")
    assert repos.repo_by_name_of_any_kind(tx, "acme", "churn") == model
    assert repos.repo_by_name_of_any_kind(tx, "acme", "none") is None


def test_a_repo_is_changed(tx: Transaction, world: World, now: datetime) -> None:
    repo = world.repo(world.organisation("acme"), "churn", labels=("a",))
    later = now + timedelta(days=1)
    changed = repos.update_repo(
        tx, repo.id, description="d", visibility=Visibility.PUBLIC, default_branch="trunk", updated_at=later
    )
    assert (changed.description, changed.visibility, changed.default_branch, changed.updated_at) == (
        "d",
        Visibility.PUBLIC,
        "trunk",
        later,
    )
    assert repos.update_repo(tx, repo.id) == changed
    repos.set_pristine(tx, repo.id, "c" * 40)
    assert repos.update_repo(tx, repo.id).pristine_commit == "c" * 40
    assert repos.update_repo(tx, repo.id, pristine_commit=None).pristine_commit is None
    repos.set_labels(tx, repo.id, ["b", "c", "b"])
    assert repos.update_repo(tx, repo.id).labels == ("b", "c")
    repos.set_labels(tx, repo.id, [])
    assert repos.update_repo(tx, repo.id).labels == ()
    with pytest.raises(NotFound):
        repos.update_repo(tx, repo_id(99), description="d")
    with pytest.raises(NotFound):
        repos.set_pristine(tx, repo_id(99), None)


def test_an_old_name_leads_on_until_it_is_taken(tx: Transaction, world: World) -> None:
    acme, apex = world.organisation("acme"), world.organisation("apex")
    repo = world.repo(acme, "churn")
    world.repo(apex, "taken")
    moved = repos.rename_or_move(tx, repo.id, apex.id, "Leavers")
    assert str(moved.full_name) == "apex/Leavers"
    assert repos.repo_by_name(tx, "ACME", "CHURN", MODEL) == moved
    assert repos.repo_with_role(tx, "acme", "churn", MODEL, None) == (moved, None)
    assert repos.repo_by_name(tx, "acme", "churn", MODEL, follow_aliases=False) is None
    assert repos.repo_with_role(tx, "acme", "churn", MODEL, None, follow_aliases=False) is None
    assert repos.repo_by_name(tx, "acme", "churn", RepoKind.DATASET) is None
    with pytest.raises(AlreadyExists):
        repos.rename_or_move(tx, repo.id, apex.id, "TAKEN")
    with pytest.raises(NotFound):
        repos.rename_or_move(tx, repo_id(99), apex.id, "x")
    again = repos.rename_or_move(tx, repo.id, apex.id, "third")
    for namespace, name in (("acme", "churn"), ("apex", "leavers"), ("apex", "third")):
        assert repos.repo_by_name(tx, namespace, name, MODEL) == again
    new = world.repo(acme, "Churn")
    assert repos.repo_by_name(tx, "acme", "churn", MODEL) == new
    home = repos.rename_or_move(tx, repo.id, apex.id, "leavers")
    assert repos.repo_by_name(tx, "apex", "third", MODEL) == home


def test_a_change_of_case_leaves_no_old_name(tx: Transaction, world: World) -> None:
    acme = world.organisation("acme")
    repo = world.repo(acme, "churn")
    assert repos.rename_or_move(tx, repo.id, acme.id, "Churn").name == "Churn"
    assert tx.scalar(text("SELECT count(*) FROM repo_aliases")) == 0


def test_names_lead_on_through_a_renamed_namespace(tx: Transaction, world: World) -> None:
    acme = world.organisation("acme")
    repo = world.repo(acme, "churn")
    old = world.repo(acme, "first")
    repos.rename_or_move(tx, old.id, acme.id, "second")
    namespaces.rename_namespace(tx, acme.id, "apex")
    for name, expected in (("churn", repo), ("first", old), ("second", old)):
        found = repos.repo_by_name(tx, "acme", name, MODEL)
        assert found is not None
        assert (found.id, found.namespace) == (expected.id, "apex")
    assert repos.repo_by_name(tx, "acme", "churn", MODEL, follow_aliases=False) is None


def test_deletion_and_return(tx: Transaction, world: World, now: datetime) -> None:
    ada = world.user("ada")
    acme = world.organisation("acme")
    repo = world.repo(acme, "churn")
    gone = repos.mark_deleted(tx, repo.id, ada.id, now)
    assert gone.deleted_at == now
    assert repos.repo_by_name(tx, "acme", "churn", MODEL) is None
    assert repos.repo_by_id(tx, repo.id) == repos.deleted_by_name(tx, acme.id, "CHURN", MODEL) == gone
    assert [found for found, _ in repos.all_repo_ids(tx)] == [repo.id]
    with pytest.raises(NotFound):
        repos.mark_deleted(tx, repo.id, ada.id, now)
    other = world.repo(acme, "churn")
    with pytest.raises(AlreadyExists):
        repos.restore(tx, repo.id)
    repos.mark_deleted(tx, other.id, None, now + timedelta(days=1))
    assert repos.deleted_by_name(tx, acme.id, "churn", MODEL) == repos.repo_by_id(tx, other.id)
    assert [found.id for found in repos.deleted_before(tx, now + timedelta(days=2))] == [repo.id, other.id]
    assert [found.id for found in repos.deleted_before(tx, now + timedelta(days=1))] == [repo.id]
    assert repos.restore(tx, repo.id) == repo
    assert repos.restore(tx, repo.id) == repo
    assert repos.deleted_by_name(tx, acme.id, "churn", RepoKind.DATASET) is None
    with pytest.raises(NotFound):
        repos.restore(tx, repo_id(99))


def test_an_old_name_does_not_lead_to_a_deleted_repo(tx: Transaction, world: World, now: datetime) -> None:
    acme = world.organisation("acme")
    repo = world.repo(acme, "churn")
    repos.rename_or_move(tx, repo.id, acme.id, "new")
    repos.mark_deleted(tx, repo.id, None, now)
    assert repos.repo_by_name(tx, "acme", "churn", MODEL) is None


def test_purging_leaves_nothing(tx: Transaction, world: World, now: datetime) -> None:
    ada = world.user("ada")
    acme = world.organisation("acme")
    repo = world.repo(acme, "churn", labels=("a",))
    repos.set_member(tx, repo.id, ada.id, Role.READER)
    repos.rename_or_move(tx, repo.id, acme.id, "new")
    protections.add_protection(tx, repo.id, Protection(0, False, "main", Role.OWNER))
    refs.apply(tx, repo.id, [Ref("refs/heads/main", "a" * 40, "a" * 40)], [])
    blobs.record_blob_and_link(tx, "0" * 64, 5, repo.id, ada.id, now)
    locks.create_lock(tx, lock_id="1", repo_id=repo.id, path="a", ref=None, owner_id=ada.id, now=now)
    repos.purge_repo(tx, repo.id)
    assert repos.repo_by_id(tx, repo.id) is None
    assert not any(registry.snapshot(tx, repo.id).values())
    for name in (
        "repo_labels",
        "repo_members",
        "repo_aliases",
        "protections",
        "git_refs",
        "blob_links",
        "lfs_locks",
    ):
        assert tx.scalar(select(func.count()).select_from(table(name))) == 0
    assert blobs.blob_size(tx, "0" * 64) == 5
    with pytest.raises(NotFound):
        repos.purge_repo(tx, repo.id)


def test_the_greatest_role_counts(tx: Transaction, world: World) -> None:
    ada, bob = world.user("ada"), world.user("bob")
    acme = world.organisation("acme", ada=Role.CONTRIBUTOR)
    repo, own = world.repo(acme, "churn"), world.repo(ada, "own")
    cases: list[tuple[Repo, int | None, Role | None]] = [
        (repo, ada.id, Role.CONTRIBUTOR),
        (repo, bob.id, None),
        (repo, None, None),
        (own, ada.id, Role.OWNER),
        (own, bob.id, None),
        (own, None, None),
    ]
    for found, user_id, expected in cases:
        assert repos.granted_role(tx, found, user_id) is expected
        assert repos.repo_with_role(tx, found.namespace, found.name, MODEL, user_id) == (found, expected)
    repos.set_member(tx, repo.id, ada.id, Role.READER)
    assert repos.granted_role(tx, repo, ada.id) is Role.CONTRIBUTOR
    repos.set_member(tx, repo.id, ada.id, Role.MAINTAINER)
    assert repos.granted_role(tx, repo, ada.id) is Role.MAINTAINER
    both = [repo.id, own.id]
    assert repos.granted_roles(tx, both, ada.id) == {repo.id: Role.MAINTAINER, own.id: Role.OWNER}
    assert repos.granted_roles(tx, both, bob.id) == repos.granted_roles(tx, both, None) == {}
    assert repos.granted_roles(tx, [], ada.id) == {}
    repos.set_member(tx, own.id, bob.id, Role.READER)
    assert repos.repo_with_role(tx, "ada", "own", MODEL, bob.id) == (own, Role.READER)
    assert repos.repo_with_role(tx, "ada", "none", MODEL, bob.id) is None


def test_members_of_a_repo(tx: Transaction, world: World) -> None:
    ada, bob = world.user("ada"), world.user("bob")
    repo = world.repo(ada, "own")
    repos.set_member(tx, repo.id, bob.id, Role.READER)
    repos.set_member(tx, repo.id, bob.id, Role.CONTRIBUTOR)
    assert [(m.username, m.role) for m in repos.members(tx, repo.id)] == [("bob", Role.CONTRIBUTOR)]
    assert repos.remove_member(tx, repo.id, bob.id)
    assert not repos.remove_member(tx, repo.id, bob.id)
    with pytest.raises(Conflict):
        repos.set_member(tx, repo_id(99), bob.id, Role.READER)


def test_protections(tx: Transaction, world: World) -> None:
    ada = world.user("ada")
    repo, other = world.repo(ada, "a"), world.repo(ada, "b")
    rule = Protection(0, False, "release/*", Role.MAINTAINER, allows_force=True)
    made = protections.add_protection(tx, repo.id, rule)
    tags = protections.add_protection(
        tx, repo.id, Protection(0, True, "release/*", Role.OWNER, allows_delete=True)
    )
    assert protections.protections_of(tx, repo.id) == [made, tags]
    assert (made.pattern, made.push_role, made.allows_force, made.allows_delete) == (
        "release/*",
        Role.MAINTAINER,
        True,
        False,
    )
    with pytest.raises(AlreadyExists):
        protections.add_protection(tx, repo.id, rule)
    assert not protections.remove_protection(tx, other.id, made.id)
    assert protections.remove_protection(tx, repo.id, made.id)
    assert protections.protections_of(tx, repo.id) == [tags]


def _names(page: tuple[Repo, ...]) -> list[str]:
    return [str(repo.full_name) for repo in page]


def test_lists_are_sorted_in_pages(tx: Transaction, world: World, now: datetime) -> None:
    acme, zeta = world.organisation("Acme"), world.organisation("zeta")
    for minutes, (place, name) in enumerate([(zeta, "b"), (acme, "c"), (acme, "A"), (zeta, "a")]):
        world.repo(place, name, now=now + timedelta(minutes=minutes))
    world.repo(zeta, "a", kind=RepoKind.DATASET, now=now + timedelta(minutes=3))
    expected: dict[repos.Sort, list[str]] = {
        "name": ["Acme/A", "Acme/c", "zeta/a", "zeta/a", "zeta/b"],
        "created": ["zeta/a", "zeta/a", "Acme/A", "Acme/c", "zeta/b"],
        "updated": ["zeta/b", "zeta/a", "zeta/a", "Acme/A", "Acme/c"],
    }
    repos.update_repo(tx, repo_id(1), updated_at=now + timedelta(days=1))
    for sort, names in expected.items():
        found: list[str] = []
        cursor: str | None = None
        while True:
            after = decode_cursor(cursor) if cursor else None
            page = repos.list_repos(tx, ROOT, PageRequest(2, after), sort=sort)
            found += _names(page.items)
            cursor = page.next_cursor
            if cursor is None:
                break
        assert found == names
    with pytest.raises(InvalidInput):
        repos.list_repos(tx, ROOT, PageRequest(2, ("a", "b", "c")), sort="created")
    with pytest.raises(InvalidInput):
        repos.list_repos(tx, ROOT, PageRequest(2, (2**62, "b")), sort="created")


def test_lists_are_filtered(tx: Transaction, world: World, now: datetime) -> None:
    acme, zeta = world.organisation("Acme"), world.organisation("zeta")
    world.repo(acme, "churn", Visibility.PUBLIC, labels=("a", "b"), description="Who leaves 100%")
    world.repo(acme, "iris", labels=("a",))
    world.repo(zeta, "churn", kind=RepoKind.DATASET)

    def found(**wanted: object) -> list[str]:
        page = repos.list_repos(tx, ROOT, PageRequest(), sort="name", **wanted)  # type: ignore[arg-type]
        return _names(page.items)

    assert found(namespace="ACME") == ["Acme/churn", "Acme/iris"]
    assert found(namespace="none") == []
    assert found(query="CHURN") == ["Acme/churn", "zeta/churn"]
    assert found(query="acme/ch") == ["Acme/churn"]
    assert found(query="leaves 100%") == ["Acme/churn"]
    assert found(query="_") == []
    assert found(labels=["a"]) == ["Acme/churn", "Acme/iris"]
    assert found(labels=["a", "b"]) == ["Acme/churn"]
    assert found(visibility=Visibility.PUBLIC) == ["Acme/churn"]
    assert found(kind=RepoKind.DATASET) == ["zeta/churn"]
    assert found(namespace="acme", query="i", labels=["a"], kind=MODEL) == ["Acme/iris"]


def test_deleted_repos_are_listed_for_their_owners(tx: Transaction, world: World, now: datetime) -> None:
    ada, bob = world.user("ada"), world.user("bob")
    acme = world.organisation("acme", ada=Role.OWNER, bob=Role.MAINTAINER)
    repo = world.repo(acme, "churn", Visibility.PUBLIC)
    repos.mark_deleted(tx, repo.id, None, now)

    def sees(actor: Actor) -> bool:
        assert repos.list_repos(tx, actor, PageRequest()).items == ()
        return len(repos.list_repos(tx, actor, PageRequest(), include_deleted=True).items) == 1

    assert sees(actor_of(ada))
    assert sees(ROOT)
    assert sees(actor_of(ada, ("acme/churn",)))
    assert not sees(actor_of(ada, ("other",)))
    assert not sees(actor_of(bob))
    assert not sees(anonymous())
