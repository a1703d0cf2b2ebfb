"""The LFS pointers that a repository has accepted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pygit2.enums import ObjectType

from modelkeep.domain.lfs import POINTER_LIMIT, Pointer, parse_pointer
from modelkeep.git.library import open_repository, translated


def accepted_pointers(git_dir: Path) -> Iterator[Pointer]:
    """Every pointer among the objects, whether a ref reaches it or not; one may come twice.

    It looks at each object, about 8 µs, and reads the small blobs.

    Raises:
        Unavailable: An object cannot be read.
    """
    with translated("read the objects"):
        objects = open_repository(git_dir).odb
        for object_id in objects:
            kind, size = objects.read_header(object_id)
            if kind == ObjectType.BLOB and size < POINTER_LIMIT:
                pointer = parse_pointer(objects.read(object_id)[1])
                if pointer is not None:
                    yield pointer
