"""Organisations and the namespaces of users, and who belongs to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, exists, func, insert, literal, or_, select, update

from modelkeep.db.keyset import one_page
from modelkeep.db.names import claim_namespace_name, namespace_ids
from modelkeep.db.tables import Memberships, NamespaceAliases, Namespaces, Repos, Users
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Role, Visibility
from modelkeep.domain.accounts import Member, Namespace
from modelkeep.domain.errors import AlreadyExists, Conflict, NotFound
from modelkeep.domain.names import fold
from modelkeep.domain.paging import Page, PageRequest, page_of

_COLUMNS = (
    Namespaces.id,
    Namespaces.name,
    Namespaces.full_name,
    Namespaces.is_organisation,
    Namespaces.default_visibility,
    Namespaces.created_at,
)


def create_organisation(
    tx: Transaction,
    *,
    name: str,
    full_name: str,
    default_visibility: Visibility,
    created_by: int | None,
    now: datetime,
) -> Namespace:
    """Adds an organisation without members.

    Raises:
        AlreadyExists: A user or an organisation has the name (case does not count).
    """
    with tx.unique(AlreadyExists(f"The name '{name}' is taken.", code="name_taken", name=name)):
        number = claim_namespace_name(
            tx,
            name=name,
            full_name=full_name,
            is_organisation=True,
            default_visibility=default_visibility,
            created_by=created_by,
            now=now,
        )
    return _required(namespace_by_id(tx, number))


def namespace_by_name(tx: Transaction, name: str, *, follow_aliases: bool = True) -> Namespace | None:
    """The user or organisation of this name, whatever its case, or who had it before a rename."""
    ids = namespace_ids(name, follow_aliases=follow_aliases)
    row = tx.first(select(*_COLUMNS).where(Namespaces.id.in_(ids)))
    return _namespace_of(row) if row is not None else None


def namespace_by_id(tx: Transaction, namespace_id: int) -> Namespace | None:
    """The user or organisation of this number."""
    row = tx.first(select(*_COLUMNS).where(Namespaces.id == namespace_id))
    return _namespace_of(row) if row is not None else None


def list_organisations(
    tx: Transaction, page: PageRequest, query: str | None = None, user_id: int | None = None
) -> Page[Namespace]:
    """Organisations by name: with ``query`` in a name, and, given ``user_id``, with that user as a member."""
    statement: Select[*tuple[Any, ...]] = select(*_COLUMNS, Namespaces.name_folded).where(
        Namespaces.is_organisation.is_(True)
    )
    if query:
        sought = fold(query)
        statement = statement.where(
            or_(
                Namespaces.name_folded.contains(sought, autoescape=True),
                func.lower(Namespaces.full_name).contains(sought, autoescape=True),
            )
        )
    if user_id is not None:
        mine = select(Memberships.namespace_id).where(Memberships.user_id == user_id)
        statement = statement.where(Namespaces.id.in_(mine))
    rows = tx.execute(one_page(statement, [Namespaces.name_folded], page))
    return page_of([((row.name_folded,), _namespace_of(row)) for row in rows], page.limit)


def update_namespace(
    tx: Transaction,
    namespace_id: int,
    *,
    full_name: str | None = None,
    default_visibility: Visibility | None = None,
) -> Namespace:
    """Changes an organisation or a user's namespace; None leaves a value as it is.

    Raises:
        NotFound: There is no such namespace.
    """
    changed: dict[str, str] = {}
    if full_name is not None:
        changed["full_name"] = full_name
    if default_visibility is not None:
        changed["default_visibility"] = str(default_visibility)
    if changed:
        tx.execute(update(Namespaces).where(Namespaces.id == namespace_id).values(**changed))
    return _required(namespace_by_id(tx, namespace_id))


def rename_namespace(tx: Transaction, namespace_id: int, name: str) -> Namespace:
    """Gives a user or an organisation another name; the old one leads there until somebody takes it.

    Raises:
        AlreadyExists: The name is taken.
        NotFound: There is no such namespace.
    """
    before = _required(namespace_by_id(tx, namespace_id))
    folded = fold(name)
    with tx.unique(AlreadyExists(f"The name '{name}' is taken.", code="name_taken", name=name)):
        tx.execute(
            update(Namespaces).where(Namespaces.id == namespace_id).values(name=name, name_folded=folded)
        )
    tx.execute(
        update(Repos)
        .where(Repos.namespace_id == namespace_id)
        .values(sort_name=literal(f"{folded} ") + Repos.name_folded)
    )
    tx.execute(delete(NamespaceAliases).where(NamespaceAliases.name_folded == folded))
    if fold(before.name) != folded:
        tx.execute(insert(NamespaceAliases).values(name_folded=fold(before.name), namespace_id=namespace_id))
    return _required(namespace_by_id(tx, namespace_id))


def delete_namespace(tx: Transaction, namespace_id: int) -> None:
    """Removes an organisation with its memberships.

    Raises:
        NotFound: There is no such organisation.
        Conflict: It still has repos, deleted ones that can be restored included.
    """
    if tx.scalar(select(exists().where(Repos.namespace_id == namespace_id))):
        raise Conflict(
            "The organisation still has repos (restorable ones count); transfer or purge them first.",
            code="namespace_not_empty",
        )
    removed = tx.execute(
        delete(Namespaces).where(Namespaces.id == namespace_id, Namespaces.is_organisation.is_(True))
    )
    if removed.rowcount == 0:
        raise _no_namespace()


def members(tx: Transaction, namespace_id: int) -> list[Member]:
    """Who belongs to an organisation, by name."""
    rows = tx.execute(
        select(Memberships.user_id, Namespaces.name, Namespaces.full_name, Memberships.role)
        .join(Namespaces, Namespaces.id == Memberships.user_id)
        .where(Memberships.namespace_id == namespace_id)
        .order_by(Namespaces.name_folded)
    )
    return [Member(row.user_id, row.name, row.full_name, Role(row.role)) for row in rows]


def memberships_of(tx: Transaction, user_id: int) -> list[tuple[Namespace, Role]]:
    """The organisations that a user belongs to, with the role in each, by name."""
    rows = tx.execute(
        select(*_COLUMNS, Memberships.role)
        .join(Memberships, Memberships.namespace_id == Namespaces.id)
        .where(Memberships.user_id == user_id)
        .order_by(Namespaces.name_folded)
    )
    return [(_namespace_of(row), Role(row.role)) for row in rows]


def member_role(tx: Transaction, namespace_id: int, user_id: int) -> Role | None:
    """A user's role in a namespace: owner of their own, else that of the membership, None without one."""
    if namespace_id == user_id:
        return Role.OWNER
    role = tx.scalar(
        select(Memberships.role).where(
            Memberships.namespace_id == namespace_id, Memberships.user_id == user_id
        )
    )
    return Role(role) if role is not None else None


def set_member(tx: Transaction, namespace_id: int, user_id: int, role: Role) -> None:
    """Gives a user a role in an organisation, in place of the one before.

    Raises:
        Conflict: There is no such organisation or user.
    """
    statement = tx.insert(Memberships).values(namespace_id=namespace_id, user_id=user_id, role=int(role))
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["namespace_id", "user_id"], set_={"role": statement.excluded.role}
        )
    )


def remove_member(tx: Transaction, namespace_id: int, user_id: int) -> bool:
    """Ends a membership; False where there was none."""
    removed = tx.execute(
        delete(Memberships).where(Memberships.namespace_id == namespace_id, Memberships.user_id == user_id)
    )
    return removed.rowcount > 0


def count_owners(tx: Transaction, namespace_id: int) -> int:
    """How many owners with an open account an organisation has."""
    return int(
        tx.scalar(
            select(func.count())
            .select_from(Memberships)
            .join(Users, Users.id == Memberships.user_id)
            .where(
                Memberships.namespace_id == namespace_id,
                Memberships.role == int(Role.OWNER),
                Users.is_disabled.is_(False),
            )
        )
    )


def _namespace_of(row: Row[*tuple[Any, ...]]) -> Namespace:
    return Namespace(
        id=row.id,
        name=row.name,
        full_name=row.full_name,
        is_organisation=row.is_organisation,
        default_visibility=Visibility(row.default_visibility),
        created_at=row.created_at,
    )


def _required(namespace: Namespace | None) -> Namespace:
    if namespace is None:
        raise _no_namespace()
    return namespace


def _no_namespace() -> NotFound:
    return NotFound("There is no such user or organisation.", code="namespace_not_found")
