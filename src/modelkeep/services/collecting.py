"""Removing what no repo can reach: blobs without a link, recipes and files without a blob, xorbs without a recipe.

Nothing is removed before it has been of no use for the time of grace: a client that has asked whether the hub has
something takes its word for weeks, and a repo that was deleted can be restored. What is removed is proved to be out of
reach while nobody can link it (:meth:`modelkeep.blobs.store.BlobStore.collecting`). A crash leaves files that the next
round finds.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from modelkeep.blobs.xet.hashes import XetHash
from modelkeep.db import blobs, xet
from modelkeep.domain.access import Actor
from modelkeep.services.access import require_hub_admin
from modelkeep.services.ports import Rules, Stores

T = TypeVar("T")

_BATCH = 200


@dataclass(frozen=True, slots=True)
class Collected:
    """What was removed, or would be: how many blobs and xorbs, and the bytes that this frees on disk."""

    blobs: int = 0
    xorbs: int = 0
    freed: int = 0


class Collecting:
    """Collects garbage."""

    def __init__(self, stores: Stores, rules: Rules) -> None:
        self._stores = stores
        self._rules = rules

    def collect_as(self, actor: Actor, *, is_dry: bool = False) -> Collected:
        """Like :meth:`collect`, for an administrator of the hub.

        Raises:
            NotPermitted: The actor is none.
        """
        require_hub_admin(actor)
        return self.collect(is_dry=is_dry)

    def collect(self, *, is_dry: bool = False) -> Collected:
        """Removes what is out of reach and was of no use for the time of grace; ``is_dry`` only counts it."""
        gone = set(self._unlinked_blobs(is_dry=is_dry))
        gone.update(self._orphans(gone, is_dry=is_dry))
        freed = sum(size for _, size in gone)
        oids = {oid for oid, _ in gone}
        xorbs = list(self._unused_xorbs(oids, is_dry=is_dry))
        return Collected(len(oids), len(xorbs), freed + sum(size for _, size in xorbs))

    def _unlinked_blobs(self, *, is_dry: bool) -> Iterator[tuple[str, int]]:
        """Blobs that are recorded and held by no repo; gives each with the bytes of its file."""
        before = self._stores.now() - self._rules.storage_grace
        with self._stores.database.read() as tx:
            candidates = [oid for oid, _ in blobs.unlinked(tx, before, limit=1_000_000)]
        for some in _batches(candidates):
            if is_dry:
                yield from [(oid, self._bytes_of(oid)) for oid in some]
                continue
            with self._stores.blobs.collecting():
                with self._stores.database.write() as tx:
                    forgotten = blobs.forget_unlinked(tx, some)
                yield from [self._delete(oid) for oid in forgotten]

    def _orphans(self, gone: set[tuple[str, int]], *, is_dry: bool) -> Iterator[tuple[str, int]]:
        """Blobs in the store that are not recorded: what a crash left behind."""
        known = {oid for oid, _ in gone}
        for some in _batches(self._stores.blobs.iter_oids()):
            old = [oid for oid in some if oid not in known and self._is_old(oid)]
            if not old:
                continue
            with self._stores.blobs.collecting():
                with self._stores.database.read() as tx:
                    recorded = blobs.recorded(tx, old)
                orphans = [oid for oid in old if oid not in recorded]
                yield from [(oid, self._bytes_of(oid)) if is_dry else self._delete(oid) for oid in orphans]

    def _unused_xorbs(self, gone: set[str], *, is_dry: bool) -> Iterator[tuple[XetHash, int]]:
        """Xorbs that no recipe names. Whoever makes a recipe of one touches it first, so it is not old then."""
        used = self._xorbs_of_recipes(gone)
        store = self._stores.blobs.xorbs
        for some in _batches(store.iter_hashes()):
            unused = [xorb for xorb in some if xorb not in used and self._is_aged(store.age(xorb))]
            if not unused:
                continue
            if is_dry:
                yield from [(xorb, self._size_of(xorb)) for xorb in unused]
                continue
            with self._stores.blobs.collecting():
                still = [xorb for xorb in unused if self._is_aged(store.age(xorb))]
                with self._stores.database.write() as tx:
                    xet.forget_xorbs(tx, still)
                sizes = [(xorb, self._size_of(xorb)) for xorb in still]
                for xorb in still:
                    store.delete(xorb)
            yield from sizes

    def _xorbs_of_recipes(self, gone: set[str]) -> set[XetHash]:
        recipes = self._stores.blobs.recipes
        found: set[XetHash] = set()
        for oid in recipes.iter_oids():
            recipe = recipes.get(oid) if oid not in gone else None
            if recipe is not None:
                found.update(term.xorb for term in recipe.terms)
        return found

    def _delete(self, oid: str) -> tuple[str, int]:
        size = self._bytes_of(oid)
        self._stores.blobs.delete(oid)
        return oid, size

    def _bytes_of(self, oid: str) -> int:
        """The bytes of a blob's own files; its xorbs are not counted."""
        return sum(stat.st_size for stat in self._stores.blobs.stats(oid))

    def _is_old(self, oid: str) -> bool:
        stats = self._stores.blobs.stats(oid)
        return bool(stats) and self._is_aged(time.time() - max(stat.st_mtime for stat in stats))

    def _is_aged(self, seconds: float | None) -> bool:
        return seconds is not None and seconds >= self._rules.storage_grace.total_seconds()

    def _size_of(self, xorb: XetHash) -> int:
        # Of the file, not by its index: a damaged one is to go, too.
        path = self._stores.blobs.xorbs.path(xorb)
        return path.stat().st_size if path is not None else 0


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch
