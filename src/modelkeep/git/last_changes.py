"""Which commit changed each of many paths last: one walk through the history for all of them."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pygit2

from modelkeep.domain.objects import Commit
from modelkeep.git import paths
from modelkeep.git.library import check_id, open_repository, translated
from modelkeep.git.objects import load_commit

MOST_COMMITS = 20_000
"""A walk ends here: a page of a listing must not take longer than its reader waits."""


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
    return {path: read[commit] for path, commit in walk.found.items()}


@dataclass(slots=True)
class _Node:
    """A segment of the paths that are asked for; ``path`` is set where one of them ends."""

    path: str | None = None
    children: dict[str, _Node] = field(default_factory=dict)


class _Walk:
    """Follows each path from commit to commit as long as a parent has the same there."""

    def __init__(self, repository: pygit2.Repository, wanted: Iterable[str], start: pygit2.Commit) -> None:
        self._repository = repository
        self._root = _Node()
        self.found: dict[str, str] = {}
        present = {path for path in wanted if self._plant(start.tree, path)}
        self._interest: dict[str, set[str]] = {str(start.id): present}
        self._queue = [(-start.commit_time, 0, str(start.id))]

    def run(self, most_commits: int) -> None:
        """Looks at commits, newest first, until all is found."""
        while self._queue and most_commits > 0:
            most_commits -= 1
            commit_id = heapq.heappop(self._queue)[2]
            commit = self._repository[commit_id].peel(pygit2.Commit)
            left = self._interest.pop(commit_id)
            for parent in commit.parents:
                same = left.difference(self._changed(commit.tree, parent.tree, self._root, left))
                self._follow(parent, same)
                left -= same
                if not left:
                    break
            self.found.update(dict.fromkeys(left, commit_id))

    def _follow(self, parent: pygit2.Commit, same: set[str]) -> None:
        if not same:
            return
        name = str(parent.id)
        if name not in self._interest:
            self._interest[name] = set()
            heapq.heappush(self._queue, (-parent.commit_time, len(self._queue), name))
        self._interest[name] |= same

    def _plant(self, tree: pygit2.Tree, path: str) -> bool:
        """Adds a path to what is compared, if something is there."""
        for raw in paths.candidates(path):
            name = os.fsdecode(raw)
            if not name or name not in tree:
                continue
            node = self._root
            for segment in name.split("/"):
                node = node.children.setdefault(segment, _Node())
            node.path = path
            return True
        return False

    def _changed(
        self, new: pygit2.Object | None, old: pygit2.Object | None, node: _Node, left: set[str]
    ) -> Iterator[str]:
        """Those of the paths ``left`` below ``node`` that are another thing in ``new`` than in ``old``."""
        for name, child in node.children.items():
            mine, other = _entry(new, name), _entry(old, name)
            if (
                mine is not None
                and other is not None
                and (mine.id, mine.filemode) == (other.id, other.filemode)
            ):
                continue
            if child.path is not None and child.path in left:
                yield child.path
            if child.children:
                yield from self._changed(mine, other, child, left)


def _entry(tree: pygit2.Object | None, name: str) -> pygit2.Object | None:
    return tree[name] if isinstance(tree, pygit2.Tree) and name in tree else None
