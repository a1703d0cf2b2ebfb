"""History, newest first."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pygit2
from pygit2.enums import SortMode

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.objects import Commit
from modelkeep.git import paths, process
from modelkeep.git.library import check_id, open_repository, translated
from modelkeep.git.objects import load_commit

MAX_SKIP = 1_000_000

_TIMEOUT = 60.0


def log(
    git_dir: Path, start: str, *, path: str | None = None, skip: int = 0, limit: int = 50
) -> list[Commit]:
    """At most ``limit`` commits reachable from ``start``, newest first, after the first ``skip``.

    Pages are stable: the order depends on ``start`` (a full commit id) alone, so a cursor is (``start``, ``skip``).
    With ``path``, only commits that changed that file or something below that directory.

    Raises:
        InvalidInput: The path cannot be one, or ``skip`` or ``limit`` is out of range.
        NotFound: There is no such commit.
    """
    if not 0 <= skip <= MAX_SKIP or not 0 <= limit <= 10_000:
        raise InvalidInput("This page of the history is out of range.", code="invalid_page")
    repository = open_repository(git_dir)
    load_commit(repository, start)
    if path:
        ids = _touching(git_dir, start, paths.check_readable(path), skip, limit)
    else:
        with translated("read the history"):
            walker = repository.walk(pygit2.Oid(hex=start), SortMode.NONE)
            ids = [str(commit.id) for commit in islice(walker, skip, skip + limit)]
    return [load_commit(repository, commit_id) for commit_id in ids]


def log_between(git_dir: Path, old: str, new: str, *, limit: int) -> list[Commit]:
    """At most ``limit`` commits reachable from ``new`` and not from ``old``, newest first.

    Raises:
        NotFound: One of them is no commit.
    """
    repository = open_repository(git_dir)
    for commit_id in (old, new):
        load_commit(repository, commit_id)
    with translated("read the history"):
        walker = repository.walk(pygit2.Oid(hex=new), SortMode.TOPOLOGICAL)
        walker.hide(pygit2.Oid(hex=old))
        ids = [str(commit.id) for commit in islice(walker, limit)]
    return [load_commit(repository, commit_id) for commit_id in ids]


def _touching(git_dir: Path, start: str, path: str, skip: int, limit: int) -> list[str]:
    wanted = [raw.decode("utf-8", "surrogateescape") for raw in paths.candidates(path)]
    output = process.run(
        [
            "rev-list",
            f"--skip={skip}",
            f"--max-count={limit}",
            "--end-of-options",
            check_id(start),
            "--",
            *wanted,
        ],
        git_dir=git_dir,
        timeout=_TIMEOUT,
        env={"GIT_LITERAL_PATHSPECS": "1"},
    )
    return output.decode().split()
