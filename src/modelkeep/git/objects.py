"""Commits and objects by id."""

from __future__ import annotations

import re
from pathlib import Path

import pygit2

from modelkeep.domain.errors import InvalidInput, NotFound
from modelkeep.domain.objects import Commit
from modelkeep.git import process
from modelkeep.git.library import check_id, kind_of, open_repository, read_object, translated
from modelkeep.git.object_format import named_object, parse_commit_object

_ABBREVIATED = re.compile(r"[0-9a-f]{4,40}", re.ASCII | re.IGNORECASE)
_MAX_DEPTH = 50


def resolve_commit(git_dir: Path, text: str) -> str | None:
    """The full id of the commit that ``text`` names by its id or the first 4 or more characters of it.

    Only ids: ``HEAD``, ``main~1``, ``@{1}``, ``:path`` and names of refs give None, as does an id that is no commit's.

    Raises:
        InvalidInput: Several commits start with ``text``.
    """
    if not _ABBREVIATED.fullmatch(text):
        return None
    text = text.lower()
    repository = open_repository(git_dir)
    if len(text) == 40:
        return text if kind_of(repository, text) == "commit" else None
    try:
        found = str(repository.expand_id(text))
        return found if kind_of(repository, found) == "commit" else None
    except KeyError:
        return None
    except (ValueError, pygit2.GitError):  # several objects; perhaps only one of them is a commit
        lines = process.run(["rev-parse", f"--disambiguate={text}"], git_dir=git_dir).decode().split()
    commits = [line for line in lines[:100_000] if kind_of(repository, line) == "commit"]
    if len(commits) > 1:
        raise InvalidInput(
            f"Several commits start with '{text}'; write more characters of the one you mean.",
            code="ambiguous_commit",
        )
    return commits[0] if commits else None


def read_commit(git_dir: Path, commit_id: str) -> Commit:
    """The commit of a full id.

    Raises:
        NotFound: There is none.
    """
    return load_commit(open_repository(git_dir), commit_id)


def load_commit(repository: pygit2.Repository, commit_id: str) -> Commit:
    """As :func:`read_commit`, from an open repository."""
    commit = parse_commit_object(commit_id, read_object(repository, check_id(commit_id), "commit"))
    if commit is None:
        raise NotFound(f"The commit {commit_id} cannot be read.", code="commit_not_found")
    return commit


def is_ancestor(git_dir: Path, ancestor: str, descendant: str, *, quarantine: Path | None = None) -> bool:
    """Whether ``ancestor`` is ``descendant`` or reachable from it: whether the move would be a fast-forward.

    Raises:
        NotFound: One of them is no commit of the repository (or of the ``quarantine``).
    """
    repository = open_repository(git_dir, quarantine)
    for commit_id in (ancestor, descendant):
        if kind_of(repository, check_id(commit_id)) != "commit":
            raise NotFound(f"There is no commit {commit_id} in this repo.", code="commit_not_found")
    if ancestor == descendant:
        return True
    with translated("compare two commits"):
        return bool(repository.descendant_of(descendant, ancestor))


def object_kind(git_dir: Path, object_id: str) -> str | None:
    """``commit``, ``tree``, ``blob`` or ``tag``; None where there is no object of this full id."""
    return kind_of(open_repository(git_dir), check_id(object_id))


def peel(git_dir: Path, object_id: str) -> str | None:
    """The commit that an object is or, through tag objects, names; None where it is neither."""
    repository = open_repository(git_dir)
    object_id = check_id(object_id)
    for _ in range(_MAX_DEPTH):
        kind = kind_of(repository, object_id)
        if kind != "tag":
            return object_id if kind == "commit" else None
        named = named_object(read_object(repository, object_id, "tag"))
        if named is None:
            return None
        object_id = named[0]
    return None
