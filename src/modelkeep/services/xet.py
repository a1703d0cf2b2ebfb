"""The Xet store as its clients see it: xorbs come in, chunks are asked for, files are read in ranges.

Nothing of what another tenant holds shows here, not even that it is there. Every call blocks for a short time only.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelkeep.blobs.ports import BlobReader
from modelkeep.blobs.xet.dedup_shard import build_dedup_shard
from modelkeep.blobs.xet.hashes import HASH_BYTES, XetHash, parse_hash
from modelkeep.blobs.xet.xorb_format import MAX_XORB_BYTES
from modelkeep.blobs.xet.xorb_index import MAX_FOOTER_BYTES, XorbIndex
from modelkeep.blobs.xet.xorb_writer import XorbWriter
from modelkeep.db import xet
from modelkeep.domain.errors import InvalidInput, NotFound, NotPermitted
from modelkeep.services.ports import Rules, Stores
from modelkeep.services.xet_reconstruction import Reconstruction, reconstruct
from modelkeep.services.xet_seals import Seals
from modelkeep.services.xet_tokens import Right, XetAccess, XetTokens

MOST_XORB_BYTES = MAX_XORB_BYTES + MAX_FOOTER_BYTES
KNOWN_SECONDS = 7 * 86_400
"""How long clients remember what they were told of chunks: much shorter than unused xorbs are kept."""

_MOST_XORBS_TOLD = 16
_SLOWEST = 256 * 1024
_GRANT_ID = 16
_GRANT_VALUES = 3
_SPAN_VALUES = 2


@dataclass(frozen=True, slots=True)
class Grant:
    """That a xorb may be sent to an address without any header.

    Attributes:
        id: Its name.
        text: What the address carries.
    """

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class XorbBytes:
    """Bytes of a xorb that somebody may read: ``size`` bytes in all, at ``path`` from its first byte on.

    ``spans`` are those that the address opens, each from a first byte up to, not including, a last.
    """

    xorb: str
    size: int
    path: Path
    spans: tuple[tuple[int, int], ...]


class Xet:
    """Xorbs, chunks and files of the Xet store."""

    def __init__(self, stores: Stores, rules: Rules, tokens: XetTokens) -> None:
        self._stores = stores
        self._rules = rules
        self._tokens = tokens
        self._seals = Seals(stores)

    def begin_xorb(self, access: XetAccess, xorb: str) -> XorbWriter:
        """Starts receiving a xorb; end it with :meth:`commit_xorb`, or abort the writer.

        Raises:
            InvalidInput: ``xorb`` is no hash.
            NotPermitted: The token is for reading.
        """
        access.require_write()
        return self._stores.blobs.xorbs.begin(parse_hash(xorb))

    def commit_xorb(self, access: XetAccess, writer: XorbWriter) -> bool:
        """Keeps a xorb that was received, and lets the tenant build files from it; False where it could before.

        Raises:
            InvalidInput: The bytes are no xorb, or not the one that the hash names; nothing is kept.
        """
        index, _ = writer.commit()
        with self._stores.database.write() as tx:
            return xet.link_xorb(tx, access.tenant, index.hash, index.packed_size, self._stores.now())

    def grant(self, access: XetAccess, xorb: str, length: int) -> Grant | None:
        """Lets a client send a xorb of ``length`` bytes past the store's own door; None where the tenant has it.

        Raises:
            InvalidInput: ``xorb`` is no hash.
            NotPermitted: The token is for reading.
        """
        access.require_write()
        if self._holds(access, parse_hash(xorb)):
            return None
        lifetime = self._rules.url_lifetime.total_seconds() + length / _SLOWEST
        text = self._seals.seal(
            "grant", access.holder, [xorb, length, access.right.value], self._seals.deadline(lifetime)
        )
        return Grant(text.rpartition(".")[2][:_GRANT_ID], text)

    def use_grant(self, text: str, scope: str, xorb: str, address: str, length: int | None) -> XetAccess:
        """Who sends a xorb by a grant; go on with :meth:`begin_xorb`.

        Raises:
            NotPermitted: The grant is over or not ours, or its holder may not write any more.
            InvalidInput: The request has another length than the grant.
        """
        holder, values = self._seals.open("grant", text)
        if len(values) != _GRANT_VALUES or values[0] != xorb:
            raise NotPermitted("This URL is for another xorb.", code="forged_url")
        if length is not None and length != values[1]:
            raise InvalidInput(
                f"The grant is for {values[1]} bytes, the request has {length}.", code="size_mismatch"
            )
        return self._tokens.access(holder, Right(values[2]), scope, address)

    def require_xorb(self, access: XetAccess, xorb: str) -> None:
        """Says whether the tenant holds a xorb that was sent by a grant.

        Raises:
            NotFound: It does not; send it again.
        """
        access.require_write()
        if not self._holds(access, parse_hash(xorb)):
            raise NotFound("This xorb was not received; send it again.", code="xorb_missing")

    def chunk(self, access: XetAccess, chunk: str) -> bytes | None:
        """A shard that describes a xorb of the tenant with this chunk, and some sent with it; None where none has it.

        Raises:
            InvalidInput: ``chunk`` is no hash.
            NotPermitted: The token is for reading.
        """
        access.require_write()
        sought = parse_hash(chunk)
        with self._stores.database.read() as tx:
            near = xet.xorbs_near(tx, access.tenant, sought, _MOST_XORBS_TOLD)
        xorbs = self._present(near)
        if not xorbs:
            return None
        now = int(self._stores.now().timestamp())
        return build_dedup_shard(xorbs, secrets.token_bytes(HASH_BYTES), now, now + KNOWN_SECONDS)

    def reconstruction(
        self, access: XetAccess, file_hash: str, first: int, last: int | None
    ) -> Reconstruction:
        """How to build the bytes ``first`` to ``last`` (inclusive; None for the end) of a file of the token's repo.

        Raises:
            NotFound: The repo holds no such file, or it was never sent as xorbs.
            InvalidInput: ``file_hash`` is no hash, or the file ends before ``first`` (``range_not_satisfiable``).
        """
        sought = parse_hash(file_hash)
        with self._stores.database.read() as tx:
            held = xet.blob_of_file(tx, access.repo.id, sought)
        recipe = self._stores.blobs.recipe(held[0]) if held is not None else None
        if recipe is None:
            raise NotFound("This repo has no such file in the Xet store.", code="xet_file_missing")
        return reconstruct(recipe, self._stores.blobs.xorbs.index, first, last)

    def seal_spans(self, access: XetAccess, xorb: str, spans: Sequence[tuple[int, int]]) -> str:
        """What an address carries that opens these bytes of a xorb, each up to, not including, the last, no others."""
        flat = [number for span in spans for number in span]
        deadline = self._seals.deadline(self._rules.url_lifetime.total_seconds())
        return self._seals.seal("bytes", access.holder, [xorb, flat], deadline)

    def open_spans(self, text: str, scope: str, xorb: str, address: str) -> XorbBytes:
        """The bytes that an address opens.

        Raises:
            NotPermitted: It is over or not ours, or its holder may not read the repo any more.
            NotFound: The xorb is gone.
        """
        holder, values = self._seals.open("bytes", text)
        if len(values) != _SPAN_VALUES or values[0] != xorb:
            raise NotPermitted("This URL is for another xorb.", code="forged_url")
        self._tokens.access(holder, Right.READ, scope, address)
        found = XetHash(values[0])
        index, path = self._stores.blobs.xorbs.index(found), self._stores.blobs.xorbs.path(found)
        if index is None or path is None:
            raise NotFound("The bytes of this xorb are not here.", code="xorb_missing")
        flat = values[1]
        return XorbBytes(xorb, index.packed_size, path, tuple(zip(flat[::2], flat[1::2], strict=True)))

    def open_bytes(self, xorb: str, start: int, stop: int) -> BlobReader:
        """Bytes of a xorb that the caller knows may be read."""
        return self._stores.blobs.xorbs.open_packed(XetHash(xorb), start, stop)

    def is_advertised(self, size: int) -> bool:
        """Whether clients are told to fetch files of this size from the Xet store, if they are there."""
        return size > self._rules.xet_advertise_above

    def hashes(self, oids: Collection[str]) -> dict[str, str]:
        """The Xet hashes of those of these blobs that can be fetched from the Xet store."""
        with self._stores.database.read() as tx:
            known = xet.file_hashes(tx, oids)
        recipes = self._stores.blobs.recipes
        return {oid: value for oid, value in known.items() if recipes.size(oid) is not None}

    def _holds(self, access: XetAccess, xorb: XetHash) -> bool:
        with self._stores.database.read() as tx:
            linked = xet.linked_xorbs(tx, access.tenant, [xorb])
        if not linked or self._stores.blobs.xorbs.index(xorb) is None:
            return False
        self._stores.blobs.xorbs.touch(xorb)
        return True

    def _present(self, xorbs: Sequence[str]) -> list[XorbIndex]:
        found = []
        for xorb in xorbs:
            index = self._stores.blobs.xorbs.index(XetHash(xorb))
            if index is not None:
                self._stores.blobs.xorbs.touch(index.hash)
                found.append(index)
        return found
