"""Histories written anew: as one commit, or without certain files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import pygit2
from pygit2.enums import ObjectType, SortMode

from modelkeep.domain.errors import TooLarge
from modelkeep.domain.objects import Signature
from modelkeep.git.library import check_id, open_repository, translated
from modelkeep.git.object_format import format_message, format_signature
from modelkeep.git.objects import load_commit
from modelkeep.git.trees import DIRECTORY_MODE, read_tree

MOST_COMMITS = 100_000

_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def squash(git_dir: Path, commit_id: str, signature: Signature, message: str) -> str:
    """A commit without parents that has the files of another; no ref is moved.

    Raises:
        NotFound: There is no such commit.
    """
    repository = open_repository(git_dir)
    written = format_signature(signature)
    lines = [
        b"tree " + load_commit(repository, commit_id).tree_id.encode(),
        b"author " + written,
        b"committer " + written,
    ]
    with translated("write the commit"):
        content = b"\n".join(lines) + b"\n\n" + format_message(message)
        return str(repository.odb.write(ObjectType.COMMIT, content))


class Pruning:
    """Histories without the files that have these blobs.

    Args:
        git_dir: The repository.
        blob_ids: What is left out, at whatever path.
    """

    def __init__(self, git_dir: Path, blob_ids: Collection[str]) -> None:
        self._repository = open_repository(git_dir)
        self._blob_ids = frozenset(blob_ids)
        self._trees: dict[str, str] = {}
        self._commits: dict[str, str] = {}

    def touches(self, commit_id: str) -> bool:
        """Whether a commit has one of the files.

        Raises:
            NotFound: There is no such commit.
        """
        tree = load_commit(self._repository, commit_id).tree_id
        return self._tree(tree) != tree

    def rewritten(self, tips: Sequence[str]) -> list[str]:
        """These commits without the files, in their order: the same ones where their histories never had them.

        Messages and people stay as they are; a signature goes, because it would be wrong.

        Raises:
            TooLarge: The histories have more than :data:`MOST_COMMITS` commits.
        """
        with translated("rewrite the history"):
            walk = self._repository.walk(None, SortMode.TOPOLOGICAL | SortMode.REVERSE)
            for tip in tips:
                walk.push(pygit2.Oid(hex=check_id(tip)))
            for commit in walk:
                if len(self._commits) >= MOST_COMMITS:
                    raise TooLarge(
                        f"The history has more than {MOST_COMMITS} commits; rewrite it in a clone, and push it.",
                        code="too_many_changes",
                        limit=MOST_COMMITS,
                    )
                self._commits[str(commit.id)] = self._commit(commit)
        return [self._commits[tip] for tip in tips]

    def _commit(self, commit: pygit2.Commit) -> str:
        tree, parents = str(commit.tree_id), [str(parent) for parent in commit.parent_ids]
        new_tree, new_parents = self._tree(tree), [self._commits[parent] for parent in parents]
        if new_tree == tree and new_parents == parents:
            return str(commit.id)
        _, content = self._repository.odb.read(commit.id)
        head, _, message = content.partition(b"\n\n")
        lines = [b"tree " + new_tree.encode(), *(b"parent " + parent.encode() for parent in new_parents)]
        lines += [
            line for line in head.split(b"\n") if line.startswith((b"author ", b"committer ", b"encoding "))
        ]
        return str(self._repository.odb.write(ObjectType.COMMIT, b"\n".join(lines) + b"\n\n" + message))

    def _tree(self, tree_id: str) -> str:
        if tree_id not in self._trees:
            self._trees[tree_id] = self._pruned(tree_id)
        return self._trees[tree_id]

    def _pruned(self, tree_id: str) -> str:
        kept, is_same = bytearray(), True
        for name, mode, object_id in read_tree(self._repository, tree_id):
            new_id = self._tree(object_id) if mode == DIRECTORY_MODE else object_id
            is_gone = object_id in self._blob_ids or (new_id == _EMPTY_TREE and new_id != object_id)
            is_same = is_same and not is_gone and new_id == object_id
            if not is_gone:
                kept += b"%o %s\0" % (mode, name) + bytes.fromhex(new_id)
        return tree_id if is_same else str(self._repository.odb.write(ObjectType.TREE, bytes(kept)))
