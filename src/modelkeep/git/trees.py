"""Files and directories of a commit, and the content of blobs. Git LFS pointers count as the files they stand for."""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

import pygit2

from modelkeep.domain.errors import InvalidInput, NotFound, TooLarge, Unavailable
from modelkeep.domain.lfs import POINTER_LIMIT, parse_pointer
from modelkeep.domain.objects import EntryKind, TreeEntry
from modelkeep.git import paths, process
from modelkeep.git.library import check_id, open_repository, read_object
from modelkeep.git.objects import load_commit

MAX_ENTRIES = 1_000_000
"""A recursive listing ends with an error here: a tree of a few kilobytes can name itself 10**9 times."""

DIRECTORY_MODE = 0o040000
FILE_MODE = 0o100644
EXECUTABLE_MODE = 0o100755
SUBMODULE_MODE = 0o160000

_LINK_MODE = 0o120000
_CHUNK = 1 << 20
_ENTRY = re.compile(rb"([^ ]*) ([^\0]*)\0(.{20})", re.DOTALL)
"""Mode, name and id of an entry of a tree."""

RawEntry = tuple[bytes, int, str]
"""Name (or whole path), mode, object id."""


def entry(git_dir: Path, commit_id: str, path: str, *, quarantine: Path | None = None) -> TreeEntry | None:
    """What is at ``path`` in a commit; None where there is nothing. "" is the root directory.

    With ``quarantine``, what a push has brought is seen as well.

    Raises:
        InvalidInput: The path cannot be one.
        NotFound: There is no such commit.
    """
    paths.check_readable(path)
    repository = open_repository(git_dir, quarantine)
    tree_id = load_commit(repository, commit_id).tree_id
    for raw in paths.candidates(path):
        found = lookup(repository, tree_id, raw)
        if found:
            return _entry(repository, path, *found)
    return None


def list_tree(
    git_dir: Path, commit_id: str, path: str = "", recursive: bool = False, limit: int = MAX_ENTRIES
) -> list[TreeEntry]:
    """The entries of a directory of a commit, sorted by path; ``recursive`` gives those below as well.

    Paths are whole, from the root of the repository.

    Raises:
        InvalidInput: The path cannot be one.
        NotFound: There is no such commit or no such directory.
        TooLarge: There are more than ``limit`` entries.
    """
    return describe(git_dir, walk(git_dir, commit_id, path, recursive, limit))


def walk(
    git_dir: Path, commit_id: str, path: str = "", recursive: bool = False, limit: int = MAX_ENTRIES
) -> list[RawEntry]:
    """As :func:`list_tree`, with whole paths as bytes; no blob is looked at, which takes most of the time."""
    paths.check_readable(path)
    repository = open_repository(git_dir)
    start = _directory(repository, load_commit(repository, commit_id).tree_id, path)
    found: list[RawEntry] = []
    waiting = [start]
    while waiting:
        prefix, tree_id = waiting.pop()
        for name, mode, object_id in read_tree(repository, tree_id):
            whole = prefix + name
            found.append((whole, mode, object_id))
            if recursive and mode == DIRECTORY_MODE and len(whole) < paths.MAX_PATH:
                waiting.append((whole + b"/", object_id))
        if len(found) > limit:
            raise TooLarge(
                f"This directory holds more than {limit} files.", code="tree_too_large", limit=limit
            )
    found.sort()
    return found


def describe(git_dir: Path, found: Iterable[RawEntry]) -> list[TreeEntry]:
    """What :func:`walk` found, with the sizes of files and what LFS pointers stand for."""
    repository = open_repository(git_dir)
    return [_entry(repository, paths.show(name), mode, object_id) for name, mode, object_id in found]


def find(git_dir: Path, commit_id: str, wanted: Iterable[str]) -> list[TreeEntry]:
    """What is at these paths in a commit, in their order; those where nothing can be or is are left out.

    Raises:
        NotFound: There is no such commit.
    """
    repository = open_repository(git_dir)
    reader = TreeReader(repository, load_commit(repository, commit_id).tree_id)
    entries = []
    for path in wanted:
        with contextlib.suppress(InvalidInput):
            paths.check_readable(path)
            hit = next((hit for raw in paths.candidates(path) if (hit := reader.at(raw))), None)
            if hit is not None:
                entries.append(_entry(repository, path, *hit))
    return entries


class TreeReader:
    """Looks many paths up below one tree, and reads no tree twice."""

    def __init__(self, repository: pygit2.Repository, root: str) -> None:
        self._repository = repository
        self._root = root
        self._read: dict[str, dict[bytes, tuple[int, str]]] = {}

    def at(self, path: bytes) -> tuple[int, str] | None:
        """Mode and id of what is at ``path`` (b"": the tree itself)."""
        mode, object_id = DIRECTORY_MODE, self._root
        for segment in path.split(b"/") if path else ():
            if mode != DIRECTORY_MODE:
                return None
            if object_id not in self._read:
                entries = read_tree(self._repository, object_id)
                self._read[object_id] = {name: (m, i) for name, m, i in entries}
            found = self._read[object_id].get(segment)
            if found is None:
                return None
            mode, object_id = found
        return mode, object_id


def list_files(
    git_dir: Path, commit_id: str, path: str, limit: int, entries_limit: int = 100_000
) -> tuple[list[TreeEntry], bool]:
    """The first files at or below ``path`` in a commit (links among them), sorted by path; none if nothing is there.

    Returns:
        At most ``limit`` files, and whether that is all. A search through ``entries_limit`` entries is not all either.

    Raises:
        InvalidInput: The path cannot be one.
        NotFound: There is no such commit.
    """
    paths.check_readable(path)
    repository = open_repository(git_dir)
    tree_id = load_commit(repository, commit_id).tree_id
    at = ((raw, lookup(repository, tree_id, raw)) for raw in paths.candidates(path))
    start, (mode, object_id) = next(((raw, found) for raw, found in at if found), (b"", (0, "")))
    waiting = [(start, mode, object_id)] if object_id else []
    files: list[TreeEntry] = []
    while waiting:
        name, mode, object_id = waiting.pop()
        if mode == DIRECTORY_MODE:
            prefix = name + b"/" if name else b""
            below = [(prefix + n, m, i) for n, m, i in read_tree(repository, object_id)]
            entries_limit -= len(below)
            if entries_limit < 0:
                return files, False
            waiting += [each for each in reversed(below) if len(each[0]) < paths.MAX_PATH]
        elif mode != SUBMODULE_MODE:
            if len(files) == limit:
                return files, False
            files.append(_entry(repository, paths.show(name), mode, object_id))
    return files, True


def read_blob(git_dir: Path, blob_id: str, limit: int, *, quarantine: Path | None = None) -> bytes:
    """The content of a blob; with ``quarantine``, of one that a push has brought as well.

    Raises:
        NotFound: There is no such blob.
        TooLarge: It is larger than ``limit`` bytes.
    """
    repository = open_repository(git_dir, quarantine)
    size = _blob_size(repository, blob_id)
    if size is not None and size > limit:
        raise TooLarge(
            f"The file is larger than {limit} bytes.", code="file_too_large", limit=limit, size=size
        )
    return read_object(repository, blob_id, "blob")


def blob_size(git_dir: Path, blob_id: str) -> int:
    """The size of a blob in bytes.

    Raises:
        NotFound: There is no such blob.
    """
    size = _blob_size(open_repository(git_dir), blob_id)
    if size is None:
        raise NotFound(f"There is no blob {blob_id} in this repo.", code="blob_not_found")
    return size


def iter_blob(git_dir: Path, blob_id: str, timeout: float = 3600) -> Generator[bytes, None, None]:
    """The content of a blob in pieces of at most 1 MiB, never whole in this process's memory.

    Close the iterator to stop early.

    Raises:
        NotFound: There is no such blob.
        Unavailable: It could not be read to its end.
    """
    rest = blob_size(git_dir, blob_id)
    with process.stream(["cat-file", "blob", blob_id], git_dir=git_dir, timeout=timeout) as output:
        while piece := output.read(_CHUNK):
            rest -= len(piece)
            yield piece
        if rest:
            raise Unavailable("A file could not be read to its end.", code="git_failed")


def object_ids(
    git_dir: Path, commits: Iterable[str], path: str, *, quarantine: Path | None = None
) -> dict[str, str]:
    """The id of the file or directory at ``path`` in each commit, in which equal content is equal; none where absent.

    Raises:
        InvalidInput: The path cannot be one.
        NotFound: There is no such commit.
    """
    paths.check_readable(path)
    repository = open_repository(git_dir, quarantine)
    found: dict[str, str] = {}
    for commit in commits:
        tree_id = load_commit(repository, commit).tree_id
        at = next((hit for raw in paths.candidates(path) if (hit := lookup(repository, tree_id, raw))), None)
        if at is not None:
            found[commit] = at[1]
    return found


def read_tree(repository: pygit2.Repository, tree_id: str) -> Iterator[RawEntry]:
    """The entries of a tree object in Git's order; modes as Git normalises them.

    Raises:
        NotFound: There is no such tree.
    """
    for found in _raw_entries(repository, tree_id):
        mode, name, object_id = found.groups()
        yield name, _mode(mode), object_id.hex()


def lookup(repository: pygit2.Repository, tree_id: str, path: bytes) -> tuple[int, str] | None:
    """Mode and id of what is at ``path`` (b"": the tree itself) below a tree."""
    mode, object_id = DIRECTORY_MODE, tree_id
    for segment in path.split(b"/") if path else ():
        if mode != DIRECTORY_MODE:
            return None
        found = _child(repository, object_id, segment)
        if found is None:
            return None
        mode, object_id = found
    return mode, object_id


def _child(repository: pygit2.Repository, tree_id: str, name: bytes) -> tuple[int, str] | None:
    """Mode and id of an entry of a tree: by libgit2's search, and one by one where that finds none.

    Trees that old programs sorted wrongly are read to their end that way.
    """
    with contextlib.suppress(KeyError, ValueError, pygit2.GitError):
        found = repository[tree_id].peel(pygit2.Tree)[os.fsdecode(name)]
        return _mode(b"%o" % found.filemode), str(found.id)
    return next(((mode, oid) for entry, mode, oid in read_tree(repository, tree_id) if entry == name), None)


def _raw_entries(repository: pygit2.Repository, tree_id: str) -> Iterator[re.Match[bytes]]:
    """The entries of a tree object, as :data:`_ENTRY` has them, up to the first that is none."""
    position = 0
    for found in _ENTRY.finditer(read_object(repository, tree_id, "tree")):
        if found.start() != position:
            return
        position = found.end()
        yield found


def _directory(repository: pygit2.Repository, tree_id: str, path: str) -> tuple[bytes, str]:
    for raw in paths.candidates(path):
        found = lookup(repository, tree_id, raw)
        if found and found[0] == DIRECTORY_MODE:
            return (raw + b"/" if raw else b""), found[1]
    raise NotFound(f"There is no directory {path[:200]!a} here.", code="path_not_found")


def _entry(repository: pygit2.Repository, path: str, mode: int, object_id: str) -> TreeEntry:
    if mode == DIRECTORY_MODE:
        return TreeEntry(path, EntryKind.DIRECTORY, object_id, mode, None)
    if mode == SUBMODULE_MODE:
        return TreeEntry(path, EntryKind.SUBMODULE, object_id, mode, None)
    size = _blob_size(repository, object_id)
    if mode == _LINK_MODE:
        return TreeEntry(path, EntryKind.LINK, object_id, mode, size)
    if size is not None and size < POINTER_LIMIT:
        pointer = parse_pointer(read_object(repository, object_id, "blob"))
        if pointer:
            return TreeEntry(path, EntryKind.FILE, object_id, mode, pointer.size, pointer.oid, size)
    return TreeEntry(path, EntryKind.FILE, object_id, mode, size)


def _blob_size(repository: pygit2.Repository, blob_id: str) -> int | None:
    try:
        kind, size = repository.odb.read_header(check_id(blob_id))
    except (KeyError, ValueError, OSError, pygit2.GitError):
        return None
    return int(size) if kind == pygit2.enums.ObjectType.BLOB else None


@functools.lru_cache(256)
def _mode(raw: bytes) -> int:
    """Git knows five modes; whatever else old programs wrote is read as the nearest (tree-walk.h, canon_mode)."""
    try:
        mode = int(raw, 8)
    except ValueError:
        return FILE_MODE
    kind = mode & 0o170000
    if kind == 0o100000:
        return EXECUTABLE_MODE if mode & 0o100 else FILE_MODE
    return kind if kind in (DIRECTORY_MODE, _LINK_MODE) else SUBMODULE_MODE
