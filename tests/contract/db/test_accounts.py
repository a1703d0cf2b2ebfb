"""Users, organisations, members, tokens and failed log-ins."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from modelkeep.db import accounts, attempts, hub, namespaces, tokens
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Role, Scope, Visibility
from modelkeep.domain.accounts import Token, User
from modelkeep.domain.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from modelkeep.domain.paging import PageRequest, decode_cursor
from tests.contract.db.world import World


def test_a_user_is_found_without_case_and_kept_as_written(tx: Transaction, now: datetime) -> None:
    made = accounts.create_user(
        tx, name="Ada", full_name="Ada L", email="a@b", password_hash="h", is_hub_admin=True, now=now
    )
    assert made == User(made.id, "Ada", "Ada L", "a@b", True, False, now)
    assert accounts.user_by_name(tx, "aDA") == accounts.user_by_id(tx, made.id) == made
    assert accounts.password_hash_of(tx, made.id) == "h"
    assert accounts.user_by_name(tx, "bob") is None
    assert accounts.user_by_id(tx, made.id + 1) is None
    assert accounts.password_hash_of(tx, made.id + 1) is None


def test_users_and_organisations_share_their_names(tx: Transaction, world: World) -> None:
    world.user("ada")
    world.organisation("acme")
    for name in ("ada", "ADA", "Acme"):
        with pytest.raises(AlreadyExists) as caught:
            world.user(name)
        assert caught.value.code == "name_taken"
        with pytest.raises(AlreadyExists):
            world.organisation(name)
    assert accounts.count_users(tx) == 1
    assert not accounts.has_hub_admin(tx)
    world.user("root", is_hub_admin=True)
    assert accounts.has_hub_admin(tx)
    assert accounts.user_by_name(tx, "acme") is None


def test_a_user_is_changed(tx: Transaction, world: World) -> None:
    ada = world.user("ada")
    accounts.set_password_hash(tx, ada.id, "new")
    assert accounts.password_hash_of(tx, ada.id) == "new"
    accounts.set_disabled(tx, ada.id, True)
    found = accounts.user_by_id(tx, ada.id)
    assert found is not None
    assert found.is_disabled
    changed = accounts.update_user(
        tx, ada.id, full_name="A", email="new@b", is_disabled=False, is_hub_admin=True
    )
    assert (changed.full_name, changed.email, changed.is_disabled, changed.is_hub_admin) == (
        "A",
        "new@b",
        False,
        True,
    )
    assert accounts.update_user(tx, ada.id) == changed
    for change in (
        lambda: accounts.set_password_hash(tx, 99, "x"),
        lambda: accounts.set_disabled(tx, 99, True),
        lambda: accounts.update_user(tx, 99, full_name="x"),
    ):
        with pytest.raises(NotFound):
            change()


def test_users_are_listed_by_name_in_pages(tx: Transaction, world: World) -> None:
    for name in ("carl", "Ada", "bob", "dora"):
        world.user(name)
    first = accounts.list_users(tx, PageRequest(3))
    assert [user.name for user in first.items] == ["Ada", "bob", "carl"]
    assert first.next_cursor is not None
    second = accounts.list_users(tx, PageRequest(3, decode_cursor(first.next_cursor)))
    assert [user.name for user in second.items] == ["dora"]
    assert second.next_cursor is None
    assert [user.name for user in accounts.list_users(tx, PageRequest(), "AD").items] == ["Ada"]
    assert [user.name for user in accounts.list_users(tx, PageRequest(), "BOB@EXAMPLE").items] == ["bob"]
    assert accounts.list_users(tx, PageRequest(), "%").items == ()


@pytest.mark.parametrize("key", [(1,), (None,), ("a", "b"), (), ("a\0",), ("\ud800",), (2**70,)])
def test_a_cursor_of_another_list_is_refused(tx: Transaction, key: tuple[str | int | None, ...]) -> None:
    with pytest.raises(InvalidInput) as caught:
        accounts.list_users(tx, PageRequest(3, key))
    assert caught.value.code == "invalid_cursor"


def test_an_organisation(tx: Transaction, world: World, now: datetime) -> None:
    ada = world.user("ada")
    acme = namespaces.create_organisation(
        tx, name="Acme", full_name="A", default_visibility=Visibility.SHARED, created_by=ada.id, now=now
    )
    assert namespaces.namespace_by_name(tx, "aCME") == namespaces.namespace_by_id(tx, acme.id) == acme
    assert (acme.is_organisation, acme.default_visibility, acme.created_at) == (True, Visibility.SHARED, now)
    own = namespaces.namespace_by_name(tx, "ada")
    assert own is not None
    assert (own.id, own.is_organisation) == (ada.id, False)
    changed = namespaces.update_namespace(tx, acme.id, full_name="B", default_visibility=Visibility.PUBLIC)
    assert (changed.full_name, changed.default_visibility) == ("B", Visibility.PUBLIC)
    with pytest.raises(NotFound):
        namespaces.update_namespace(tx, 99, full_name="B")


def test_members(tx: Transaction, world: World) -> None:
    ada, bob = world.user("ada"), world.user("bob")
    acme = world.organisation("acme", ada=Role.OWNER, bob=Role.READER)
    namespaces.set_member(tx, acme.id, bob.id, Role.MAINTAINER)
    assert [(m.username, m.role, m.full_name) for m in namespaces.members(tx, acme.id)] == [
        ("ada", Role.OWNER, "ada Full"),
        ("bob", Role.MAINTAINER, "bob Full"),
    ]
    assert namespaces.member_role(tx, acme.id, bob.id) is Role.MAINTAINER
    assert namespaces.member_role(tx, ada.id, ada.id) is Role.OWNER
    assert namespaces.member_role(tx, ada.id, bob.id) is None
    assert namespaces.count_owners(tx, acme.id) == 1
    accounts.set_disabled(tx, ada.id, True)
    assert namespaces.count_owners(tx, acme.id) == 0
    assert namespaces.remove_member(tx, acme.id, bob.id)
    assert not namespaces.remove_member(tx, acme.id, bob.id)
    with pytest.raises(Conflict):
        namespaces.set_member(tx, acme.id, 99, Role.READER)


def test_organisations_are_listed(tx: Transaction, world: World) -> None:
    ada = world.user("ada")
    for name in ("zeta", "Acme", "mid"):
        world.organisation(name, **({"ada": Role.READER} if name != "mid" else {}))
    assert [n.name for n in namespaces.list_organisations(tx, PageRequest()).items] == ["Acme", "mid", "zeta"]
    assert [(n.name, role) for n, role in namespaces.memberships_of(tx, ada.id)] == [
        ("Acme", Role.READER),
        ("zeta", Role.READER),
    ]
    mine = namespaces.list_organisations(tx, PageRequest(1), user_id=ada.id)
    assert [n.name for n in mine.items] == ["Acme"]
    assert mine.next_cursor is not None
    more = namespaces.list_organisations(tx, PageRequest(1, decode_cursor(mine.next_cursor)), user_id=ada.id)
    assert [n.name for n in more.items] == ["zeta"]
    assert [n.name for n in namespaces.list_organisations(tx, PageRequest(), "ID INC").items] == ["mid"]


def test_an_old_name_leads_on_until_it_is_taken(tx: Transaction, world: World) -> None:
    world.user("bob")
    acme = world.organisation("acme")
    renamed = namespaces.rename_namespace(tx, acme.id, "Apex")
    assert namespaces.namespace_by_name(tx, "ACME") == renamed
    assert namespaces.namespace_by_name(tx, "acme", follow_aliases=False) is None
    with pytest.raises(AlreadyExists):
        namespaces.rename_namespace(tx, acme.id, "BOB")
    back = namespaces.rename_namespace(tx, acme.id, "ACME")
    assert namespaces.namespace_by_name(tx, "apex") == namespaces.namespace_by_name(tx, "acme") == back
    taken = world.organisation("apex")
    assert namespaces.namespace_by_name(tx, "apex") == taken


def test_only_an_empty_organisation_is_deleted(tx: Transaction, world: World) -> None:
    world.user("ada")
    acme = world.organisation("acme", ada=Role.OWNER)
    repo = world.repo(acme, "churn")
    with pytest.raises(Conflict) as caught:
        namespaces.delete_namespace(tx, acme.id)
    assert caught.value.code == "namespace_not_empty"
    from modelkeep.db import repos

    repos.purge_repo(tx, repo.id)
    namespaces.delete_namespace(tx, acme.id)
    assert namespaces.namespace_by_name(tx, "acme") is None
    for gone in (acme.id, accounts.list_users(tx, PageRequest()).items[0].id):
        with pytest.raises(NotFound):
            namespaces.delete_namespace(tx, gone)


def test_numbers_are_not_given_twice(tx: Transaction, world: World) -> None:
    first = world.organisation("acme")
    namespaces.delete_namespace(tx, first.id)
    assert world.organisation("other").id > first.id


def test_tokens(tx: Transaction, world: World, now: datetime) -> None:
    ada = world.user("ada")
    made = tokens.create_token(
        tx,
        user_id=ada.id,
        name="laptop",
        secret_hash=b"\0" * 32,
        hint="abcd",
        scopes={Scope.READ, Scope.PROMOTE},
        limits=["acme", "ada/churn"],
        now=now,
        expires_at=now + timedelta(days=1),
    )
    assert tokens.token_by_hash(tx, b"\0" * 32) == tokens.token_with_user(tx, made.id) == (made, ada)
    assert made.scopes == frozenset({Scope.READ, Scope.PROMOTE})
    assert made.limits == frozenset({"acme", "ada/churn"})
    assert tokens.token_by_hash(tx, b"\1" * 32) is None
    assert tokens.token_with_user(tx, made.id + 1) is None
    with pytest.raises(AlreadyExists):
        _token(tx, ada, b"\0" * 32, now)
    other = _token(tx, ada, b"\2" * 32, now)
    assert other.limits == frozenset()
    assert [token.id for token in tokens.list_tokens(tx, ada.id)] == [other.id, made.id]
    with pytest.raises(Conflict):
        tokens.create_token(
            tx,
            user_id=99,
            name="",
            secret_hash=b"x",
            hint="",
            scopes=[],
            limits=[],
            now=now,
            expires_at=None,
        )


def _token(tx: Transaction, user: User, secret_hash: bytes, now: datetime) -> Token:
    return tokens.create_token(
        tx,
        user_id=user.id,
        name="t",
        secret_hash=secret_hash,
        hint="",
        scopes=[Scope.READ],
        limits=[],
        now=now,
        expires_at=None,
    )


def test_last_use_is_noted_now_and_then(tx: Transaction, world: World, now: datetime) -> None:
    token = _token(tx, world.user("ada"), b"1", now)

    def last_used() -> datetime | None:
        found = tokens.token_with_user(tx, token.id)
        assert found is not None
        return found[0].last_used_at

    tokens.touch_token(tx, token.id, now)
    assert last_used() == now
    tokens.touch_token(tx, token.id, now + timedelta(seconds=59))
    assert last_used() == now
    tokens.touch_token(tx, token.id, now + timedelta(seconds=60))
    assert last_used() == now + timedelta(seconds=60)


def test_a_token_is_revoked_once(tx: Transaction, world: World, now: datetime) -> None:
    token = _token(tx, world.user("ada"), b"1", now)
    assert tokens.revoke_token(tx, token.id, now)
    assert not tokens.revoke_token(tx, token.id, now + timedelta(days=1))
    assert not tokens.revoke_token(tx, token.id + 1, now)
    found = tokens.token_by_hash(tx, b"1")
    assert found is not None
    assert found[0].revoked_at == now


@pytest.mark.parametrize("key", ["user:ada|1.2.3.4", "x" * 10_000, "nul\0", "half \ud800"])
def test_failures_are_counted_by_key(tx: Transaction, now: datetime, key: str) -> None:
    assert attempts.recorded_failures(tx, key) is None
    assert attempts.record_failure(tx, key, now) == 1
    later = now + timedelta(minutes=1)
    assert attempts.record_failure(tx, key, later) == 2
    assert attempts.recorded_failures(tx, key) == (2, later)
    assert attempts.recorded_failures(tx, "other") is None
    assert attempts.record_failure(tx, key, later, since=now) == 3
    assert attempts.record_failure(tx, key, later, since=later + timedelta(seconds=1)) == 1
    attempts.clear(tx, key)
    assert attempts.recorded_failures(tx, key) is None


def test_old_failures_are_swept(tx: Transaction, now: datetime) -> None:
    attempts.record_failure(tx, "old", now)
    attempts.record_failure(tx, "new", now + timedelta(hours=1))
    assert attempts.sweep(tx, now + timedelta(minutes=1)) == 1
    assert attempts.recorded_failures(tx, "old") is None
    assert attempts.recorded_failures(tx, "new") is not None


def test_facts_about_the_hub(tx: Transaction) -> None:
    assert hub.get(tx, "id") is None
    assert hub.get_or_set(tx, "id", "1") == "1"
    assert hub.get_or_set(tx, "id", "2") == "1"
    hub.set(tx, "id", "3")
    assert hub.get(tx, "id") == "3"
