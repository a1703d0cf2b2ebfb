"""The names of namespaces: one set for users and organisations, and old names that still lead somewhere."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BindParameter, Select, delete, insert, select, union_all

from modelkeep.db.tables import NamespaceAliases, Namespaces
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Visibility
from modelkeep.domain.names import fold


def claim_namespace_name(
    tx: Transaction,
    *,
    name: str,
    full_name: str,
    is_organisation: bool,
    default_visibility: Visibility,
    created_by: int | None,
    now: datetime,
) -> int:
    """Adds a namespace and returns its number. Somebody's old name that is the same leads there no more.

    Raises:
        AlreadyExists: The name is taken; the caller says whose in its own words.
    """
    folded = fold(name)
    number: int = tx.execute(
        insert(Namespaces)
        .values(
            name=name,
            name_folded=folded,
            is_organisation=is_organisation,
            full_name=full_name,
            default_visibility=str(default_visibility),
            created_at=now,
            created_by=created_by,
        )
        .returning(Namespaces.id)
    ).scalar_one()
    tx.execute(delete(NamespaceAliases).where(NamespaceAliases.name_folded == folded))
    return number


def namespace_ids(name: str | BindParameter[str], *, follow_aliases: bool) -> Select[int]:
    """A query for the number of the namespace that ``name`` leads to: at most one row.

    A name is never both somebody's and somebody's old one. A parameter stands for a name that is folded already.
    """
    folded = fold(name) if isinstance(name, str) else name
    present = select(Namespaces.id).where(Namespaces.name_folded == folded)
    if not follow_aliases:
        return present
    past = select(NamespaceAliases.namespace_id).where(NamespaceAliases.name_folded == folded)
    both = union_all(present, past).subquery()
    return select(both.c.id)
