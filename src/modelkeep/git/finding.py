"""Where files are: paths of blobs, and the blobs that point to LFS objects."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pygit2
from pygit2.enums import ObjectType, SortMode

from modelkeep.domain.lfs import POINTER_LIMIT, parse_pointer
from modelkeep.domain.objects import Ref
from modelkeep.git.library import check_id, open_repository, translated
from modelkeep.git.objects import load_commit
from modelkeep.git.paths import show
from modelkeep.git.trees import DIRECTORY_MODE, read_tree


@dataclass(frozen=True, slots=True)
class Finding:
    """A path that a blob has, and a ref that has it there; None where only its history has."""

    path: str
    ref: str | None


def find_blobs(
    git_dir: Path, refs: Sequence[Ref], blob_ids: Collection[str], seconds: float = 5.0
) -> dict[str, Finding]:
    """A path for each of these blobs: in the first of the refs that has it, else in their history.

    A directory that comes again is looked at once. What is not found after ``seconds`` is left out.
    """
    repository = open_repository(git_dir)
    wanted, found, seen = set(blob_ids), dict[str, Finding](), set[str]()
    deadline = time.monotonic() + seconds
    with translated("search the history"):
        for ref, tree in _trees(repository, refs):
            for path, blob_id in _files(repository, tree, seen):
                if blob_id in wanted and blob_id not in found:
                    found[blob_id] = Finding(path, ref)
            if len(found) == len(wanted) or time.monotonic() > deadline:
                break
    return found


def pointers_to(git_dir: Path, oids: Collection[str]) -> frozenset[str]:
    """The ids of all blobs that point to one of these LFS objects, whether a ref reaches them or not."""
    wanted, found = frozenset(oids), set[str]()
    with translated("read the objects"):
        objects = open_repository(git_dir).odb
        for object_id in objects:
            kind, size = objects.read_header(object_id)
            if kind == ObjectType.BLOB and size < POINTER_LIMIT:
                pointer = parse_pointer(objects.read(object_id)[1])
                if pointer is not None and pointer.oid in wanted:
                    found.add(str(object_id))
    return frozenset(found)


def _trees(repository: pygit2.Repository, refs: Sequence[Ref]) -> Iterator[tuple[str | None, str]]:
    tips = [(ref.name, check_id(ref.commit)) for ref in refs if ref.commit is not None]
    for name, commit in tips:
        yield name, load_commit(repository, commit).tree_id
    walk = repository.walk(None, SortMode.TIME)
    for _, commit in tips:
        walk.push(pygit2.Oid(hex=commit))
    for past in walk:
        yield None, str(past.tree_id)


def _files(repository: pygit2.Repository, tree: str, seen: set[str]) -> Iterator[tuple[str, str]]:
    waiting = [(b"", tree)]
    while waiting:
        prefix, tree_id = waiting.pop()
        if tree_id in seen:
            continue
        seen.add(tree_id)
        for name, mode, object_id in read_tree(repository, tree_id):
            if mode == DIRECTORY_MODE:
                waiting.append((prefix + name + b"/", object_id))
            else:
                yield show(prefix + name), object_id
