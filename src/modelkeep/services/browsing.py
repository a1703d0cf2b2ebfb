"""What a repo holds at a commit, for clients that ask much and often: whole listings, many paths, last changes.

A commit never changes, so what was read of one is remembered. Whether the actor may read the repo is asked each time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from modelkeep.db import accounts
from modelkeep.db import refs as refs_index
from modelkeep.domain.access import Actor
from modelkeep.domain.errors import InvalidInput, NotFound
from modelkeep.domain.names import fold
from modelkeep.domain.objects import Commit, Ref, TreeEntry
from modelkeep.domain.paging import MAX_LIMIT, CursorKey, PageRequest, decode_cursor, encode_cursor
from modelkeep.domain.repos import Repo
from modelkeep.git import log, objects, trees
from modelkeep.git.last_changes import last_changes
from modelkeep.git.paths import show
from modelkeep.services.access import RepoAccess, find_repo
from modelkeep.services.memo import Memo
from modelkeep.services.ports import Stores
from modelkeep.services.revisions import Resolved, resolve
from modelkeep.services.writes import STAND_IN, signed_as

_REMEMBERED_ENTRIES = 400_000
_REMEMBERED_CHANGES = 100_000
_CHANGES_AT_ONCE = 10_000

Listing = tuple[trees.RawEntry, ...]
Changes = dict[str, Commit]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A repo at one commit, for an actor who may read it.

    Attributes:
        access: The repo, and the actor's role in it.
        resolved: What the revision named.
        git_dir: Where Git keeps it.
    """

    access: RepoAccess
    resolved: Resolved
    git_dir: Path

    @property
    def repo(self) -> Repo:
        """The repo."""
        return self.access.repo

    @property
    def commit(self) -> str:
        """The commit's id."""
        return self.resolved.commit


@dataclass(frozen=True, slots=True)
class Entries:
    """Some entries of a snapshot.

    Attributes:
        items: In order.
        changes: The commit that changed each last, by path, where it was asked for and is not too long ago.
        next_cursor: Where the next page starts; None on the last one.
    """

    items: tuple[TreeEntry, ...]
    changes: Changes
    next_cursor: str | None = None


class Browsing:
    """Reading repos a listing at a time."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._listings: Memo[tuple[str, str, str, bool], Listing] = Memo(_REMEMBERED_ENTRIES, len)
        self._entries: Memo[tuple[str, str, str], tuple[TreeEntry, ...]] = Memo(_REMEMBERED_ENTRIES // 4, len)
        self._changes: Memo[tuple[str, str, tuple[str, ...]], Changes] = Memo(_REMEMBERED_CHANGES, len)

    def at(self, actor: Actor, namespace: str, name: str, revision: str | None) -> Snapshot:
        """A repo at a revision; None or an empty string is its default branch.

        Raises:
            NotFound: No such repo or revision.
        """
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name)
            git_dir = self._stores.repositories.path(access.repo.id)
            return Snapshot(access, resolve(tx, access.repo, git_dir, revision), git_dir)

    def latest(self, actor: Actor, namespace: str, name: str) -> tuple[RepoAccess, Snapshot | None]:
        """A repo with its default branch's snapshot, None before the first push.

        Raises:
            NotFound: No such repo.
        """
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name)
            git_dir = self._stores.repositories.path(access.repo.id)
            try:
                return access, Snapshot(access, resolve(tx, access.repo, git_dir, None), git_dir)
            except NotFound as error:
                if error.code != "empty_repo":
                    raise
                return access, None

    def files(self, snapshot: Snapshot) -> list[str]:
        """The paths of all files, by path."""
        return [
            show(name)
            for name, mode, _ in sorted(self._listing(snapshot, "", True))
            if mode not in (trees.DIRECTORY_MODE, trees.SUBMODULE_MODE)
        ]

    def sized_files(self, snapshot: Snapshot) -> list[TreeEntry]:
        """All files, by path, with their sizes."""
        found = sorted(self._listing(snapshot, "", True))
        kept = [raw for raw in found if raw[1] not in (trees.DIRECTORY_MODE, trees.SUBMODULE_MODE)]
        return list(self._described(snapshot, "files", kept))

    def directory(
        self,
        snapshot: Snapshot,
        path: str,
        *,
        recursive: bool = False,
        limit: int = MAX_LIMIT,
        cursor: str | None = None,
        with_changes: bool = False,
    ) -> Entries:
        """A page of the entries of a directory, directories first; with ``recursive`` of all that is below it.

        Raises:
            NotFound: There is no such directory (code ``path_not_found``).
            InvalidInput: The path cannot be one, or the cursor belongs to another list.
        """
        snapshot, start = self._continued(snapshot, cursor)
        listing = self._listing(snapshot, path, recursive)
        items = self._described(
            snapshot, f"{recursive} {start} {limit} {path}", listing[start : start + limit]
        )
        # One walk gives a whole directory its last changes, and takes no longer than for a page of it.
        asked = listing if len(listing) <= _CHANGES_AT_ONCE else listing[start : start + limit]
        following = start + limit
        return Entries(
            items,
            self._changes_of(snapshot, tuple(show(name) for name, _, _ in asked)) if with_changes else {},
            encode_cursor((snapshot.commit, following)) if following < len(listing) else None,
        )

    def entries(self, snapshot: Snapshot, paths: Sequence[str], *, with_changes: bool = False) -> Entries:
        """What is at these paths, in their order; those where nothing is are left out."""
        items = tuple(trees.find(snapshot.git_dir, snapshot.commit, paths))
        return Entries(
            items, self._changes_of(snapshot, tuple(e.path for e in items)) if with_changes else {}
        )

    def history(
        self, snapshot: Snapshot, limit: int, cursor: str | None = None
    ) -> tuple[list[Commit], str | None]:
        """A page of the commits that led to the snapshot, newest first, and the cursor of the next.

        Raises:
            InvalidInput: The cursor belongs to another list.
        """
        snapshot, skip = self._continued(snapshot, cursor)
        commits = log.log(snapshot.git_dir, snapshot.commit, skip=skip, limit=limit + 1)
        more = encode_cursor((snapshot.commit, skip + limit)) if len(commits) > limit else None
        return commits[:limit], more

    def usernames(self, signed: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Who of this hub's users signed commits, by name and address as these have them.

        An address alone tells nobody whose it is: the full name must be theirs too.
        """
        stand_ins = {pair: pair[1].removesuffix(STAND_IN) for pair in signed if pair[1].endswith(STAND_IN)}
        with self._stores.database.read() as tx:
            users = accounts.users_signing(
                tx, set(stand_ins.values()), {email for _, email in signed if email}
            )
        found = {signed_as(user.name, user.full_name, user.email): user.name for user in users}
        named = {fold(user.name): user.name for user in users}
        found |= {pair: named[fold(name)] for pair, name in stand_ins.items() if fold(name) in named}
        return found

    def commit(self, snapshot: Snapshot) -> Commit:
        """The snapshot's commit."""
        return objects.read_commit(snapshot.git_dir, snapshot.commit)

    def small_file(self, snapshot: Snapshot, path: str, limit: int) -> bytes | None:
        """The content of a small file that Git keeps; None where there is none, or it is larger or in LFS."""
        found = trees.find(snapshot.git_dir, snapshot.commit, [path])
        if not found or found[0].size is None or found[0].size > limit or found[0].lfs_oid is not None:
            return None
        return trees.read_blob(snapshot.git_dir, found[0].id, limit)

    def refs(self, actor: Actor, namespace: str, name: str) -> tuple[Repo, list[Ref]]:
        """A repo with all its branches and tags, by name."""
        found: list[Ref] = []
        cursor: CursorKey | None = None
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            while True:
                page = refs_index.list_refs(tx, repo.id, "refs/", PageRequest(MAX_LIMIT, cursor), None)
                found += page.items
                if page.next_cursor is None:
                    return repo, found
                cursor = decode_cursor(page.next_cursor)

    def _continued(self, snapshot: Snapshot, cursor: str | None) -> tuple[Snapshot, int]:
        """The snapshot that a list began with, whatever was pushed since then, and how far it has come."""
        if cursor is None:
            return snapshot, 0
        key = decode_cursor(cursor)
        if len(key) != 2 or not isinstance(key[0], str) or not isinstance(key[1], int) or key[1] < 0:
            raise _foreign_cursor()
        commit = objects.resolve_commit(snapshot.git_dir, key[0]) if len(key[0]) == 40 else None
        if commit is None:
            raise _foreign_cursor()
        return replace(snapshot, resolved=replace(snapshot.resolved, commit=commit)), key[1]

    def _listing(self, snapshot: Snapshot, path: str, recursive: bool) -> Listing:
        return self._listings.get(
            (snapshot.repo.id, snapshot.commit, path, recursive),
            lambda: tuple(sorted(trees.walk(snapshot.git_dir, snapshot.commit, path, recursive), key=_place)),
        )

    def _described(
        self, snapshot: Snapshot, which: str, found: Sequence[trees.RawEntry]
    ) -> tuple[TreeEntry, ...]:
        return self._entries.get(
            (snapshot.repo.id, snapshot.commit, which),
            lambda: tuple(trees.describe(snapshot.git_dir, found)),
        )

    def _changes_of(self, snapshot: Snapshot, paths: tuple[str, ...]) -> Changes:
        return self._changes.get(
            (snapshot.repo.id, snapshot.commit, paths),
            lambda: last_changes(snapshot.git_dir, snapshot.commit, paths),
        )


def _place(entry: trees.RawEntry) -> tuple[tuple[bool, bytes], ...]:
    """Where an entry comes in a listing: by path, in each directory its directories first, as the Hub lists them."""
    *above, name = entry[0].split(b"/")
    return (*((False, one) for one in above), (entry[1] != trees.DIRECTORY_MODE, name))


def _foreign_cursor() -> InvalidInput:
    return InvalidInput("This cursor belongs to another list.", code="invalid_cursor")
