"""Ref updates made by the hub itself: a commit of the REST API, a branch, a registry tag.

They pass the same gate as a push, under the same lock, and are indexed in the same transaction as their audit entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from modelkeep.db import blobs, repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.objects import NewBlob, RefUpdate, Signature
from modelkeep.git import locks, refs
from modelkeep.services.access import RepoAccess
from modelkeep.services.audit import record
from modelkeep.services.gate import Gate, Incoming, Refused
from modelkeep.services.indexing import Indexing
from modelkeep.services.ports import Stores

_LOCK_SECONDS = 60.0

STAND_IN = "@users.modelkeep.invalid"
"""What follows the username in the address of users without one."""


class Writes:
    """Moves refs on behalf of other services."""

    def __init__(self, stores: Stores, gate: Gate, indexing: Indexing) -> None:
        self._stores = stores
        self._gate = gate
        self._indexing = indexing

    @contextmanager
    def locked(self, repo_id: str) -> Iterator[Path]:
        """Holds the repo's lock; gives its Git directory.

        Raises:
            Unavailable: Another writer held it for a minute.
        """
        git_dir = self._stores.repositories.path(repo_id)
        lock = locks.exclusive(git_dir, _LOCK_SECONDS)
        try:
            yield git_dir
        finally:
            lock.release()

    def check_blobs(self, access: RepoAccess, new_blobs: Sequence[NewBlob]) -> None:
        """Judges files before objects are made of them, which a refusal in :meth:`apply` would leave in the repo.

        Raises:
            ModelkeepError: The gate's reasons as one.
        """
        try:
            self._gate.check_blobs(access, new_blobs)
        except Refused as refused:
            raise refused.as_error() from None

    def apply(
        self,
        access: RepoAccess,
        updates: Sequence[RefUpdate],
        action: str,
        *,
        new_blobs: Sequence[NewBlob] = (),
        also: Callable[[Transaction], None] | None = None,
        rewrites: bool = False,
        **details: str | int | bool | None,
    ) -> tuple[str, ...]:
        """Passes the gate, moves the refs all together, and brings the index and the audit up to date.

        The caller holds :meth:`locked`; the objects are in the repository already. What ``also`` writes is committed
        together with the index. ``rewrites`` as in :class:`Incoming`: the caller has asked for the role.

        Returns:
            What the gate has to say although it let them pass.

        Raises:
            ModelkeepError: The gate's reasons as one, or Conflict where a ref moved meanwhile.
        """
        git_dir = self._stores.repositories.path(access.repo.id)
        try:
            proposal = Incoming(updates, None, new_blobs, is_by_hub=True, rewrites=rewrites)
            passed = self._gate.check(access, proposal)
        except Refused as refused:
            raise refused.as_error() from None
        if passed.pointers:
            with self._stores.database.write() as tx:
                blobs.link(tx, access.repo.id, passed.pointers, access.actor.user_id, self._stores.now())
        refs.update_refs(git_dir, list(updates))
        with self._stores.database.write() as tx:
            self.index(tx, access, updates)
            for update in updates:
                record(
                    tx,
                    access.actor,
                    action,
                    f"{access.repo.full_name} {update.ref}",
                    repo=access.repo,
                    old=update.old,
                    new=update.new,
                    namespace_id=None,
                    **details,
                )
            if also is not None:
                also(tx)
        return passed.warnings

    def index(self, tx: Transaction, access: RepoAccess, updates: Sequence[RefUpdate]) -> None:
        """Indexes refs that were moved, as part of ``tx``."""
        self._indexing.apply(tx, access.repo.id, [update.ref for update in updates], access.actor)
        repos.update_repo(tx, access.repo.id, updated_at=self._stores.now(), pristine_commit=None)

    def signature(self, actor: Actor) -> Signature:
        """Who makes it now, for Git; see :func:`signature_of`."""
        return signature_of(actor, self._stores.now())


def signature_of(actor: Actor, when: datetime) -> Signature:
    """Who made it, for Git: the user's full name and address, or stand-ins that nobody can mistake for real."""
    name, email = signed_as(actor.username, actor.full_name, actor.email)
    return Signature(name, email, when.replace(microsecond=0))


def signed_as(username: str, full_name: str, email: str) -> tuple[str, str]:
    """The name and the address under which a user's commits are made here."""
    name = " ".join((full_name or username).translate(_UNSIGNABLE).split()) or username
    return name, email.translate(_UNSIGNABLE).strip() or f"{username}{STAND_IN}"


_UNSIGNABLE = {ord(c): None for c in "<>\n\r\0"}
