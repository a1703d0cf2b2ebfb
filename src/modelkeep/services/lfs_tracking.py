"""Keeps ``.gitattributes`` true: a file stored through LFS must be tracked, or clones get its pointer as text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelkeep.git import commits as git_commits
from modelkeep.git import trees

ATTRIBUTES = ".gitattributes"

_LONGEST = 1 << 20
_SPECIAL = frozenset("*?[]\\!#")


def untracked(git_dir: Path, commit: str | None, paths: Sequence[str]) -> list[str]:
    """Which of these paths ``.gitattributes`` at a commit (None: before the first one) does not send through LFS."""
    tracked = git_commits.attributes(git_dir, commit, paths)
    return [path for path in paths if not tracked[path]]


def with_tracked(git_dir: Path, commit: str | None, paths: Sequence[str]) -> bytes:
    """The root's ``.gitattributes`` at a commit, with a line added for each of these paths."""
    entry = trees.entry(git_dir, commit, ATTRIBUTES) if commit else None
    return extended(trees.read_blob(git_dir, entry.id, _LONGEST) if entry else b"", paths)


def extended(rules: bytes, paths: Sequence[str]) -> bytes:
    """The content of a ``.gitattributes``, with a line added for each of these paths."""
    if rules and not rules.endswith(b"\n"):
        rules += b"\n"
    return rules + b"".join(_line(path) for path in paths)


def _line(path: str) -> bytes:
    """One rule for exactly this path (gitattributes(5)): anchored, its special characters escaped, quoted at need."""
    pattern = "/" + "".join(f"\\{c}" if c in _SPECIAL else c for c in path)
    if any(c.isspace() or c == '"' or ord(c) < 32 for c in pattern):
        pattern = '"' + pattern.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'
    return f"{pattern} filter=lfs diff=lfs merge=lfs -text\n".encode()
