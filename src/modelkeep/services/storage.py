"""How much room repos, versions and the hub take, and what sharing chunks saves."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from modelkeep.blobs.xet.hashes import parse_hash
from modelkeep.db import blobs
from modelkeep.db import registry as registry_index
from modelkeep.domain.access import Actor
from modelkeep.domain.errors import ModelkeepError
from modelkeep.domain.objects import EntryKind
from modelkeep.domain.registry import VersionRow
from modelkeep.domain.storage import HubStorage, RepoStorage, Span, Stock, StoredFile, VersionStorage
from modelkeep.git import trees
from modelkeep.services.access import find_repo, require_hub_admin
from modelkeep.services.ports import Stores


class Storage:
    """Counts bytes. Nothing is kept: it is as true as the moment, and may take seconds for a large repo."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def of_repo(self, actor: Actor, namespace: str, name: str) -> RepoStorage:
        """What a repo takes, and what each of its versions added.

        Raises:
            NotFound: There is no such repo.
        """
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            held = blobs.all_linked(tx, repo.id)
            versions = registry_index.versions_by_time(tx, repo.id)
        git_dir = self._stores.repositories.path(repo.id)
        return RepoStorage(
            repo=repo.address,
            files=len(held),
            logical=sum(held.values()),
            stored=Stock(self._measure).add(self._file(oid, size) for oid, size in held.items()),
            git=self._stores.repositories.size_bytes(repo.id),
            versions=tuple(self._versions(git_dir, versions)),
        )

    def of_hub(self, actor: Actor) -> HubStorage:
        """What all repos take.

        Raises:
            NotPermitted: The actor is no administrator of the hub.
        """
        require_hub_admin(actor)
        with self._stores.database.read() as tx:
            count, logical = blobs.total(tx)
        whole = sum(self._whole_size(oid) for oid in self._stores.blobs.iter_oids())
        packed = [
            index.packed_size
            for index in map(self._stores.blobs.xorbs.index, self._stores.blobs.xorbs.iter_hashes())
            if index is not None
        ]
        return HubStorage(count, logical, whole, len(packed), sum(packed))

    def _versions(self, git_dir: Path, versions: Iterable[VersionRow]) -> Iterable[VersionStorage]:
        stock = Stock(self._measure)
        for version in versions:
            try:
                files = list(self._files_at(git_dir, version.commit))
            except ModelkeepError:  # its commit cannot be read: doctor says so
                continue
            yield VersionStorage(
                version.artifact,
                version.version,
                version.commit,
                files=len(files),
                size=sum(file.size for file in files),
                added=stock.add(files),
            )

    def _files_at(self, git_dir: Path, commit: str) -> Iterable[StoredFile]:
        for entry in trees.list_tree(git_dir, commit, recursive=True):
            if entry.kind is not EntryKind.FILE:
                continue
            if entry.lfs_oid is not None:
                yield self._file(entry.lfs_oid, entry.size or 0)
            else:
                yield StoredFile(entry.id, entry.size or 0)

    def _file(self, oid: str, size: int) -> StoredFile:
        recipe = self._stores.blobs.recipes.get(oid) if self._stores.blobs.path(oid) is None else None
        if recipe is None:
            return StoredFile(oid, size)
        return StoredFile(oid, size, tuple(Span(term.xorb, term.first, term.stop) for term in recipe.terms))

    def _measure(self, xorb: str, first: int, stop: int) -> int:
        index = self._stores.blobs.xorbs.index(parse_hash(xorb))
        if index is None:
            return 0
        start = index.packed_ends[first - 1] if first else 0
        return index.packed_ends[stop - 1] - start

    def _whole_size(self, oid: str) -> int:
        path = self._stores.blobs.path(oid)
        return path.stat().st_size if path is not None else 0
