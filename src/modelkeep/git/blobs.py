"""Single blobs, written before there is a commit that names them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from modelkeep.git.library import check_id, kind_of, open_repository, translated


def has_blob(git_dir: Path, blob_id: str) -> bool:
    """Whether the repository has a blob of this id, named by a commit or not."""
    return kind_of(open_repository(git_dir), check_id(blob_id)) == "blob"


def write_blob(git_dir: Path, content: bytes) -> str:
    """Writes a blob and gives its id. Git removes it some weeks later, unless a commit names it by then."""
    with translated("write a file"):
        return str(open_repository(git_dir).create_blob(content))


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
