"""What tests put into a hub's repo that another hub imports from, and how the two are compared."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from modelkeep.db import blobs
from modelkeep.domain.access import Actor
from modelkeep.domain.lfs import Oid, Pointer
from modelkeep.domain.repos import Repo
from modelkeep.git import trees
from modelkeep.server.wiring import Hub as Services
from modelkeep.services.commits import AddFile, DeletePath, Operation
from modelkeep.services.ports import Stores


def commit_files(
    services: Services,
    stores: Stores,
    actor: Actor,
    repo: Repo,
    files: Mapping[str, bytes],
    objects: Mapping[str, bytes] | None = None,
    delete: Sequence[str] = (),
) -> str:
    """Commits files that Git keeps, objects that go through LFS, and deletions; gives the commit."""
    operations: list[Operation] = [AddFile(path, content) for path, content in files.items()]
    operations += [DeletePath(path) for path in delete]
    for path, content in (objects or {}).items():
        oid = hashlib.sha256(content).hexdigest()
        writer = stores.blobs.begin(oid, len(content))
        writer.write(content)
        writer.commit()
        with stores.database.write() as tx:
            blobs.record_blob_and_link(tx, oid, len(content), repo.id, actor.user_id, stores.now())
        operations.append(AddFile(path, lfs=Pointer(Oid(oid), len(content))))
    return services.commits.commit(actor, repo.place, repo.name, operations, "Change")[1].id


def tree_of(stores: Stores, repo_id: str, commit: str) -> list[tuple[str, str, str | None]]:
    """Path, Git's id and LFS oid of all that a commit has."""
    entries = trees.list_tree(stores.repositories.path(repo_id), commit, recursive=True)
    return [(entry.path, entry.id, entry.lfs_oid) for entry in entries]


def stored(folder: Path, oid: str) -> bytes:
    """The bytes of a blob as they lie in a hub's folder of blobs."""
    return (folder / "sha256" / oid[:2] / oid).read_bytes()
