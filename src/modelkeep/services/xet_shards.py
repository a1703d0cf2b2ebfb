"""Files made of xorbs: a shard is believed in nothing that can be computed, and kept whole or not at all.

In order: every xorb that it names is the tenant's; it names chunks that are there, and proves that its sender knows
them; the hash of each file follows from its chunks, and its SHA-256 from its bytes. Then the recipes go to the store,
then the rows that make the files visible. A crash between the two leaves recipes that nobody can reach.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from uuid import uuid4

from modelkeep.blobs.xet.hashes import XetHash, of_bytes
from modelkeep.blobs.xet.memo import Memo
from modelkeep.blobs.xet.recipes import Recipe
from modelkeep.blobs.xet.shard_format import Shard, invalid_shard, parse_shard
from modelkeep.blobs.xet.xorb_index import XorbIndex
from modelkeep.db import blobs, xet
from modelkeep.domain.errors import InvalidInput, TooLarge
from modelkeep.services.ports import GIB, Rules, Stores
from modelkeep.services.xet_files import CheckedFile, check_file, missing_xorb, sha256_of
from modelkeep.services.xet_tokens import XetAccess

_REMEMBERED = 10_000
_EVERY = 1024
"""Clients ask about every chunk whose hash, read as a number, is divisible by this, and about the first of a file."""

_WORD = 8


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the hub is: ``verified`` of ``total`` bytes of files; or what it does after that."""

    verified: int
    total: int
    stage: str = ""


class XetShards:
    """Registers the files of shards."""

    def __init__(self, stores: Stores, rules: Rules) -> None:
        self._stores = stores
        self._rules = rules
        self._digests: Memo[str] = Memo(_REMEMBERED)

    def register(self, access: XetAccess, data: bytes) -> Iterator[Progress]:
        """Checks a shard and keeps its files, step by step: before the last step nothing of it can be seen.

        Raises:
            InvalidInput: It is no shard, or says what is not so; nothing of it is kept.
            NotFound: It names a xorb that the tenant has not (``xorb_missing``).
            TooLarge: A file is over the limit.
            NotPermitted: The token is for reading.
        """
        access.require_write()
        shard = parse_shard(data)
        total = shard.file_bytes
        if total > self._rules.max_lfs_object:
            limit = f"{self._rules.max_lfs_object / GIB:g} GiB"
            raise TooLarge(f"The files of a shard have at most {limit} together.", code="file_too_large")
        yield Progress(0, total)
        used = self._require_xorbs(access, shard)
        chunks = yield from self._check_xorbs(shard, total)
        files = yield from self._check_files(shard, total)
        chunks.update(file.first_chunk for file in files if file.first_chunk is not None)
        recipes = yield from self._name_files(files, total)
        for recipe in recipes:
            yield Progress(total, total, "uploading")
            self._store(recipe)
        yield Progress(total, total, "syncing")
        self._record(access, recipes, used, chunks)

    def _require_xorbs(self, access: XetAccess, shard: Shard) -> set[XetHash]:
        """All xorbs that the shard names, which must be the tenant's.

        Where one is not, its clients remember what is no more: that is declared void, so that the next upload works.
        """
        named = {xorb.hash for xorb in shard.xorbs}
        for file in shard.files:
            named.update(term.xorb for term in file.terms)
        with self._stores.database.read() as tx:
            linked = xet.linked_xorbs(tx, access.tenant, named)
        for xorb in sorted(named):
            if xorb not in linked or self._stores.blobs.xorbs.path(xorb) is None:
                with self._stores.database.write() as tx:
                    xet.advance_epoch(tx, access.tenant, access.epoch)
                raise missing_xorb(xorb)
        for xorb in named:
            self._stores.blobs.xorbs.touch(xorb)
        return named

    def _check_xorbs(self, shard: Shard, total: int) -> Generator[Progress, None, set[tuple[str, XetHash]]]:
        """Holds what the shard says of xorbs against the xorbs; gives the chunks that clients ask about."""
        asked: set[tuple[str, XetHash]] = set()
        for xorb in shard.xorbs:
            index = self._index(xorb.hash)
            if list(xorb.chunks) != index.chunks():
                raise invalid_shard(f"it describes the xorb {xorb.hash} as it is not")
            asked.update(
                (of_bytes(raw), index.hash)
                for raw in map(index.chunk_hash, range(index.count))
                if int.from_bytes(raw[-_WORD:], "little") % _EVERY == 0
            )
            yield Progress(0, total)
        return asked

    def _check_files(self, shard: Shard, total: int) -> Generator[Progress, None, list[CheckedFile]]:
        """The files, each once."""
        files: dict[XetHash, CheckedFile] = {}
        for file in shard.files:
            for checked in check_file(file, self._index, self._rules.max_lfs_object):
                yield Progress(0, total)
                if checked is None:
                    continue
                same = files.setdefault(file.file_hash, checked)
                if None not in (same.claimed, checked.claimed) and same.claimed != checked.claimed:
                    raise invalid_shard(f"it gives the file {file.file_hash} two SHA-256")
                files[file.file_hash] = checked if same.claimed is None else same
        return list(files.values())

    def _name_files(self, files: list[CheckedFile], total: int) -> Generator[Progress, None, list[Recipe]]:
        """The recipes with their oids, each computed from the bytes unless that was done before."""
        with self._stores.database.read() as tx:
            known = xet.oids_of_files(tx, [file.recipe.file_hash for file in files])
        recipes, verified = [], 0
        for file in files:
            name = file.recipe.file_hash
            oid = known.get(name) or self._digests.get(name)
            if oid is None:
                oid = yield from self._compute(file.recipe, verified, total)
                self._digests.put(name, oid, 1)
            if file.claimed not in (None, oid):
                raise InvalidInput(
                    f"The file {name} has the SHA-256 {oid}, not {file.claimed}. Nothing of the shard was kept.",
                    code="oid_mismatch",
                    expected=str(file.claimed),
                    actual=oid,
                )
            recipes.append(replace(file.recipe, oid=oid))
            verified += file.recipe.size
            yield Progress(verified, total)
        return recipes

    def _compute(self, recipe: Recipe, verified: int, total: int) -> Generator[Progress, None, str]:
        oid = ""
        for step in sha256_of(recipe, self._stores.blobs.xorbs):
            if isinstance(step, str):
                oid = step
            else:
                verified += step
                yield Progress(verified, total)
        return oid

    def _store(self, recipe: Recipe) -> None:
        """Puts a recipe in its place, unless one is there whose xorbs are all here."""
        blobs_here = self._stores.blobs
        present = blobs_here.recipes.get(recipe.oid)
        if present is not None and present.size == recipe.size:
            xorbs = {term.xorb for term in present.terms}
            if all(blobs_here.xorbs.path(xorb) is not None for xorb in xorbs):
                for xorb in xorbs:
                    blobs_here.xorbs.touch(xorb)
                return
        blobs_here.recipes.put(recipe)

    def _record(
        self,
        access: XetAccess,
        recipes: list[Recipe],
        used: set[XetHash],
        chunks: set[tuple[str, XetHash]],
    ) -> None:
        """Makes the files visible to the repo, and their chunks to the tenant's clients."""
        now, user_id = self._stores.now(), access.actor.user_id
        with self._stores.blobs.using(), self._stores.database.write() as tx:
            for recipe in recipes:
                if self._stores.blobs.stat(recipe.oid) is None:  # collected since
                    self._stores.blobs.recipes.put(recipe)
            for recipe in recipes:
                blobs.record_blob_and_link(tx, recipe.oid, recipe.size, access.repo.id, user_id, now)
            xet.set_file_hashes(tx, [(recipe.oid, recipe.file_hash) for recipe in recipes])
            xet.use_xorbs(tx, access.tenant, used, uuid4().hex, now)
            xet.add_chunks(tx, access.tenant, sorted(chunks))

    def _index(self, xorb: XetHash) -> XorbIndex:
        index = self._stores.blobs.xorbs.index(xorb)
        if index is None:
            raise missing_xorb(xorb)
        return index
