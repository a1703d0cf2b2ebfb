"""Builds commits without a work tree, and says which paths of a commit Git LFS is to hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pygit2
from pygit2.enums import AttrCheck, ObjectType

from modelkeep.domain.errors import Conflict, InvalidInput
from modelkeep.domain.objects import Signature
from modelkeep.git.blobs import blob_id, write_blobs
from modelkeep.git.library import check_id, kind_of, open_repository, translated
from modelkeep.git.object_format import format_message, format_signature
from modelkeep.git.objects import load_commit
from modelkeep.git.paths import candidates, check_readable, check_writable, show
from modelkeep.git.trees import DIRECTORY_MODE, EXECUTABLE_MODE, FILE_MODE, lookup, read_tree

_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_ATTRIBUTES_OF_COMMIT = AttrCheck.INDEX_ONLY | AttrCheck.NO_SYSTEM | AttrCheck.INCLUDE_COMMIT


@dataclass(frozen=True, slots=True)
class AddBlob:
    """Puts a file at ``path``, new or in place of another file: its bytes, or the id of a blob of the repository."""

    path: str
    content: bytes | str
    mode: int = FILE_MODE


@dataclass(frozen=True, slots=True)
class Delete:
    """Removes the file or the whole directory at ``path``."""

    path: str


@dataclass(frozen=True, slots=True)
class Copy:
    """Puts what the parent commit has at ``source`` (a file or a whole directory) at ``path`` too."""

    source: str
    path: str


Change = AddBlob | Delete | Copy


@dataclass(slots=True)
class _Node:
    """What the changes want at one path: ``entry`` (mode, id) put there, ``delete`` what was there, or more below."""

    path: str = ""
    entry: tuple[int, str] | None = None
    delete: bool = False
    below: dict[bytes, _Node] = field(default_factory=dict)


def build_commit(
    git_dir: Path,
    *,
    parent: str | None,
    changes: Sequence[Change],
    author: Signature,
    committer: Signature,
    message: str,
    may_have_backslash: bool = False,
) -> str:
    """Writes a commit and returns its id; no ref is moved. Its objects are on disk when this returns.

    All changes apply to the parent's files at once, so their order does not matter: what is deleted may be put anew in
    the same commit, as a file or as a directory. Without changes the commit has its parent's files.

    Raises:
        InvalidInput: A path, mode, blob id, message or signature cannot be right, or two changes name the same path or
            one a file and the other something below it.
        Conflict: A file to be deleted or copied is not there (``path_missing``), a file would replace a directory
            (``path_is_directory``), or a directory a file (``path_is_file``). The error names the path.
        NotFound: There is no commit ``parent``.
    """
    repository = open_repository(git_dir)
    base = load_commit(repository, parent).tree_id if parent else None
    root = _Node()
    contents: dict[str, bytes] = {}
    for change in changes:
        _plan(repository, root, change, base, may_have_backslash, contents)
    write_blobs(git_dir, contents.values())
    lines = [b"tree " + _tree(repository, base, root).encode()]
    if parent:
        lines.append(b"parent " + parent.encode())
    lines += [b"author " + format_signature(author), b"committer " + format_signature(committer)]
    content = b"\n".join(lines) + b"\n\n" + format_message(message)
    with translated("write the commit"):
        return str(repository.odb.write(ObjectType.COMMIT, content))


def attributes(git_dir: Path, commit_id: str | None, paths: Iterable[str]) -> dict[str, bool]:
    """For each path, whether the ``.gitattributes`` files of a commit say ``filter=lfs`` (gitattributes(5)).

    The paths need not exist. Without a commit, none is.

    Raises:
        InvalidInput: A path cannot be one.
        NotFound: There is no such commit.
    """
    wanted = [check_readable(path) for path in paths]
    if commit_id is None:
        return dict.fromkeys(wanted, False)
    repository = open_repository(git_dir)
    load_commit(repository, commit_id)
    with translated("read .gitattributes"):
        return {
            path: repository.get_attr(path, "filter", _ATTRIBUTES_OF_COMMIT, pygit2.Oid(hex=commit_id))
            == "lfs"
            for path in wanted
        }


def _plan(
    repository: pygit2.Repository,
    root: _Node,
    change: Change,
    base: str | None,
    may_have_backslash: bool,
    contents: dict[str, bytes],
) -> None:
    """Adds a change to the tree of ``root``, and what is to be written for it to ``contents``, by id."""
    node = root
    for segment in _target(repository, change, base, may_have_backslash).split(b"/"):
        if node.entry:
            raise _twice(node.path)
        node = node.below.setdefault(segment, _Node())
    if isinstance(change, Delete):
        if node.delete:
            raise _twice(change.path)
        node.delete = True
        return
    if node.entry or node.below:
        raise _twice(change.path)
    node.path = change.path
    node.entry = (
        _blob(repository, change, contents)
        if isinstance(change, AddBlob)
        else _copied(repository, change, base)
    )


def _target(
    repository: pygit2.Repository, change: Change, base: str | None, may_have_backslash: bool
) -> bytes:
    """The bytes of the path that a change is for. What is only deleted may have any name that was ever pushed."""
    if not isinstance(change, Delete):
        return check_writable(change.path, may_have_backslash=may_have_backslash)
    if check_readable(change.path) == "":
        raise InvalidInput("Name the file or directory to delete.", code="invalid_path")
    raw = _find(repository, base, change.path)
    if raw is None:
        raise _missing(change.path)
    return raw


def _copied(repository: pygit2.Repository, change: Copy, base: str | None) -> tuple[int, str]:
    raw = _find(repository, base, check_readable(change.source))
    found = lookup(repository, base, raw) if base and raw is not None else None
    if found is None:
        raise _missing(change.source)
    return found


def _find(repository: pygit2.Repository, base: str | None, path: str) -> bytes | None:
    return next((raw for raw in candidates(path) if base and lookup(repository, base, raw)), None)


def _blob(repository: pygit2.Repository, change: AddBlob, contents: dict[str, bytes]) -> tuple[int, str]:
    if change.mode not in (FILE_MODE, EXECUTABLE_MODE):
        raise InvalidInput(f"A file's mode is 100644 or 100755, not {change.mode:o}.", code="invalid_mode")
    if isinstance(change.content, bytes):
        new = blob_id(change.content)
        contents[new] = change.content
        return change.mode, new
    if kind_of(repository, check_id(change.content)) != "blob":
        raise InvalidInput(
            f"There is no blob {change.content} in this repo.", code="blob_not_found", path=change.path
        )
    return change.mode, change.content


def _tree(repository: pygit2.Repository, base: str | None, node: _Node, prefix: bytes = b"") -> str:
    """Writes the tree that ``node`` makes of the tree ``base``."""
    entries = (
        {name: (mode, object_id) for name, mode, object_id in read_tree(repository, base)} if base else {}
    )
    for name, child in node.below.items():
        changed = _apply(repository, entries.get(name), child, prefix + name)
        if changed:
            entries[name] = changed
        else:
            entries.pop(name, None)
    return _write_tree(repository, entries)


def _apply(
    repository: pygit2.Repository, old: tuple[int, str] | None, node: _Node, path: bytes
) -> tuple[int, str] | None:
    """What stands at ``path`` after the changes of ``node``; None where nothing is left."""
    old_is_directory = old is not None and old[0] == DIRECTORY_MODE
    if node.entry:
        if old is not None and not node.delete and old_is_directory != (node.entry[0] == DIRECTORY_MODE):
            raise _clash(path, "is_directory" if old_is_directory else "is_file")
        return node.entry
    if node.delete:
        old, old_is_directory = None, False
    if not node.below:
        return old
    if old is not None and not old_is_directory:
        raise _clash(path, "is_file")
    tree_id = _tree(repository, old[1] if old else None, node, path + b"/")
    return None if tree_id == _EMPTY_TREE else (DIRECTORY_MODE, tree_id)


def _write_tree(repository: pygit2.Repository, entries: dict[bytes, tuple[int, str]]) -> str:
    """Git sorts the entries as if directories ended with a slash."""
    content = bytearray()
    for name, (mode, object_id) in sorted(
        entries.items(), key=lambda item: item[0] + (b"/" if item[1][0] == DIRECTORY_MODE else b"")
    ):
        content += b"%o %s\0" % (mode, name) + bytes.fromhex(object_id)
    with translated("write a directory"):
        return str(repository.odb.write(ObjectType.TREE, bytes(content)))


def _twice(path: str) -> InvalidInput:
    return InvalidInput(
        f"The changes name {path!a} twice, or as a file and as a directory.",
        code="path_given_twice",
        path=path,
    )


def _missing(path: str) -> Conflict:
    return Conflict(f"There is no {path!a} in the parent commit.", code="path_missing", path=path)


def _clash(path: bytes, code: str) -> Conflict:
    what = "a directory" if code == "is_directory" else "a file"
    return Conflict(
        f"{show(path)!a} is {what} in the parent commit; delete it in the same commit to replace it.",
        code=f"path_{code}",
        path=show(path),
    )
