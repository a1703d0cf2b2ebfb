"""Public SSH keys: whose they are, and whose count in a repo."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from modelkeep.db import accounts, keys, repo_members
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Role
from modelkeep.domain.errors import AlreadyExists, Conflict
from modelkeep.domain.signatures import UserKey
from tests.contract.db.world import World


def _add(tx: Transaction, user_id: int, fingerprint: str, now: datetime) -> int:
    return keys.add_key(
        tx, user_id=user_id, name="work", type="t", key=f"t {fingerprint}", fingerprint=fingerprint, now=now
    )


def test_a_key_belongs_to_one_user_until_it_is_revoked(tx: Transaction, world: World, now: datetime) -> None:
    ada, bob = world.user("ada"), world.user("bob")
    first = _add(tx, ada.id, "f", now)
    assert keys.key_by_id(tx, first) == UserKey(
        first, ada.id, "ada", "work", "t", "t f", "f", now, None, False, False
    )
    with pytest.raises(AlreadyExists):
        _add(tx, bob.id, "f", now)
    keys.remove_key(tx, first, now, revoke=False)
    with pytest.raises(AlreadyExists):
        _add(tx, bob.id, "f", now)
    removed = keys.key_by_fingerprint(tx, "f")
    assert removed is not None
    assert (removed.removed_at, removed.is_in_use) == (now, False)
    assert not keys.was_revoked_by(tx, ada.id, "f")
    keys.remove_key(tx, first, now + timedelta(1), revoke=True)
    assert keys.key_by_fingerprint(tx, "f") is None
    assert keys.was_revoked_by(tx, ada.id, "f")
    revoked = keys.key_by_id(tx, first)
    assert revoked is not None
    assert (revoked.removed_at, revoked.is_revoked) == (now, True)
    second = _add(tx, bob.id, "f", now)
    found = keys.key_by_fingerprint(tx, "f")
    assert found is not None
    assert (found.id, found.username, found.is_in_use) == (second, "bob", True)
    with pytest.raises(Conflict):
        _add(tx, 99, "g", now)


def test_a_removed_key_is_used_again(tx: Transaction, world: World, now: datetime) -> None:
    ada = world.user("ada")
    first, second = _add(tx, ada.id, "f", now), _add(tx, ada.id, "g", now)
    keys.remove_key(tx, first, now, revoke=False)
    assert [key.id for key in keys.keys_of(tx, ada.id)] == [second]
    assert [key.id for key in keys.keys_of(tx, ada.id, in_use_only=False)] == [first, second]
    keys.use_again(tx, first, "home")
    assert [(key.id, key.name) for key in keys.keys_of(tx, ada.id)] == [(first, "home"), (second, "work")]


def test_a_key_of_a_disabled_user_is_not_in_use(tx: Transaction, world: World, now: datetime) -> None:
    ada = world.user("ada")
    _add(tx, ada.id, "f", now)
    accounts.set_disabled(tx, ada.id, True)
    found = keys.key_by_fingerprint(tx, "f")
    assert found is not None
    assert (found.is_user_disabled, found.is_in_use) == (True, False)


def test_the_keys_of_those_who_may_write(tx: Transaction, world: World, now: datetime) -> None:
    names = ("carl", "Bea", "ada", "reader", "guest", "watcher", "stranger")
    people = {name: world.user(name) for name in names}
    root = world.user("root", is_hub_admin=True)
    acme = world.organisation("acme", carl=Role.CONTRIBUTOR, Bea=Role.OWNER, reader=Role.READER)
    repo = world.repo(acme, "churn")
    own = world.repo(people["ada"], "mine")
    repo_members.set_member(tx, repo.id, people["guest"].id, Role.CONTRIBUTOR)
    repo_members.set_member(tx, repo.id, people["watcher"].id, Role.READER)
    for user in (*people.values(), root):
        _add(tx, user.id, f"f-{user.name}", now)
    second = _add(tx, people["carl"].id, "f-carl2", now)
    keys.remove_key(tx, _add(tx, people["carl"].id, "gone", now), now, revoke=True)
    keys.remove_key(tx, second, now, revoke=False)
    assert [key.fingerprint for key in keys.writers_keys(tx, repo)] == [
        "f-Bea",
        "f-carl",
        "f-carl2",
        "f-guest",
        "f-root",
    ]
    assert [key.fingerprint for key in keys.writers_keys(tx, own)] == ["f-ada", "f-root"]
