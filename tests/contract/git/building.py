"""Commits and tags for tests, written by the store itself."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

from modelkeep.domain.objects import ZERO_ID, Signature
from modelkeep.git import commits, refs, tags

ADA = Signature(
    "Ada Lovelace",
    "ada@example.org",
    datetime(2026, 3, 1, 12, 0, 5, tzinfo=timezone(timedelta(hours=5, minutes=45))),
)


def commit(
    git_dir: Path,
    files: dict[str, bytes],
    parent: str | None = None,
    message: str = "Change",
    *changes: commits.Change,
) -> str:
    added = [commits.AddBlob(path, content) for path, content in files.items()]
    return commits.build_commit(
        git_dir, parent=parent, changes=[*added, *changes], author=ADA, committer=ADA, message=message
    )


def on_branch(git_dir: Path, files: dict[str, bytes], branch: str = "main") -> str:
    """A commit of these files on top of the branch, which is moved to it."""
    ref = f"refs/heads/{branch}"
    old = refs.read_refs(git_dir, [ref]).get(ref)
    made = commit(git_dir, files, old.target if old else None)
    refs.update_ref(git_dir, ref, made, old.target if old else ZERO_ID)
    return made


def tag(git_dir: Path, name: str, target: str, message: str = "Tagged") -> str:
    made = tags.create_tag_object(git_dir, name=name, target_commit=target, tagger=ADA, message=message)
    refs.create_ref(git_dir, f"refs/tags/{name}", made)
    return made
