"""What becomes of files that somebody is about to send: through LFS or not, ignored, there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.discussions import number_of
from modelkeep.domain.errors import NotFound
from modelkeep.domain.objects import EntryKind, TreeEntry
from modelkeep.git import commits as git_commits
from modelkeep.git import ignoring, trees
from modelkeep.git.paths import check_readable
from modelkeep.services.access import RepoAccess, find_repo
from modelkeep.services.ports import Rules, Stores
from modelkeep.services.revisions import resolve

_IGNORES = ".gitignore"


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """A file that somebody has: its path in the repo, its size in bytes, and how its content begins."""

    path: str
    size: int
    sample: bytes = b""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """What becomes of a file.

    Attributes:
        path: As offered.
        is_lfs: It goes through LFS.
        is_ignored: The repo's rules leave it out.
        present: What is at its path now: the oid of an LFS file, or Git's id; None for nothing.
    """

    path: str
    is_lfs: bool
    is_ignored: bool = False
    present: str | None = None


class UploadPlans:
    """Looks at files before they are sent."""

    def __init__(self, stores: Stores, rules: Rules) -> None:
        self._stores = stores
        self._rules = rules

    def plan(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        revision: str | None,
        files: Sequence[OfferedFile],
        *,
        ignores: bytes | None = None,
        proposes: bool = False,
    ) -> list[PlannedFile]:
        """What becomes of these files at a revision, in their order.

        Through LFS goes what ``.gitattributes`` says, what is larger than the hub keeps in Git, and what is no text.

        Args:
            actor: Who offers them.
            namespace: Of the repo.
            name: Of the repo.
            revision: Where they are to go; None for the default branch.
            files: What there is.
            ignores: A ``.gitignore`` that is sent with them; None for the one at the revision.
            proposes: They are for a pull request: reading the repo is then enough.

        Raises:
            NotFound: No such repo or revision.
            NotPermitted: The actor may not write to the repo.
            InvalidInput: A path cannot be one.
        """
        is_proposal = proposes or number_of(revision or "") is not None
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, Action.PROPOSE if is_proposal else Action.WRITE)
            access.require_content()
            git_dir = self._stores.repositories.path(access.repo.id)
            commit = _commit(tx, access, git_dir, revision)
        paths = [check_readable(file.path) for file in files]
        tracked = git_commits.attributes(git_dir, commit, paths)
        there = {entry.path: entry for entry in trees.find(git_dir, commit, paths)} if commit else {}
        rules = ignores if ignores is not None else _committed_rules(git_dir, commit)
        left_out = ignoring.ignored(git_dir, rules, paths)
        return [
            PlannedFile(
                file.path,
                is_lfs=self._is_lfs(file, tracked[file.path]),
                is_ignored=file.path in left_out,
                present=_content_id(there.get(file.path)),
            )
            for file in files
        ]

    def _is_lfs(self, file: OfferedFile, is_tracked: bool) -> bool:
        if file.size == 0:
            return False
        return is_tracked or file.size > self._rules.max_git_file or not is_text(file.sample)


def is_text(sample: bytes) -> bool:
    """Whether a file that begins like this is text: UTF-8, perhaps cut within a character, and without NUL."""
    if b"\0" in sample:
        return False
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError as error:
        # Only a character that the sample's end cuts is no fault of the file's.
        return error.reason == "unexpected end of data"
    return True


def _commit(tx: Transaction, access: RepoAccess, git_dir: Path, revision: str | None) -> str | None:
    """The commit that the files are for; None where nothing was pushed yet."""
    is_default = revision in (None, "", access.repo.default_branch)
    try:
        return resolve(tx, access.repo, git_dir, None if is_default else revision).commit
    except NotFound as error:
        if error.code == "empty_repo":
            return None
        raise


def _committed_rules(git_dir: Path, commit: str | None) -> bytes:
    entry = trees.entry(git_dir, commit, _IGNORES) if commit else None
    if entry is None or entry.kind is not EntryKind.FILE:
        return b""
    return trees.read_blob(git_dir, entry.id, ignoring.RULES_LIMIT)


def _content_id(entry: TreeEntry | None) -> str | None:
    if entry is None or entry.kind is not EntryKind.FILE:
        return None
    return entry.lfs_oid or entry.id
