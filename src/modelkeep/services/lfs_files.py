"""The LFS objects of a repo as its owner sees them: what takes room, taken away for good, given to another repo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modelkeep.db import blobs, discussions
from modelkeep.db import registry as registry_index
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.discussions import PULL_REQUESTS, number_of
from modelkeep.domain.errors import Conflict, TooLarge
from modelkeep.domain.lfs import HeldBlob, Oid, Pointer, format_pointer
from modelkeep.domain.objects import Ref, RefUpdate
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.git import finding, refs, rewriting
from modelkeep.git.blobs import BlobHash
from modelkeep.services.access import RepoAccess, find_repo
from modelkeep.services.audit import record
from modelkeep.services.ports import Stores
from modelkeep.services.proposing import require_upload
from modelkeep.services.writes import Writes

MOST_AT_ONCE = 1000

_BRANCHES = "refs/heads/"


@dataclass(frozen=True, slots=True)
class LfsFile:
    """An LFS object of a repo; ``path`` is one of those that it has or had, None where no commit names it.

    ``ref`` is a branch or tag that has it at that path; None where only history does.
    """

    blob: HeldBlob
    path: str | None
    ref: str | None


class LfsFiles:
    """Lists, removes and shares LFS objects."""

    def __init__(self, stores: Stores, writes: Writes) -> None:
        self._stores = stores
        self._writes = writes

    def held(self, actor: Actor, namespace: str, name: str, page: PageRequest) -> Page[LfsFile]:
        """The objects of a repo, the newest first.

        Raises:
            NotPermitted: The actor may not write to the repo.
        """
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, Action.WRITE)
            held = blobs.held_page(tx, access.repo.id, page)
        git_dir = self._stores.repositories.path(access.repo.id)
        pointers = {blob.oid: _pointer_id(blob) for blob in held.items}
        first = f"{_BRANCHES}{access.repo.default_branch}"
        present = sorted(refs.list_refs(git_dir), key=lambda ref: (ref.name != first, ref.name))
        found = finding.find_blobs(git_dir, present, pointers.values()) if pointers else {}
        places = ((blob, found.get(pointers[blob.oid])) for blob in held.items)
        return Page(
            tuple(LfsFile(blob, at.path if at else None, at.ref if at else None) for blob, at in places),
            held.next_cursor,
        )

    def delete(
        self, actor: Actor, namespace: str, name: str, oids: Sequence[Oid], *, rewrites_history: bool
    ) -> int:
        """Takes objects away from a repo, for good; gives how many it held.

        With ``rewrites_history`` the files go from all branches and open pull requests as well, and what came after
        them has new ids. Tags stay as they are.

        Raises:
            NotPermitted: The actor does not own the repo, or a branch is protected by a rule.
            Conflict: A version or a stage needs one of the objects.
        """
        if len(oids) > MOST_AT_ONCE:
            raise TooLarge(f"Delete at most {MOST_AT_ONCE} objects at once.", code="batch_too_large")
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, Action.ADMINISTER)
        with self._writes.locked(access.repo.id) as git_dir:
            pruning = rewriting.Pruning(git_dir, finding.pointers_to(git_dir, oids))
            self._require_unused(access, pruning)
            updates = self._updates(access, git_dir, pruning) if rewrites_history else []
            gone: list[int] = []

            def unlink(tx: Transaction) -> None:
                gone.append(blobs.unlink(tx, access.repo.id, oids))
                record(
                    tx,
                    actor,
                    "lfs.delete",
                    str(access.repo.full_name),
                    repo=access.repo,
                    objects=gone[-1],
                    rewrites_history=rewrites_history,
                )

            self._writes.apply(access, updates, "branch.rewrite", also=unlink, rewrites=True)
        return gone[-1]

    def duplicate(
        self, actor: Actor, source: tuple[str, str], target: tuple[str, str], oids: Sequence[str]
    ) -> list[str]:
        """Gives objects of one repo to another, without moving bytes; those that the source does not hold come back.

        Raises:
            NotFound: No such repo, or the actor may not know that there is.
            NotPermitted: The content of ``source`` is not for the actor, or they may not write to ``target``.
        """
        if len(oids) > MOST_AT_ONCE:
            raise TooLarge(f"Duplicate at most {MOST_AT_ONCE} objects at once.", code="batch_too_large")
        now = self._stores.now()
        with self._stores.database.write() as tx:
            given = find_repo(tx, actor, *source)
            given.require_content()
            taking = find_repo(tx, actor, *target)
            require_upload(tx, taking, now)
            held = blobs.linked(tx, given.repo.id, oids)
            blobs.link(tx, taking.repo.id, list(held.items()), actor.user_id, now)
        return [oid for oid in oids if oid not in held]

    def _require_unused(self, access: RepoAccess, pruning: rewriting.Pruning) -> None:
        with self._stores.database.read() as tx:
            named = [
                *(
                    (f"{row.artifact}@{row.version}", row.commit)
                    for row in registry_index.versions_by_time(tx, access.repo.id)
                    if row.is_active
                ),
                *(
                    (f"{row.artifact}#{row.stage}", row.commit)
                    for row in registry_index.stages_of(tx, access.repo.id)
                ),
            ]
        needed = [name for name, commit in named if pruning.touches(commit)]
        if needed:
            more = " and more" if len(needed) > 5 else ""
            raise Conflict(
                f"{', '.join(needed[:5])}{more} would lose files. "
                "Deregister the versions and unassign the stages first.",
                code="lfs_object_in_use",
                needed_by=needed[:100],
            )

    def _updates(self, access: RepoAccess, git_dir: Path, pruning: rewriting.Pruning) -> list[RefUpdate]:
        present = [
            ref for ref in refs.list_refs(git_dir, (_BRANCHES, PULL_REQUESTS)) if self._is_live(access, ref)
        ]
        new = pruning.rewritten([ref.target for ref in present])
        return [
            RefUpdate(ref.name, ref.target, tip)
            for ref, tip in zip(present, new, strict=True)
            if tip != ref.target
        ]

    def _is_live(self, access: RepoAccess, ref: Ref) -> bool:
        number = number_of(ref.name)
        if number is None:
            return True
        with self._stores.database.read() as tx:
            found = discussions.discussion_of(tx, access.repo.id, number)
        return found is not None and found.status.is_live


def _pointer_id(blob: HeldBlob) -> str:
    content = format_pointer(Pointer(blob.oid, blob.size))
    computed = BlobHash(len(content))
    computed.update(content)
    return computed.id()
