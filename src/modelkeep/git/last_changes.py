"""Which commit changed each of many paths last: one walk through the history for all of them."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pygit2

from modelkeep.domain.objects import Commit
from modelkeep.git import paths
from modelkeep.git.library import check_id, open_repository, translated
from modelkeep.git.objects import load_commit
from modelkeep.git.trees import TreeReader

MOST_COMMITS = 10_000
"""A walk ends here: a listing must not take longer than its reader waits."""


def last_changes(
    git_dir: Path, start: str, wanted: Iterable[str], *, most_commits: int = MOST_COMMITS
) -> dict[str, Commit]:
    """The newest commit reachable from ``start`` that changed what is at each of these paths.

    A directory changes with what is below it. A merge changed what none of its parents has like this, as ``git log``
    counts. Left out are paths where nothing is, and those that no commit among the ``most_commits`` looked at changed.

    Raises:
        NotFound: There is no such commit.
        Unavailable: The history cannot be read.
    """
    repository = open_repository(git_dir)
    load_commit(repository, start)
    with translated("read the history"):
        walk = _Walk(repository, wanted, repository[check_id(start)].peel(pygit2.Commit))
        walk.run(most_commits)
    read = {commit: load_commit(repository, commit) for commit in set(walk.found.values())}
    return {walk.shown[raw]: read[commit] for raw, commit in walk.found.items()}


class _Walk:
    """Follows each path from commit to commit as long as a parent has the same there.

    Attributes:
        shown: The paths that are there, as bytes and as they were asked for.
        found: The commit that changed each, by its bytes.
    """

    def __init__(self, repository: pygit2.Repository, wanted: Iterable[str], start: pygit2.Commit) -> None:
        self._repository = repository
        self.shown = dict(_present(TreeReader(repository, str(start.tree_id)), wanted))
        self.found: dict[bytes, str] = {}
        self._base = _common_directory(self.shown)
        self._interest: dict[str, set[bytes]] = {str(start.id): set(self.shown)}
        self._queue = [(-start.commit_time, str(start.id))]

    def run(self, most_commits: int) -> None:
        """Looks at commits, newest first, until all is found."""
        while self._queue and most_commits > 0:
            most_commits -= 1
            commit_id = heapq.heappop(self._queue)[1]
            commit = self._repository[commit_id].peel(pygit2.Commit)
            left = self._interest.pop(commit_id)
            for parent in commit.parents:
                same = left.difference(self._changed(commit.tree, parent.tree))
                self._follow(parent, same)
                left -= same
                if not left:
                    break
            self.found.update(dict.fromkeys(left, commit_id))

    def _follow(self, parent: pygit2.Commit, same: set[bytes]) -> None:
        if not same:
            return
        name = str(parent.id)
        if name not in self._interest:
            self._interest[name] = set()
            heapq.heappush(self._queue, (-parent.commit_time, name))
        self._interest[name] |= same

    def _changed(self, new: pygit2.Tree, old: pygit2.Tree) -> set[bytes]:
        """The paths, files and directories, that are not the same in both trees."""
        mine, other = _below(new, self._base), _below(old, self._base)
        if mine is None or other is None:
            return set(self.shown)
        if mine.id == other.id:
            return set()
        changed: set[bytes] = set()
        for delta in other.diff_to_tree(mine).deltas:
            for file in (delta.old_file, delta.new_file):
                path = self._base + file.raw_path
                while path not in changed:
                    changed.add(path)
                    path = path.rpartition(b"/")[0]
        return changed


def _present(tree: TreeReader, wanted: Iterable[str]) -> Iterator[tuple[bytes, str]]:
    for path in wanted:
        raw = next((raw for raw in paths.candidates(path) if raw and tree.at(raw)), None)
        if raw is not None:
            yield raw, path


def _common_directory(found: Iterable[bytes]) -> bytes:
    """The directory, with a slash at its end, that holds all these paths; b"" for the root."""
    parents = [raw.rpartition(b"/")[0] for raw in found]
    common = os.path.commonpath(parents) if parents else b""
    return common + b"/" if common else b""


def _below(tree: pygit2.Tree, base: bytes) -> pygit2.Tree | None:
    if not base:
        return tree
    name = os.fsdecode(base.rstrip(b"/"))
    try:
        found = tree[name]
    except KeyError:
        return None
    return found if isinstance(found, pygit2.Tree) else None
