"""The policies of organisations."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, delete, select

from modelkeep.db.tables import OrganisationPolicies
from modelkeep.db.transaction import Transaction

_TEXT = select(OrganisationPolicies.text).where(OrganisationPolicies.namespace_id == bindparam("sought"))


def policy_text(tx: Transaction, namespace_id: int) -> str | None:
    """The text of a namespace's policy, None without one."""
    found: str | None = tx.execute(_TEXT, {"sought": namespace_id}).scalar()
    return found


def set_policy_text(tx: Transaction, namespace_id: int, text: str, username: str, now: datetime) -> None:
    """Gives a namespace this policy.

    Raises:
        Conflict: There is no such namespace.
    """
    values = {"text": text, "updated_at": now, "updated_by": username}
    statement = tx.insert(OrganisationPolicies).values(namespace_id=namespace_id, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["namespace_id"], set_=values))


def remove_policy_text(tx: Transaction, namespace_id: int) -> bool:
    """Takes a namespace's policy away; False where it had none."""
    statement = delete(OrganisationPolicies).where(OrganisationPolicies.namespace_id == namespace_id)
    return tx.execute(statement).rowcount > 0
