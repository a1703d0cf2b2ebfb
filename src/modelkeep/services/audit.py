"""The audit log: every change, in the transaction that makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelkeep.db import audit
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.domain.repos import AuditEntry, Repo
from modelkeep.services.access import find_namespace, find_repo, require_hub_admin
from modelkeep.services.ports import Stores, utc_now

Details = Mapping[str, str | int | bool | None]


def record(
    tx: Transaction,
    actor: Actor,
    action: str,
    target: str,
    *,
    repo: Repo | None = None,
    namespace_id: int | None = None,
    **details: str | int | bool | None,
) -> None:
    """Appends an entry to the audit log, as part of ``tx``."""
    record_all(tx, actor, [(action, target, details)], repo=repo, namespace_id=namespace_id)


def record_all(
    tx: Transaction,
    actor: Actor,
    changes: Sequence[tuple[str, str, Details]],
    *,
    repo: Repo | None = None,
    namespace_id: int | None = None,
) -> None:
    """Appends an entry for each change (action, target, details), as part of ``tx``."""
    now = utc_now()
    entries = [
        AuditEntry(
            at=now,
            user_id=actor.user_id,
            username=actor.username,
            token_id=actor.token_id,
            address=actor.address,
            door=actor.door,
            action=action,
            target=target,
            repo_id=repo.id if repo else None,
            namespace_id=repo.namespace_id if repo else namespace_id,
            details=details,
        )
        for action, target, details in changes
    ]
    audit.append_all(tx, entries)


class AuditLog:
    """Reading the audit log."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def entries(
        self,
        actor: Actor,
        page: PageRequest,
        *,
        repo: tuple[str, str] | None = None,
        namespace: str | None = None,
        username: str | None = None,
        action: str | None = None,
    ) -> Page[AuditEntry]:
        """Entries, newest first: of a repo or a namespace for its owners, of the hub for its administrators.

        Raises:
            NotPermitted: The actor is no owner (or administrator).
        """
        with self._stores.database.read() as tx:
            repo_id = namespace_id = None
            if repo is not None:
                repo_id = find_repo(tx, actor, *repo, Action.ADMINISTER).repo.id
            elif namespace is not None:
                namespace_id = find_namespace(tx, actor, namespace, Action.ADMINISTER).namespace.id
            else:
                require_hub_admin(actor)
            return audit.list_entries(
                tx, page, repo_id=repo_id, namespace_id=namespace_id, username=username, action=action
            )
