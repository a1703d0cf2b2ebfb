"""People with an account."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, insert, or_, select, update

from modelkeep.db.keyset import one_page
from modelkeep.db.names import claim_namespace_name
from modelkeep.db.tables import Namespaces, Users
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Visibility
from modelkeep.domain.accounts import User
from modelkeep.domain.errors import AlreadyExists, NotFound
from modelkeep.domain.names import fold
from modelkeep.domain.paging import Page, PageRequest, page_of

USER_COLUMNS = (
    Users.id,
    Namespaces.name,
    Namespaces.full_name,
    Users.email,
    Users.is_hub_admin,
    Users.is_disabled,
    Users.created_at,
)
"""What :func:`user_of` reads, in its order."""


def create_user(
    tx: Transaction,
    *,
    name: str,
    full_name: str,
    email: str,
    password_hash: str | None,
    is_hub_admin: bool,
    now: datetime,
    default_visibility: Visibility = Visibility.PRIVATE,
) -> User:
    """Adds a user with a namespace of the same name; without a password hash nobody logs in by password.

    Raises:
        AlreadyExists: A user or an organisation has the name (case does not count).
    """
    with tx.unique(AlreadyExists(f"The name '{name}' is taken.", code="name_taken", name=name)):
        user_id = claim_namespace_name(
            tx,
            name=name,
            full_name=full_name,
            is_organisation=False,
            default_visibility=default_visibility,
            created_by=None,
            now=now,
        )
    tx.execute(
        insert(Users).values(
            id=user_id,
            email=email,
            password_hash=password_hash,
            is_hub_admin=is_hub_admin,
            is_disabled=False,
            created_at=now,
        )
    )
    return _required(user_by_id(tx, user_id))


def user_by_name(tx: Transaction, name: str) -> User | None:
    """The user of this name, whatever its case."""
    row = tx.first(_users().where(Namespaces.name_folded == fold(name)))
    return user_of(row) if row is not None else None


def user_by_id(tx: Transaction, user_id: int) -> User | None:
    """The user of this number."""
    row = tx.first(_users().where(Users.id == user_id))
    return user_of(row) if row is not None else None


def users_signing(tx: Transaction, names: Collection[str], addresses: Collection[str]) -> list[User]:
    """The users of one of these names, or with one of these e-mail addresses; several may have the same."""
    named = Namespaces.name_folded.in_([fold(name) for name in names])
    return [user_of(row) for row in tx.execute(_users().where(or_(named, Users.email.in_(addresses))))]


def password_hash_of(tx: Transaction, user_id: int) -> str | None:
    """The stored password hash; None where there is no such user or no password is set."""
    found: str | None = tx.scalar(select(Users.password_hash).where(Users.id == user_id))
    return found


def set_password_hash(tx: Transaction, user_id: int, password_hash: str | None) -> None:
    """Stores another password hash, or takes the password away.

    Raises:
        NotFound: There is no such user.
    """
    _update(tx, user_id, password_hash=password_hash)


def set_disabled(tx: Transaction, user_id: int, is_disabled: bool) -> None:
    """Shuts an account, or opens it again. Tokens are kept; whoever uses them must look at the user.

    Raises:
        NotFound: There is no such user.
    """
    _update(tx, user_id, is_disabled=is_disabled)


def update_user(
    tx: Transaction,
    user_id: int,
    *,
    full_name: str | None = None,
    email: str | None = None,
    is_disabled: bool | None = None,
    is_hub_admin: bool | None = None,
) -> User:
    """Changes a user; None leaves a value as it is.

    Raises:
        NotFound: There is no such user.
    """
    given = {"email": email, "is_disabled": is_disabled, "is_hub_admin": is_hub_admin}
    changed = {name: value for name, value in given.items() if value is not None}
    if changed:
        _update(tx, user_id, **changed)
    if full_name is not None:
        tx.execute(update(Namespaces).where(Namespaces.id == user_id).values(full_name=full_name))
    return _required(user_by_id(tx, user_id))


def list_users(tx: Transaction, page: PageRequest, query: str | None = None) -> Page[User]:
    """Users by name; ``query`` is looked for in names, full names and addresses, without case."""
    statement = _users().add_columns(Namespaces.name_folded)
    if query:
        sought = fold(query)
        statement = statement.where(
            or_(
                Namespaces.name_folded.contains(sought, autoescape=True),
                func.lower(Namespaces.full_name).contains(sought, autoescape=True),
                func.lower(Users.email).contains(sought, autoescape=True),
            )
        )
    rows = tx.execute(one_page(statement, [Namespaces.name_folded], page))
    return page_of([((row.name_folded,), user_of(row)) for row in rows], page.limit)


def count_users(tx: Transaction) -> int:
    """How many accounts there are, disabled ones included."""
    return int(tx.scalar(select(func.count()).select_from(Users)))


def has_hub_admin(tx: Transaction) -> bool:
    """Whether there is an administrator of the hub."""
    return tx.scalar(select(Users.id).where(Users.is_hub_admin).limit(1)) is not None


def user_of(row: Row[*tuple[Any, ...]]) -> User:
    """A user from a row that begins with :data:`USER_COLUMNS`."""
    return User(*row[: len(USER_COLUMNS)])


def _users() -> Select[*tuple[Any, ...]]:
    return select(*USER_COLUMNS).join(Namespaces, Namespaces.id == Users.id)


def _update(tx: Transaction, user_id: int, **values: Any) -> None:
    if tx.execute(update(Users).where(Users.id == user_id).values(**values)).rowcount == 0:
        raise _no_user()


def _required(user: User | None) -> User:
    if user is None:
        raise _no_user()
    return user


def _no_user() -> NotFound:
    return NotFound("There is no such user.", code="user_not_found")
