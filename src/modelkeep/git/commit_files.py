"""Many commits at once, each with what it has at one path: what ``gto`` looks up for every version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import cast

import pygit2
from pygit2.enums import ObjectType

from modelkeep.domain.errors import ModelkeepError
from modelkeep.domain.objects import Commit, Signature
from modelkeep.git.library import open_repository
from modelkeep.git.objects import load_commit

_FILE_MODES = (0o100644, 0o100755)


@dataclass(frozen=True, slots=True)
class CommitFile:
    """A commit, and the file at the path that was asked for.

    ``blob`` is None where there is nothing; ``is_file`` is false where something else than an ordinary file is there.
    """

    commit: Commit
    blob: str | None = None
    is_file: bool = True


def files_at(
    git_dir: Path, commit_ids: Iterable[str], path: str, quarantine: Path | None = None
) -> Iterator[CommitFile]:
    """These commits, without those that are not there, in their order. They are read while one iterates.

    People and messages are as libgit2 gives them (without line feeds in front, names trimmed), because ``gto`` takes
    them from there; what libgit2 cannot decode is read leniently.
    """
    repository = open_repository(git_dir, quarantine)
    seen: dict[str, tuple[str | None, bool]] = {}
    for commit_id in dict.fromkeys(commit_ids):
        try:
            found = repository[commit_id]
        except (KeyError, ValueError, OSError, pygit2.GitError):
            continue
        if found.type != ObjectType.COMMIT:
            continue
        commit = _commit(repository, cast("pygit2.Commit", found))
        if commit is not None:
            if commit.tree_id not in seen:
                seen[commit.tree_id] = _look_up(repository, commit.tree_id, path)
            yield CommitFile(commit, *seen[commit.tree_id])


def read_file(git_dir: Path, blob: str, limit: int, quarantine: Path | None = None) -> bytes | None:
    """The bytes of a blob; None where it has more than ``limit``, or cannot be read."""
    repository = open_repository(git_dir, quarantine)
    try:
        kind, size = repository.odb.read_header(blob)
        if kind != ObjectType.BLOB or size > limit:
            return None
        return repository.odb.read(blob)[1]
    except (KeyError, ValueError, OSError, pygit2.GitError):
        return None


def _commit(repository: pygit2.Repository, found: pygit2.Commit) -> Commit | None:
    try:
        return Commit(
            id=str(found.id),
            tree_id=str(found.tree_id),
            parents=tuple(map(str, found.parent_ids)),
            author=_signature(found.author),
            committer=_signature(found.committer),
            message=found.message,
        )
    except (ValueError, LookupError, OverflowError, OSError, pygit2.GitError):
        try:
            return load_commit(repository, str(found.id))
        except ModelkeepError:
            return None


def _signature(found: pygit2.Signature) -> Signature:
    zone = timezone(timedelta(minutes=found.offset))
    return Signature(found.name, found.email, datetime.fromtimestamp(found.time, zone))


def _look_up(repository: pygit2.Repository, tree_id: str, path: str) -> tuple[str | None, bool]:
    try:
        entry = repository[tree_id][path]  # type: ignore[index]
    except (KeyError, ValueError, TypeError, OSError, pygit2.GitError):
        return None, True
    return str(entry.id), int(entry.filemode) in _FILE_MODES
