"""Finds every ``dvc.yaml`` of a tree. A tree that did not change is not walked again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pygit2

from modelkeep.domain.artifacts import DVC_FILE
from modelkeep.domain.errors import ModelkeepError
from modelkeep.git.trees import DIRECTORY_MODE, read_tree
from modelkeep.services.memo import Memo

MAX_DVC_FILES = 1000
MAX_TREE_ENTRIES = 200_000

_NEVER_SEARCHED = {b".dvc", b".git", b".hg"}  # nor does DVC
_MAX_DIRECTORIES = 64


@dataclass(frozen=True, slots=True)
class Search:
    """What was found below a tree.

    Attributes:
        files: Path below it, mode and id of each ``dvc.yaml``, those of a directory before those further down.
        entries: How many files and directories were looked at.
        is_whole: Whether there was nothing more to look at.
    """

    files: tuple[tuple[bytes, int, str], ...]
    entries: int
    is_whole: bool = True


_SEARCHES: Memo[tuple[str, str], Search] = Memo(50_000, lambda search: 1 + len(search.files))


def find_dvc_files(git_dir: Path, repository: pygit2.Repository, tree: str) -> Search:
    """The ``dvc.yaml`` files of a tree; a search ends at :data:`MAX_TREE_ENTRIES` or :data:`MAX_DVC_FILES`.

    What cannot be read of the tree counts as empty.
    """
    return _search(git_dir, repository, tree, MAX_TREE_ENTRIES, 0)


def _search(git_dir: Path, repository: pygit2.Repository, tree: str, budget: int, depth: int = 0) -> Search:
    key = (str(git_dir), tree)
    return _SEARCHES.get(
        key,
        lambda: _look(git_dir, repository, tree, budget, depth),
        lambda search: search.is_whole,  # another search may have more left to spend
    )


def _look(git_dir: Path, repository: pygit2.Repository, tree: str, budget: int, depth: int) -> Search:
    files: list[tuple[bytes, int, str]] = []
    below: list[tuple[bytes, str]] = []
    entries = 0
    try:
        for name, mode, object_id in read_tree(repository, tree):
            entries += 1
            if name == DVC_FILE.encode():
                files.append((name, mode, object_id))
            elif mode == DIRECTORY_MODE and name not in _NEVER_SEARCHED:
                below.append((name, object_id))
    except ModelkeepError:
        return Search((), entries)
    if entries > budget:
        return Search(tuple(files), entries, is_whole=False)
    for name, object_id in below:
        if depth >= _MAX_DIRECTORIES:
            return Search(tuple(files), entries, is_whole=False)
        search = _search(git_dir, repository, object_id, budget - entries, depth + 1)
        entries += search.entries
        files += [(name + b"/" + path, mode, blob) for path, mode, blob in search.files]
        if not search.is_whole or entries > budget or len(files) > MAX_DVC_FILES:
            return Search(tuple(files), entries, is_whole=False)
    return Search(tuple(files), entries)
