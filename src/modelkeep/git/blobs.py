"""Single blobs, written before there is a commit that names them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path

import pygit2
from pygit2.enums import ObjectType

from modelkeep.git.library import check_id, kind_of, open_repository, translated

_FEW = 100
"""Up to so many blobs are written one by one, each forced to disk by itself."""


def has_blob(git_dir: Path, blob_id: str) -> bool:
    """Whether the repository has a blob of this id, named by a commit or not."""
    return kind_of(open_repository(git_dir), check_id(blob_id)) == "blob"


def write_blob(git_dir: Path, content: bytes) -> str:
    """Writes a blob and gives its id. Git removes it some weeks later, unless a commit names it by then."""
    with translated("write a file"):
        return str(open_repository(git_dir).create_blob(content))


def write_blobs(git_dir: Path, contents: Collection[bytes]) -> None:
    """Writes blobs; all are on disk when this returns. Many become one pack, which is forced to disk once."""
    with translated("write files"):
        if len(contents) > _FEW:
            _write_pack(git_dir, contents)
            return
        repository = open_repository(git_dir)
        for content in contents:
            repository.create_blob(content)


def _write_pack(git_dir: Path, contents: Collection[bytes]) -> None:
    new = {blob_id(content): content for content in contents}
    # A handle of its own: nobody else is to find what is in memory only.
    repository = pygit2.Repository(str(git_dir))
    try:
        repository.odb.add_backend(_InMemory(new), 1)
        builder = pygit2.PackBuilder(repository)
        builder.set_threads(1)
        for one in new:
            builder.add(pygit2.Oid(hex=one))
        builder.write(str(git_dir / "objects" / "pack"))
    finally:
        repository.free()


class _InMemory(pygit2.OdbBackend):
    """Blobs by id, for libgit2 to read."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        super().__init__()
        self._contents = contents

    def exists_cb(self, oid: pygit2.Oid) -> bool:
        return str(oid) in self._contents

    def read_cb(self, oid: pygit2.Oid) -> tuple[int, bytes]:
        return ObjectType.BLOB, self._contents[str(oid)]

    def read_header_cb(self, oid: pygit2.Oid) -> tuple[int, int]:
        kind, content = self.read_cb(oid)
        return kind, len(content)

    def refresh_cb(self) -> None:
        pass


def blob_id(content: bytes) -> str:
    """Git's id of a blob."""
    computed = BlobHash(len(content))
    computed.update(content)
    return computed.id()


class BlobHash:
    """Computes Git's id of a blob whose size is known, over content that comes in pieces."""

    def __init__(self, size: int) -> None:
        # Git names objects by SHA-1; nothing relies on it alone for safety.
        self._hash = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)

    def update(self, piece: bytes) -> None:
        """Takes the next piece."""
        self._hash.update(piece)

    def id(self) -> str:
        """The id of what was taken so far."""
        return self._hash.hexdigest()
