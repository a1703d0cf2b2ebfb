"""Rules for the branches and tags of repos."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import bindparam, delete, insert, select

from modelkeep.db.tables import Protections
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Role
from modelkeep.domain.errors import AlreadyExists
from modelkeep.domain.repos import Protection

_OF_REPO = (
    select(
        Protections.id,
        Protections.is_tag,
        Protections.pattern,
        Protections.push_role,
        Protections.allows_force,
        Protections.allows_delete,
    )
    .where(Protections.repo_id == bindparam("sought"))
    .order_by(Protections.id)
)


def protections_of(tx: Transaction, repo_id: str) -> list[Protection]:
    """The rules of a repo, oldest first."""
    rows = tx.execute(_OF_REPO, {"sought": repo_id})
    return [
        Protection(row.id, row.is_tag, row.pattern, Role(row.push_role), row.allows_force, row.allows_delete)
        for row in rows
    ]


def add_protection(tx: Transaction, repo_id: str, rule: Protection) -> Protection:
    """Adds a rule and returns it with its number; the number that it comes with does not count.

    Raises:
        AlreadyExists: The repo has a rule for this pattern.
        Conflict: There is no such repo.
    """
    what = "tags" if rule.is_tag else "branches"
    taken = AlreadyExists(
        f"There is a rule for {what} '{rule.pattern}' already; remove it first.",
        code="protection_exists",
        pattern=rule.pattern,
    )
    with tx.unique(taken):
        number: int = tx.execute(
            insert(Protections)
            .values(
                repo_id=repo_id,
                is_tag=rule.is_tag,
                pattern=rule.pattern,
                push_role=int(rule.push_role),
                allows_force=rule.allows_force,
                allows_delete=rule.allows_delete,
            )
            .returning(Protections.id)
        ).scalar_one()
    return replace(rule, id=number)


def remove_protection(tx: Transaction, repo_id: str, protection_id: int) -> bool:
    """Removes a rule; False where the repo has none of this number."""
    removed = tx.execute(
        delete(Protections).where(Protections.repo_id == repo_id, Protections.id == protection_id)
    )
    return removed.rowcount > 0
