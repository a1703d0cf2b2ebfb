"""Branches and tags: list, look up, and move them with compare-and-swap.

Reading is in process. Every change goes through ``git update-ref --stdin`` in its own session: it runs to its end even
if the server is killed in that moment, so that no lock file of a ref is left behind, and its rules are Git's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pygit2

from modelkeep.domain.digest import digest_of
from modelkeep.domain.errors import AlreadyExists, Conflict, InvalidInput, ModelkeepError, Unavailable
from modelkeep.domain.objects import ZERO_ID, Ref, RefUpdate
from modelkeep.git import process, ref_files
from modelkeep.git.library import check_id, kind_of, open_repository
from modelkeep.git.object_format import named_object
from modelkeep.git.paths import show

PREFIXES = ("refs/heads/", "refs/pr/", "refs/tags/")
"""Where the refs are that the hub knows: branches, pull requests, tags."""

_MAX_NAME = 1024
_REFUSED = ("refs/heads/-", "refs/tags/-")
MAX_TAGS_OF_TAGS = 50
"""How long a chain of tag objects is followed to what it names."""


def is_valid_name(name: str) -> bool:
    """Whether ``name`` may be a full ref name here.

    Git's own rules (git-check-ref-format), and: under ``refs/``, UTF-8, at most 1,024 bytes and 250 per segment, no
    ``-`` right after ``refs/heads/`` or ``refs/tags/``, and no branch called ``HEAD``.
    """
    try:
        raw = name.encode()
    except UnicodeEncodeError:
        return False
    if (
        not name.startswith("refs/")
        or name.startswith(_REFUSED)
        or name == "refs/heads/HEAD"
        or "\x00" in name
    ):
        return False
    if len(raw) > _MAX_NAME or any(len(segment) > 250 for segment in raw.split(b"/")):
        return False
    return bool(pygit2.reference_is_valid_name(name))


def list_refs(git_dir: Path, prefixes: Sequence[str] = PREFIXES) -> list[Ref]:
    """All refs under the ``prefixes`` (each ends with a slash), sorted by name, with the commits that they peel to."""
    found = ref_files.read_all(git_dir, prefixes)
    peeler = Peeler(open_repository(git_dir)) if found else None
    return [
        Ref(show(name), target.decode(), peeler.commit_of(target.decode(), peeled) if peeler else None)
        for name, (target, peeled) in sorted(found.items())
    ]


def read_refs(git_dir: Path, names: Iterable[str]) -> dict[str, Ref]:
    """The current values of these refs (full names); the ones that do not exist are left out."""
    repository = open_repository(git_dir)
    peeler = Peeler(repository)
    found: dict[str, Ref] = {}
    for name in names:
        if not is_valid_name(name):
            continue
        try:
            target = repository.lookup_reference(name).target
        except (KeyError, pygit2.GitError, ValueError):
            continue
        if isinstance(target, pygit2.Oid):
            found[name] = Ref(name, str(target), peeler.commit_of(str(target), None))
    return found


def digest(git_dir: Path) -> bytes:
    """32 bytes that name the state of all branches, pull requests and tags, whatever file they are stored in.

    See :mod:`modelkeep.domain.digest`: who knows it before a change knows it after.
    """
    found = ref_files.read_all(git_dir, PREFIXES)
    return digest_of((show(name), target.decode()) for name, (target, _) in found.items())


def create_ref(git_dir: Path, name: str, target: str) -> None:
    """Makes a ref. As :func:`update_refs`; AlreadyExists if there is one of this name."""
    update_refs(git_dir, [RefUpdate(name, ZERO_ID, target)])


def update_ref(git_dir: Path, name: str, new: str, expected_old: str) -> None:
    """Moves a ref that must be at ``expected_old``. As :func:`update_refs`."""
    update_refs(git_dir, [RefUpdate(name, expected_old, new)])


def delete_ref(git_dir: Path, name: str, expected_old: str) -> None:
    """Deletes a ref that must be at ``expected_old``. As :func:`update_refs`."""
    update_refs(git_dir, [RefUpdate(name, expected_old, ZERO_ID)])


def update_refs(git_dir: Path, updates: Sequence[RefUpdate]) -> None:
    """Moves all of the refs or none, each only from its ``old`` value; the change is on disk when this returns.

    Raises:
        AlreadyExists: A ref that was to be created exists.
        Conflict: A ref is not at its ``old`` value, or its name clashes with another's (``a`` and ``a/b``).
        InvalidInput: A name or an id is malformed or given twice, or a target is not in the repository or not what the
            ref may hold.
        Unavailable: Another process holds a ref's lock.
    """
    if not updates:
        return
    if len({update.ref for update in updates}) != len(updates):
        raise InvalidInput("A ref is given twice in one change.", code="duplicate_ref")
    lines = [b"start"]
    for update in updates:
        if not is_valid_name(update.ref):
            raise InvalidInput(f"{update.ref[:200]!a} cannot be the name of a ref.", code="invalid_ref_name")
        old, new = check_id(update.old).encode(), check_id(update.new).encode()
        if update.is_create and update.is_delete:
            raise InvalidInput("A ref cannot be created and deleted at once.", code="invalid_ref_update")
        if update.is_delete:
            lines += [b"delete " + update.ref.encode(), old]
        else:
            lines += [b"update " + update.ref.encode(), new, old]
    # Without "commit" nothing is done: a command that was cut short by a crash changes nothing.
    lines += [b"prepare", b"commit", b""]
    done = process.attempt(
        ["update-ref", "--no-deref", "--stdin", "-z"], git_dir=git_dir, input=b"\0".join(lines)
    )
    if done.code != 0:
        raise _refused(updates, done)


def _refused(updates: Sequence[RefUpdate], done: process.Completed) -> ModelkeepError:
    """What Git's message means; the words are stable since 2.0 and untranslated by ``LC_ALL``."""
    text = done.errors
    named = next(
        (u.ref for u in sorted(updates, key=lambda u: -len(u.ref)) if f"'{u.ref}'" in text), updates[0].ref
    )
    short = Ref(named, "", None).short_name
    error: ModelkeepError
    if re.search(r"\.lock': File exists", text):
        error = Unavailable(
            f"'{short}' is being changed by someone else; try again.", code="ref_locked", ref=named
        )
    elif "cannot create" in text or "at the same time" in text:
        error = Conflict(
            f"'{short}' clashes with another branch or tag: a name cannot be a directory of another.",
            code="ref_name_clash",
            ref=named,
        )
    elif "already exists" in text:
        error = AlreadyExists(f"'{short}' exists already.", code="ref_exists", ref=named)
    elif re.search(r"but expected|unable to resolve reference|reference is missing", text):
        error = Conflict(
            f"'{short}' has changed meanwhile; look again, then retry.", code="ref_changed", ref=named
        )
    elif re.search(r"nonexistent object|non-commit object", text):
        error = InvalidInput(f"'{short}' cannot point to this object.", code="invalid_ref_target", ref=named)
    else:
        return process.failure(["update-ref"], done.code, text)
    error.add_note(text.strip())
    return error


class Peeler:
    """Follows tag objects to commits and remembers the kind of every object that it has seen."""

    def __init__(self, repository: pygit2.Repository) -> None:
        self._repository = repository
        self._kinds: dict[str, str | None] = {}

    def commit_of(self, target: str, peeled: bytes | None) -> str | None:
        """The commit behind ``target``, None where there is none; ``peeled`` is from ``packed-refs``."""
        if peeled:
            target = peeled.decode()
        for _ in range(MAX_TAGS_OF_TAGS + 1):
            if target not in self._kinds:
                self._kinds[target] = kind_of(self._repository, target)
            kind = self._kinds[target]
            if kind != "tag":
                return target if kind == "commit" else None
            named = named_object(self._repository.odb.read(target)[1])
            if named is None:
                return None
            target = named[0]
        return None
