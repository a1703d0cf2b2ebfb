"""Merges two histories without a work tree."""

from __future__ import annotations

from pathlib import Path

import pygit2
from pygit2.enums import ObjectType

from modelkeep.domain.errors import Conflict, TooLarge
from modelkeep.domain.objects import Signature
from modelkeep.git import process
from modelkeep.git.library import check_id, open_repository, translated
from modelkeep.git.object_format import format_message, format_signature
from modelkeep.git.objects import is_ancestor, load_commit
from modelkeep.git.paths import show

MAX_DIFF = 1 << 20
"""Bytes of a diff that is shown."""

_MOST_NAMED = 100
_TIMEOUT = 30.0


def is_merged(git_dir: Path, tip: str, head: str) -> bool:
    """Whether ``tip`` has everything that ``head`` has."""
    return is_ancestor(git_dir, head, tip)


def base_of(git_dir: Path, one: str, other: str) -> str | None:
    """The commit that two histories have last in common."""
    with translated("compare two commits"):
        found: pygit2.Oid | None = open_repository(git_dir).merge_base(check_id(one), check_id(other))
    return str(found) if found is not None else None


def conflicts(git_dir: Path, tip: str, head: str) -> tuple[str, ...]:
    """The files that a merge of ``head`` into ``tip`` could not decide, sorted; at most 100."""
    if is_ancestor(git_dir, tip, head) or is_merged(git_dir, tip, head):
        return ()
    with translated("compare two commits"):
        return _conflicts(open_repository(git_dir).merge_commits(check_id(tip), check_id(head)))


def merge(git_dir: Path, tip: str, head: str, signature: Signature, message: str) -> str:
    """The commit that holds both: ``head`` where it has all of ``tip``, else a new one with both for parents.

    No ref is moved.

    Raises:
        Conflict: Files conflict; the error names them.
    """
    if is_ancestor(git_dir, tip, head):
        return head
    repository = open_repository(git_dir)
    with translated("merge two commits"):
        index = repository.merge_commits(check_id(tip), check_id(head))
        named = _conflicts(index)
        if named:
            shown = ", ".join(named[:10]) + (" and more" if len(named) > 10 else "")
            raise Conflict(
                f"It cannot be merged: {shown} changed on both sides. Merge the target branch into the pull request "
                "(git fetch, git merge), push that to its ref, and merge again.",
                code="merge_conflict",
                files=list(named),
            )
        tree = str(index.write_tree(repository))
        load_commit(repository, tip)
        lines = [b"tree " + tree.encode(), b"parent " + tip.encode(), b"parent " + head.encode()]
        written = format_signature(signature)
        lines += [b"author " + written, b"committer " + written]
        content = b"\n".join(lines) + b"\n\n" + format_message(message)
        return str(repository.odb.write(ObjectType.COMMIT, content))


def diff(git_dir: Path, old: str, new: str) -> str | None:
    """What changed since two commits had a common history, as ``git diff`` writes it; None where it is too long."""
    base = base_of(git_dir, old, new) or old
    asked = ["diff", "--no-color", "--no-ext-diff", "--no-textconv", "--end-of-options", base, check_id(new)]
    try:
        done = process.attempt(asked, git_dir=git_dir, timeout=_TIMEOUT, output_limit=MAX_DIFF)
    except TooLarge:
        return None
    if done.code != 0:
        raise process.failure(asked, done.code, done.errors)
    return done.output.decode("utf-8", "replace")


def _conflicts(index: pygit2.Index) -> tuple[str, ...]:
    if index.conflicts is None:
        return ()
    paths = {
        show(entry.path.encode("utf-8", "surrogateescape"))
        for sides in index.conflicts
        for entry in sides
        if entry is not None
    }
    return tuple(sorted(paths)[:_MOST_NAMED])
