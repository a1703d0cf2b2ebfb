"""The public SSH keys of users."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, insert, or_, select, update

from modelkeep.db.tables import Memberships, Namespaces, RepoMembers, UserKeys, Users
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Role
from modelkeep.domain.errors import AlreadyExists
from modelkeep.domain.repos import Repo
from modelkeep.domain.signatures import UserKey

_KEYS = (
    select(
        UserKeys.id,
        UserKeys.user_id,
        Namespaces.name.label("username"),
        UserKeys.name,
        UserKeys.type,
        UserKeys.key,
        UserKeys.fingerprint,
        UserKeys.created_at,
        UserKeys.removed_at,
        UserKeys.is_revoked,
        Users.is_disabled,
    )
    .select_from(UserKeys)
    .join(Users, Users.id == UserKeys.user_id)
    .join(Namespaces, Namespaces.id == Users.id)
)
# Made once: verifying a tag looks its key up, and making a statement takes longer than running it.
_BY_FINGERPRINT = _KEYS.where(UserKeys.fingerprint == bindparam("sought"), ~UserKeys.is_revoked)


def add_key(
    tx: Transaction, *, user_id: int, name: str, type: str, key: str, fingerprint: str, now: datetime
) -> int:
    """Stores a key that is in use from now on; gives its number.

    Raises:
        AlreadyExists: Somebody has it who did not revoke it.
        Conflict: There is no such user.
    """
    with tx.unique(AlreadyExists("This key belongs to somebody already.", code="key_exists")):
        number: int = tx.execute(
            insert(UserKeys)
            .values(
                user_id=user_id,
                name=name,
                type=type,
                key=key,
                fingerprint=fingerprint,
                created_at=now,
                removed_at=None,
                is_revoked=False,
            )
            .returning(UserKeys.id)
        ).scalar_one()
    return number


def key_by_id(tx: Transaction, key_id: int) -> UserKey | None:
    """The key of this number, even if removed or revoked."""
    return _first(tx, _KEYS.where(UserKeys.id == key_id))


def key_by_fingerprint(tx: Transaction, fingerprint: str) -> UserKey | None:
    """The key of this fingerprint that is not revoked; it may be removed."""
    row = tx.execute(_BY_FINGERPRINT, {"sought": fingerprint}).first()
    return _key_of(row) if row is not None else None


def was_revoked_by(tx: Transaction, user_id: int, fingerprint: str) -> bool:
    """Whether this user revoked this key."""
    sought = select(UserKeys.id).where(
        UserKeys.user_id == user_id, UserKeys.fingerprint == fingerprint, UserKeys.is_revoked
    )
    return tx.first(sought.limit(1)) is not None


def keys_of(tx: Transaction, user_id: int, *, in_use_only: bool = True) -> list[UserKey]:
    """The keys of a user, oldest first; with ``in_use_only`` without removed and revoked ones."""
    statement = _KEYS.where(UserKeys.user_id == user_id).order_by(UserKeys.id)
    if in_use_only:
        statement = statement.where(UserKeys.removed_at.is_(None))
    return [_key_of(row) for row in tx.execute(statement)]


def writers_keys(tx: Transaction, repo: Repo) -> list[UserKey]:
    """The keys, not revoked, of everybody who may write to a repo: by users' names, oldest first."""
    in_namespace = select(Memberships.user_id).where(
        Memberships.namespace_id == repo.namespace_id, Memberships.role >= int(Role.CONTRIBUTOR)
    )
    in_repo = select(RepoMembers.user_id).where(
        RepoMembers.repo_id == repo.id, RepoMembers.role >= int(Role.CONTRIBUTOR)
    )
    writes = or_(
        Users.is_hub_admin, Users.id == repo.namespace_id, Users.id.in_(in_namespace), Users.id.in_(in_repo)
    )
    statement = _KEYS.where(writes, ~UserKeys.is_revoked).order_by(Namespaces.name_folded, UserKeys.id)
    return [_key_of(row) for row in tx.execute(statement)]


def use_again(tx: Transaction, key_id: int, name: str) -> None:
    """Takes a removed key into use again, under another name."""
    tx.execute(update(UserKeys).where(UserKeys.id == key_id).values(removed_at=None, name=name))


def remove_key(tx: Transaction, key_id: int, now: datetime, *, revoke: bool) -> None:
    """Takes a key out of use; with ``revoke`` nothing that it signed counts any more."""
    this = update(UserKeys).where(UserKeys.id == key_id)
    tx.execute(this.where(UserKeys.removed_at.is_(None)).values(removed_at=now))
    if revoke:
        tx.execute(this.values(is_revoked=True))


def _first(tx: Transaction, statement: Select[*tuple[Any, ...]]) -> UserKey | None:
    row = tx.first(statement)
    return _key_of(row) if row is not None else None


def _key_of(row: Row[*tuple[Any, ...]]) -> UserKey:
    return UserKey(*row)
