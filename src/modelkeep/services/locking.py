"""LFS file locks: who works on which path (Git LFS, docs/api/locking.md). Held locks are enforced by the gate."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from modelkeep.db import locks
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.errors import AlreadyExists, InvalidInput, NotFound, NotPermitted
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.domain.repos import Lock
from modelkeep.services.access import find_repo
from modelkeep.services.audit import record
from modelkeep.services.ports import Stores

_LONGEST_PATH = 4096


class AlreadyLocked(AlreadyExists):
    """Somebody holds the lock; ``lock`` says who."""

    def __init__(self, lock: Lock) -> None:
        super().__init__(f"{lock.path} is locked by {lock.owner_name} already.", code="locked")
        self.lock = lock


class Locking:
    """The file locks of repos."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def create(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        path: str,
        ref: str | None,
    ) -> Lock:
        """Locks a path.

        Raises:
            AlreadyLocked: It is locked.
            InvalidInput: It is no path in a repo.
        """
        parts = path.split("/")
        if not path or len(path) > _LONGEST_PATH or "\0" in path or any(p in ("", ".", "..") for p in parts):
            raise InvalidInput("path must be the path of a file in the repo.", code="invalid_path")
        with self._stores.database.write() as tx:
            repo = find_repo(tx, actor, namespace, name, Action.WRITE).repo
            held = locks.lock_by_path(tx, repo.id, path)
            if held is not None:
                raise AlreadyLocked(held)
            lock = locks.create_lock(
                tx,
                lock_id=uuid.uuid4().hex,
                repo_id=repo.id,
                path=path,
                ref=ref,
                owner_id=_user_id(actor),
                now=self._stores.now(),
            )
            record(tx, actor, "lock.create", f"{repo.full_name} {path}", repo=repo)
        return lock

    def list(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        page: PageRequest,
        *,
        path: str | None = None,
        lock_id: str | None = None,
        ref: str | None = None,
    ) -> Page[Lock]:
        """The locks of a repo, for everybody who reads it."""
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            return locks.list_locks(tx, repo.id, page, path=path, lock_id=lock_id, ref=ref)

    def for_push(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        page: PageRequest,
        ref: str | None = None,
    ) -> tuple[Sequence[Lock], Sequence[Lock], str | None]:
        """The locks to look at before a push: the actor's own, the others', and the next page's cursor."""
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name, Action.WRITE).repo
            found = locks.list_locks(tx, repo.id, page, ref=ref)
        ours = [lock for lock in found.items if lock.owner_id == actor.user_id]
        theirs = [lock for lock in found.items if lock.owner_id != actor.user_id]
        return ours, theirs, found.next_cursor

    def delete(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        lock_id: str,
        *,
        force: bool = False,
    ) -> Lock:
        """Unlocks a path.

        Raises:
            NotFound: There is no such lock.
            NotPermitted: It is another's, and ``force`` is missing or not allowed.
        """
        with self._stores.database.write() as tx:
            access = find_repo(tx, actor, namespace, name, Action.WRITE)
            lock = locks.lock_by_id(tx, access.repo.id, lock_id)
            if lock is None:
                raise NotFound("There is no such lock.", code="lock_not_found")
            if lock.owner_id != actor.user_id:
                if not force:
                    raise NotPermitted(
                        f"{lock.path} is locked by {lock.owner_name}; a maintainer can unlock it with --force.",
                        code="locked_by_other",
                    )
                access.require(Action.OVERRIDE)
            locks.delete_lock(tx, access.repo.id, lock_id)
            record(
                tx,
                actor,
                "lock.delete",
                f"{access.repo.full_name} {lock.path}",
                repo=access.repo,
                force=force,
            )
        return lock


def _user_id(actor: Actor) -> int:
    if actor.user_id is None:
        raise NotPermitted("Only a user can hold a lock.", code="user_needed")
    return actor.user_id
