"""Reading what a repo holds at a revision: commits, trees, files (LFS resolved), branches and tags."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from modelkeep.db import blobs
from modelkeep.db import refs as refs_index
from modelkeep.domain.access import Actor
from modelkeep.domain.discussions import PULL_REQUESTS
from modelkeep.domain.errors import InvalidInput, NotFound
from modelkeep.domain.objects import Commit, EntryKind, Ref, TreeEntry
from modelkeep.domain.paging import Page, PageRequest, encode_cursor
from modelkeep.domain.repos import Repo
from modelkeep.domain.tag_grammar import parse_tag
from modelkeep.git import log, objects, trees
from modelkeep.services.access import find_repo
from modelkeep.services.ports import Stores
from modelkeep.services.revisions import Resolved, resolve

_IN_MEMORY = 1 << 20


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file at a commit, ready to be sent.

    Attributes:
        path: In the repo.
        commit: Where it was found.
        size: In bytes.
        etag: The blob's oid for an LFS file, Git's id of the blob otherwise.
        lfs_oid: Set where the bytes lie in the blob store.
        blob_id: Set where they lie in Git.
        git_dir: Where Git keeps them.
        repo: Whose file it is; None where it is found by its id alone.
    """

    path: str
    commit: str
    size: int
    etag: str
    lfs_oid: str | None
    blob_id: str
    git_dir: Path
    repo: Repo | None = None


class Contents:
    """What a repo holds."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def revision(
        self, actor: Actor, namespace: str, name: str, revision: str | None
    ) -> tuple[Resolved, Commit]:
        """The commit that a revision names.

        Raises:
            NotFound: No such repo or revision.
        """
        _, git_dir, resolved = self._resolve(actor, namespace, name, revision)
        return resolved, objects.read_commit(git_dir, resolved.commit)

    def commit(self, actor: Actor, namespace: str, name: str, commit_id: str) -> Commit:
        """A commit by its id, or the first characters of it (at least 4).

        Raises:
            NotFound: No such repo or commit.
        """
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
        git_dir = self._stores.repositories.path(repo.id)
        found = objects.resolve_commit(git_dir, commit_id)
        if found is None:
            raise NotFound(
                f"There is no commit '{commit_id[:40]}' in {repo.full_name}.", code="commit_not_found"
            )
        return objects.read_commit(git_dir, found)

    def commits(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        revision: str | None,
        path: str | None,
        page: PageRequest,
    ) -> Page[Commit]:
        """The history of a revision (or of a path in it), newest first."""
        _, git_dir, resolved = self._resolve(actor, namespace, name, revision)
        start, skip = resolved.commit, 0
        if page.after is not None:
            if (
                len(page.after) != 2
                or not isinstance(page.after[0], str)
                or not isinstance(page.after[1], int)
            ):
                raise InvalidInput("This cursor belongs to another list.", code="invalid_cursor")
            # The first page's commit is kept, so that paging is stable while people push.
            start, skip = objects.resolve_commit(git_dir, page.after[0]) or start, max(page.after[1], 0)
        found = log.log(git_dir, start, path=path, skip=skip, limit=page.limit + 1)
        cursor = encode_cursor((start, skip + page.limit)) if len(found) > page.limit else None
        return Page(tuple(found[: page.limit]), cursor)

    def tree(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        revision: str | None,
        path: str,
        recursive: bool,
        page: PageRequest,
    ) -> tuple[str, Page[TreeEntry]]:
        """The entries of a directory, by path; with ``recursive`` all that is below it.

        Returns:
            The commit's id and the page.

        Raises:
            NotFound: No such repo, revision or directory.
        """
        _, git_dir, resolved = self._resolve(actor, namespace, name, revision)
        commit, after = resolved.commit, ""
        if page.after is not None:
            if len(page.after) != 2 or not all(isinstance(part, str) for part in page.after):
                raise InvalidInput("This cursor belongs to another list.", code="invalid_cursor")
            commit, after = objects.resolve_commit(git_dir, str(page.after[0])) or commit, str(page.after[1])
        entries = [e for e in trees.list_tree(git_dir, commit, path, recursive) if e.path > after]
        shown = entries[: page.limit]
        cursor = encode_cursor((commit, shown[-1].path)) if len(entries) > page.limit else None
        return commit, Page(tuple(shown), cursor)

    def file(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        revision: str | None,
        path: str,
        *,
        pointer: bool = False,
    ) -> OpenFile:
        """Finds a file, LFS resolved; with ``pointer`` an LFS pointer is a file like any other.

        Raises:
            NotFound: No such repo, revision or file, or the LFS object behind it is not here.
            NotPermitted: The repo is gated, and the actor was not let in.
        """
        repo, git_dir, resolved = self._resolve(actor, namespace, name, revision, is_content=True)
        entry = trees.entry(git_dir, resolved.commit, path)
        if entry is None or entry.kind in (EntryKind.DIRECTORY, EntryKind.SUBMODULE):
            kind = "" if entry is None else f" (it is a {entry.kind})"
            raise NotFound(
                f"There is no file '{path}' in {repo.full_name} at {resolved.revision}{kind}.",
                code="file_not_found",
                path=path,
                commit=resolved.commit,
            )
        if entry.lfs_oid is not None and pointer:
            size = trees.blob_size(git_dir, entry.id)
            return OpenFile(path, resolved.commit, size, entry.id, None, entry.id, git_dir, repo)
        if entry.lfs_oid is not None:
            self._require_object(repo, entry)
        return OpenFile(
            path,
            resolved.commit,
            entry.size or 0,
            entry.lfs_oid or entry.id,
            entry.lfs_oid,
            entry.id,
            git_dir,
            repo,
        )

    def open_blob(self, file: OpenFile, start: int, stop: int) -> BinaryIO:
        """Opens the bytes of a file that Git keeps, from ``start`` up to ``stop``; the caller closes it.

        What is larger than 1 MiB waits in a nameless temporary file, so that a slow client holds neither memory nor
        a Git process.

        Raises:
            NotFound: The blob is gone.
            Unavailable: It could not be read to its end.
        """
        if file.size <= _IN_MEMORY:
            return io.BytesIO(trees.read_blob(file.git_dir, file.blob_id, _IN_MEMORY)[start:stop])
        # Closed by whoever reads it.
        spool = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115
        try:
            with closing(trees.iter_blob(file.git_dir, file.blob_id)) as pieces:
                _copy(pieces, spool, start, stop)
            spool.seek(0)
        except BaseException:
            spool.close()
            raise
        return spool

    def refs(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        page: PageRequest,
        *,
        prefix: str,
        query: str | None = None,
        registry_tags: bool | None = None,
    ) -> Page[Ref]:
        """Branches (``refs/heads/``), tags (``refs/tags/``) or pull requests (``refs/pr/``), by name.

        Args:
            actor: Needs to read the repo.
            namespace: Of the repo.
            name: Of the repo.
            page: Which page.
            prefix: ``refs/heads/``, ``refs/tags/``, ``refs/pr/``, or ``refs/`` for branches and tags.
            query: Only names that hold this text.
            registry_tags: Only registry tags, or none of them; None for all.
        """
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            found = refs_index.list_refs(
                tx, repo.id, prefix, page, query, without=PULL_REQUESTS if prefix == "refs/" else None
            )
        if registry_tags is None:
            return found
        kept = tuple(ref for ref in found.items if (parse_tag(ref.short_name) is not None) == registry_tags)
        return Page(kept, found.next_cursor)

    def _resolve(
        self, actor: Actor, namespace: str, name: str, revision: str | None, *, is_content: bool = False
    ) -> tuple[Repo, Path, Resolved]:
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name)
            if is_content:
                access.require_content()
            repo = access.repo
            git_dir = self._stores.repositories.path(repo.id)
            return repo, git_dir, resolve(tx, repo, git_dir, revision)

    def _require_object(self, repo: Repo, entry: TreeEntry) -> None:
        oid = entry.lfs_oid or ""
        with self._stores.database.read() as tx:
            linked = oid in blobs.linked(tx, repo.id, [oid])
        if not linked or self._stores.blobs.stat(oid) is None:
            raise NotFound(
                f"'{entry.path}' is an LFS pointer to {oid[:12]}…, which this repo does not have.",
                code="lfs_object_missing",
                path=entry.path,
                oid=oid,
            )


def _copy(pieces: Iterator[bytes], target: BinaryIO, start: int, stop: int) -> None:
    """Writes the bytes from ``start`` up to ``stop`` of what comes in pieces."""
    position = 0
    for piece in pieces:
        target.write(piece[max(start - position, 0) : max(stop - position, 0)])
        position += len(piece)
        if position >= stop:
            return
