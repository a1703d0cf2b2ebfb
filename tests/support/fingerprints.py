"""Everything that a refusal must leave as it was, in a form to compare."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import text

from modelkeep.db import registry
from modelkeep.services.ports import Stores

Fingerprint = dict[str, Any]

_TABLES = {
    "blob_links": "SELECT * FROM blob_links WHERE repo_id = :repo ORDER BY oid",
    "blobs": "SELECT * FROM blobs ORDER BY oid",
    "locks": "SELECT * FROM lfs_locks WHERE repo_id = :repo ORDER BY id",
    "repo": "SELECT * FROM repos WHERE id = :repo",
    "audit": "SELECT count(*) FROM audit WHERE repo_id = :repo",
}


def fingerprint(stores: Stores, repo_id: str, blobs: Path) -> Fingerprint:
    """The repo's files with their content, the blob store's files, the index and the other rows about the repo."""
    found: Fingerprint = {
        "git": dict(_contents(stores.repositories.path(repo_id))),
        "blob files": dict(_files(blobs)),
    }
    with stores.database.read() as tx:
        found["index"] = registry.snapshot(tx, repo_id)
        for name, statement in _TABLES.items():
            found[name] = [tuple(row) for row in tx.execute(text(statement), {"repo": repo_id})]
    return found


def _contents(root: Path) -> Iterator[tuple[str, str]]:
    """Every file with its digest, every directory; but for the lock file, which stays behind empty."""
    for folder, _, names in os.walk(root):
        yield os.path.relpath(folder, root) + "/", ""
        for name in names:
            path = Path(folder, name)
            if name != "modelkeep.lock":
                yield str(path.relative_to(root)), hashlib.sha256(path.read_bytes()).hexdigest()


def _files(root: Path) -> Iterator[tuple[str, tuple[int, int, int]]]:
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            status = path.stat()
            yield str(path.relative_to(root)), (status.st_ino, status.st_size, status.st_mtime_ns)
