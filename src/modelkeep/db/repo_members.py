"""Roles that people have in single repos."""

from __future__ import annotations

from sqlalchemy import delete, select

from modelkeep.db.tables import Namespaces, RepoMembers
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Role
from modelkeep.domain.accounts import Member


def members(tx: Transaction, repo_id: str) -> list[Member]:
    """Who has a role in the repo itself, by name."""
    rows = tx.execute(
        select(RepoMembers.user_id, Namespaces.name, Namespaces.full_name, RepoMembers.role)
        .join(Namespaces, Namespaces.id == RepoMembers.user_id)
        .where(RepoMembers.repo_id == repo_id)
        .order_by(Namespaces.name_folded)
    )
    return [Member(row.user_id, row.name, row.full_name, Role(row.role)) for row in rows]


def set_member(tx: Transaction, repo_id: str, user_id: int, role: Role) -> None:
    """Gives a user a role in a repo, in place of the one before.

    Raises:
        Conflict: There is no such repo or user.
    """
    statement = tx.insert(RepoMembers).values(repo_id=repo_id, user_id=user_id, role=int(role))
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["repo_id", "user_id"], set_={"role": statement.excluded.role}
        )
    )


def remove_member(tx: Transaction, repo_id: str, user_id: int) -> bool:
    """Takes a role in a repo away; False where there was none."""
    removed = tx.execute(
        delete(RepoMembers).where(RepoMembers.repo_id == repo_id, RepoMembers.user_id == user_id)
    )
    return removed.rowcount > 0
