"""Commits, branches and plain tags made through the hub, without a clone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modelkeep.db import blobs
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.discussions import number_of
from modelkeep.domain.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from modelkeep.domain.lfs import POINTER_LIMIT, Oid, Pointer, format_pointer
from modelkeep.domain.objects import ZERO_ID, Commit, NewBlob, RefUpdate
from modelkeep.git import commits as git_commits
from modelkeep.git import objects, refs, tags, trees
from modelkeep.services import lfs_tracking
from modelkeep.services.access import RepoAccess, find_repo
from modelkeep.services.ports import Rules, Stores
from modelkeep.services.proposing import require_commits
from modelkeep.services.revisions import resolve
from modelkeep.services.versions import check_message
from modelkeep.services.writes import Writes

_MAX_OPERATIONS = 25_000
_SHORTEST_ID = 7


@dataclass(frozen=True, slots=True)
class AddFile:
    """Puts a file: its content, a blob of the repo by its id, or (``lfs``) a pointer to an object that was uploaded."""

    path: str
    content: bytes = b""
    lfs: Pointer | None = None
    blob_id: str | None = None


@dataclass(frozen=True, slots=True)
class LinkFile:
    """Puts a pointer to an LFS object that is there, whatever its size."""

    path: str
    oid: Oid


@dataclass(frozen=True, slots=True)
class DeletePath:
    """Removes a file, or a directory with all that is in it."""

    path: str


@dataclass(frozen=True, slots=True)
class CopyFile:
    """Copies a file as it is at the parent commit."""

    source: str
    path: str


Operation = AddFile | LinkFile | DeletePath | CopyFile


class Commits:
    """Writing to branches and tags."""

    def __init__(self, stores: Stores, rules: Rules, writes: Writes) -> None:
        self._stores = stores
        self._rules = rules
        self._writes = writes

    def storage_for(
        self, actor: Actor, namespace: str, name: str, revision: str | None, files: Sequence[tuple[str, int]]
    ) -> dict[str, bool]:
        """Which of these files (path, size in bytes) go through LFS: by ``.gitattributes``, or by their size.

        Raises:
            NotPermitted: The actor may not write to the repo.
        """
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, Action.WRITE)
            git_dir = self._stores.repositories.path(access.repo.id)
            try:
                commit = resolve(tx, access.repo, git_dir, revision).commit
            except NotFound:
                commit = None
        paths = [path for path, _ in files]
        tracked = git_commits.attributes(git_dir, commit, paths) if commit else dict.fromkeys(paths, False)
        return {path: tracked[path] or size > self._rules.max_git_file for path, size in files}

    def commit(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        operations: Sequence[Operation],
        message: str,
        *,
        branch: str | None = None,
        parent: str | None = None,
        create_branch_from: str | None = None,
        ref: str | None = None,
        may_change_nothing: bool = False,
        may_have_backslash: bool = False,
    ) -> tuple[str, Commit]:
        """Makes a commit on a branch, or on a pull request.

        Args:
            actor: Becomes author and committer.
            namespace: Of the repo.
            name: Of the repo.
            operations: What changes, in this order.
            message: Of the commit.
            branch: Where; None for the default branch.
            parent: The commit that the branch must be at (zeros: it must not be there), perhaps shortened to 7 digits
                or more; None for wherever it is.
            create_branch_from: Makes the branch, from this revision, if it is not there.
            ref: A pull request (``refs/pr/3``) in place of a branch.
            may_change_nothing: Operations that change nothing, or none at all, give the commit that is there.
            may_have_backslash: A path may have a backslash in it, as one that is pushed.

        Returns:
            The branch (or ``ref``) and the commit.

        Raises:
            Conflict: The branch is elsewhere than ``parent``, or a path is locked.
            InvalidInput: No operation, or an operation that cannot be.
            NotFound: No such repo or branch.
        """
        check_message(message)
        if len(operations) > _MAX_OPERATIONS or not (operations or may_change_nothing):
            raise InvalidInput(f"A commit has 1 to {_MAX_OPERATIONS} operations.", code="operations")
        access, target = self._place(actor, namespace, name, branch, ref)
        ref = ref or self._branch_ref(target)
        with self._writes.locked(access.repo.id) as git_dir:
            tip = self._tip(access, git_dir, ref, target, create_branch_from)
            if parent is not None and not _is_named(tip or ZERO_ID, parent):
                raise Conflict(
                    f"Branch '{target}' is at {(tip or 'nothing')[:12]}, not at {parent[:12]}: somebody else pushed. "
                    "Look at their change and try again.",
                    code="branch_moved",
                    tip=tip,
                )
            if may_change_nothing and not operations and tip is not None:
                return target, objects.read_commit(git_dir, tip)
            operations = _tracking(git_dir, tip, self._measured(access, operations))
            new_blobs = self._new_blobs(access, operations)
            self._writes.check_blobs(access, new_blobs)
            signature = self._writes.signature(actor)
            commit_id = git_commits.build_commit(
                git_dir,
                parent=tip,
                changes=_changes(operations),
                author=signature,
                committer=signature,
                message=message,
                may_have_backslash=may_have_backslash,
            )
            if may_change_nothing and tip is not None and _have_same_files(git_dir, tip, commit_id):
                return target, objects.read_commit(git_dir, tip)
            present = refs.read_refs(git_dir, [ref]).get(ref)
            update = RefUpdate(ref, present.target if present else ZERO_ID, commit_id)
            self._writes.apply(access, [update], "commit.create", new_blobs=new_blobs)
            return target, objects.read_commit(git_dir, commit_id)

    def create_branch(
        self, actor: Actor, namespace: str, name: str, branch: str, revision: str | None
    ) -> str:
        """Makes a branch at a revision; gives the commit's id.

        Raises:
            AlreadyExists: There is a branch of that name.
        """
        ref = self._branch_ref(branch)
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, Action.WRITE)
        with self._writes.locked(access.repo.id) as git_dir:
            if refs.read_refs(git_dir, [ref]):
                raise AlreadyExists(f"There is a branch '{branch}' already.", code="branch_exists")
            with self._stores.database.read() as tx:
                commit = resolve(tx, access.repo, git_dir, revision).commit
            self._writes.apply(access, [RefUpdate(ref, ZERO_ID, commit)], "ref.create")
        return commit

    def create_tag(
        self, actor: Actor, namespace: str, name: str, tag: str, revision: str | None, message: str | None
    ) -> str:
        """Makes a tag at a revision, annotated where there is a message; gives the id it points to.

        Raises:
            AlreadyExists: There is a tag of that name.
        """
        check_message(message)
        ref = f"refs/tags/{tag}"
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name)
        with self._writes.locked(access.repo.id) as git_dir:
            if not refs.is_valid_name(ref):
                with self._stores.database.read() as tx:
                    resolve(tx, access.repo, git_dir, revision)  # A revision that is not there comes first.
                raise InvalidInput(f"{tag[:80]!r} cannot name a tag.", code="invalid_ref")
            if refs.read_refs(git_dir, [ref]):
                raise AlreadyExists(f"There is a tag '{tag}' already.", code="tag_exists")
            with self._stores.database.read() as tx:
                target = resolve(tx, access.repo, git_dir, revision).commit
            if message is not None:
                target = tags.create_tag_object(
                    git_dir,
                    name=tag,
                    target_commit=target,
                    tagger=self._writes.signature(actor),
                    message=message,
                    sign=self._stores.hub_keys.sign,
                )
            self._writes.apply(access, [RefUpdate(ref, ZERO_ID, target)], "ref.create")
        return target

    def delete_ref(self, actor: Actor, namespace: str, name: str, ref: str) -> None:
        """Deletes a branch or a tag, by its full name.

        Raises:
            NotFound: There is none of that name.
            NotPermitted: It is protected, or part of the registry.
        """
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name)
        with self._writes.locked(access.repo.id) as git_dir:
            present = refs.read_refs(git_dir, [ref]).get(ref) if refs.is_valid_name(ref) else None
            if present is None:
                raise NotFound(f"There is no ref '{ref}' in {access.repo.full_name}.", code="ref_not_found")
            self._writes.apply(access, [RefUpdate(ref, present.target, ZERO_ID)], "ref.delete")

    def _place(
        self, actor: Actor, namespace: str, name: str, branch: str | None, ref: str | None
    ) -> tuple[RepoAccess, str]:
        number = number_of(ref) if ref is not None else None
        if ref is not None and number is None:
            raise InvalidInput(f"{ref[:80]!r} is no pull request's ref.", code="invalid_ref")
        with self._stores.database.read() as tx:
            if number is None:
                access = find_repo(tx, actor, namespace, name, Action.WRITE)
                return access, branch or access.repo.default_branch
            access = find_repo(tx, actor, namespace, name)
            require_commits(tx, access, number)
        return access, ref or ""

    def _branch_ref(self, branch: str) -> str:
        ref = f"refs/heads/{branch}"
        if not refs.is_valid_name(ref) or branch.startswith("-") or branch == "HEAD":
            raise InvalidInput(f"{branch[:80]!r} cannot name a branch.", code="invalid_ref")
        return ref

    def _tip(
        self, access: RepoAccess, git_dir: Path, ref: str, branch: str, create_from: str | None
    ) -> str | None:
        present = refs.read_refs(git_dir, [ref]).get(ref)
        if present is not None:
            return present.target
        if create_from is not None:
            with self._stores.database.read() as tx:
                return resolve(tx, access.repo, git_dir, create_from).commit
        if branch == access.repo.default_branch or not refs.list_refs(git_dir):
            return None
        raise NotFound(
            f"There is no branch '{branch}' in {access.repo.full_name}; say what to create it from.",
            code="branch_not_found",
        )

    def _measured(self, access: RepoAccess, operations: Sequence[Operation]) -> Sequence[Operation]:
        """The operations with the sizes of the LFS objects that are named by their oids alone."""
        wanted = sorted({op.oid for op in operations if isinstance(op, LinkFile)})
        if not wanted:
            return operations
        with self._stores.database.read() as tx:
            known = blobs.readable(tx, access.actor, access.repo.id, wanted)
        measured: list[Operation] = []
        for op in operations:
            if not isinstance(op, LinkFile):
                measured.append(op)
            elif op.oid in known:
                measured.append(AddFile(op.path, lfs=Pointer(op.oid, known[op.oid].size)))
            else:
                raise InvalidInput(
                    f"'{op.path}': there is no LFS object {op.oid[:12]}… that you may use here; upload it first.",
                    code="lfs_object_missing",
                    path=op.path,
                    oid=op.oid,
                )
        return measured

    def _new_blobs(self, access: RepoAccess, operations: Sequence[Operation]) -> list[NewBlob]:
        found = []
        wanted = {op.lfs.oid: op for op in operations if isinstance(op, AddFile) and op.lfs is not None}
        with self._stores.database.read() as tx:
            readable = blobs.readable(tx, access.actor, access.repo.id, sorted(wanted)) if wanted else {}
        for op in operations:
            if not isinstance(op, AddFile):
                continue
            if op.lfs is not None and (
                op.lfs.oid not in readable or readable[op.lfs.oid].size != op.lfs.size
            ):
                raise InvalidInput(
                    f"'{op.path}': LFS object {op.lfs.oid[:12]}… of {op.lfs.size} bytes has not been uploaded to this "
                    "repo; upload it through the LFS batch API first.",
                    code="lfs_object_missing",
                    path=op.path,
                    oid=Oid(op.lfs.oid),
                )
            if op.blob_id is not None:
                found.append(self._stored_blob(access, op.path, op.blob_id))
                continue
            content = format_pointer(op.lfs) if op.lfs else op.content
            found.append(NewBlob(op.path, len(content), content if len(content) < 1024 else None))
        return found

    def _stored_blob(self, access: RepoAccess, path: str, blob_id: str) -> NewBlob:
        git_dir = self._stores.repositories.path(access.repo.id)
        size = trees.blob_size(git_dir, blob_id)
        is_small = size < POINTER_LIMIT
        return NewBlob(path, size, trees.read_blob(git_dir, blob_id, POINTER_LIMIT) if is_small else None)


def _tracking(git_dir: Path, tip: str | None, operations: Sequence[Operation]) -> Sequence[Operation]:
    """The operations, and one that tracks the LFS files among them which nothing tracks yet."""
    pointers = [op.path for op in operations if isinstance(op, AddFile) and op.lfs is not None]
    if not pointers or any(op.path == lfs_tracking.ATTRIBUTES for op in operations):
        return operations  # whoever writes the rules in the same commit knows them
    untracked = lfs_tracking.untracked(git_dir, tip, pointers)
    if not untracked:
        return operations
    rules = lfs_tracking.with_tracked(git_dir, tip, untracked)
    return [*operations, AddFile(lfs_tracking.ATTRIBUTES, rules)]


def _is_named(commit: str, given: str) -> bool:
    return given == commit or (len(given) >= _SHORTEST_ID and commit.startswith(given.lower()))


def _have_same_files(git_dir: Path, one: str, other: str) -> bool:
    return objects.read_commit(git_dir, one).tree_id == objects.read_commit(git_dir, other).tree_id


def _changes(operations: Sequence[Operation]) -> list[git_commits.Change]:
    changes: list[git_commits.Change] = []
    for op in operations:
        if isinstance(op, AddFile):
            content = format_pointer(op.lfs) if op.lfs else op.blob_id or op.content
            changes.append(git_commits.AddBlob(op.path, content))
        elif isinstance(op, DeletePath):
            changes.append(git_commits.Delete(op.path))
        elif isinstance(op, CopyFile):
            changes.append(git_commits.Copy(op.source, op.path))
    return changes
