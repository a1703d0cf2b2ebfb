"""A client of the Xet store that says what it is told, and shards made by hand."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from modelkeep.blobs.xet.hashes import XetHash, chunk_hash, of_bytes, to_bytes, verification_hash
from modelkeep.blobs.xet.merkle import file_hash
from modelkeep.blobs.xet.shard_format import BOOKEND, HEADER, RECORD, SHARD_TAG
from tests.support.hub import Hub, HubRepo
from tests.support.xorbs import PLAIN, nodes_of, pack

_FILE = struct.Struct("<32sIIQ")
_WITH_VERIFICATION, _WITH_SHA256 = 1 << 31, 1 << 30


@dataclass(frozen=True)
class Xorb:
    """A xorb with its content."""

    chunks: Sequence[bytes]
    hash: XetHash = field(init=False)
    data: bytes = field(init=False)

    def __post_init__(self) -> None:
        name, data = pack(self.chunks, PLAIN)
        object.__setattr__(self, "hash", name)
        object.__setattr__(self, "data", data)


Part = tuple[Xorb, int, int]
"""Chunks of a xorb: from the first up to, not including, the last."""


def content_of(parts: Sequence[Part]) -> bytes:
    """The bytes of a file."""
    return b"".join(chunk for xorb, first, stop in parts for chunk in xorb.chunks[first:stop])


def file_hash_of(parts: Sequence[Part]) -> XetHash:
    """The Xet hash of a file."""
    return file_hash(nodes_of([chunk for xorb, first, stop in parts for chunk in xorb.chunks[first:stop]]))


def file_block(parts: Sequence[Part], **lies: Any) -> bytes:
    """A file in a shard. ``lies`` replace what is true: ``name``, ``count``, ``lengths``, ``proof``, ``sha256``."""
    chunks = [list(xorb.chunks[first:stop]) for xorb, first, stop in parts]
    lengths = lies.get("lengths") or [sum(map(len, some)) for some in chunks]
    sha256 = lies.get("sha256", hashlib.sha256(content_of(parts)).hexdigest())
    has_proof = lies.get("proof", True)
    flags = (_WITH_VERIFICATION if has_proof is not None else 0) | (_WITH_SHA256 if sha256 else 0)
    name = to_bytes(lies.get("name") or file_hash_of(parts))
    block = _FILE.pack(name, flags, lies.get("count", len(parts)), 0)
    for (xorb, first, stop), length in zip(parts, lengths, strict=True):
        block += RECORD.pack(to_bytes(xorb.hash), 0, length, *lies.get("chunks", (first, stop)))
    if has_proof is not None:
        for some in chunks:
            proof = verification_hash([chunk_hash(chunk) for chunk in some])
            block += (proof if has_proof is True else bytes(32)) + bytes(16)
    return block + (to_bytes(XetHash(sha256)) + bytes(16) if sha256 else b"")


def xorb_block(xorb: Xorb, count: int | None = None) -> bytes:
    """A xorb in a shard."""
    size = sum(map(len, xorb.chunks))
    block = RECORD.pack(to_bytes(xorb.hash), 0, count or len(xorb.chunks), size, len(xorb.data))
    start = 0
    for chunk in xorb.chunks:
        block += RECORD.pack(chunk_hash(chunk), start, len(chunk), 0, 0)
        start += len(chunk)
    return block


def shard(files: Sequence[bytes], xorbs: Sequence[bytes] = ()) -> bytes:
    """A shard of blocks."""
    return HEADER.pack(SHARD_TAG, 2, 0) + b"".join((*files, BOOKEND, *xorbs, BOOKEND))


class XetClient:
    """Speaks to the Xet store of a hub for one person and one repo.

    Args:
        hub: The hub.
        repo: The repo.
        secret: A token of the hub; None for nobody.
        right: ``read`` or ``write``; with ``create_pr`` for a pull request.
    """

    def __init__(
        self, hub: Hub, repo: HubRepo, secret: str | None, right: str = "write", *, create_pr: bool = False
    ) -> None:
        path = f"/api/models/{repo.full_name}/xet-{right}-token/main"
        answer = hub.request("GET", path, secret, params={"create_pr": "1"} if create_pr else {})
        assert answer.status_code == 200, answer.text
        self.http = hub.http
        self.token = answer.json()["accessToken"]
        self.cas = answer.json()["casUrl"]

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.http.request(method, f"{self.cas}{path}", headers=headers, **options)

    def send_xorb(self, xorb: Xorb, data: bytes | None = None) -> httpx.Response:
        content = xorb.data if data is None else data
        return self.request("POST", f"/v1/xorbs/default/{xorb.hash}", content=content)

    def send_shard(self, data: bytes) -> httpx.Response:
        """Version 1: the status says how it went."""
        return self.request("POST", "/v1/shards", content=data)

    def send_shard_told(self, data: bytes) -> list[dict[str, Any]]:
        """Version 2: the frames."""
        answer = self.request("POST", "/v2/shards", content=data)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    def send_file(self, parts: Sequence[Part]) -> str:
        """Sends a file with its xorbs; gives its oid."""
        xorbs = {xorb.hash: xorb for xorb, _, _ in parts}.values()
        for xorb in xorbs:
            assert self.send_xorb(xorb).status_code == 200
        answer = self.send_shard(shard([file_block(parts)], [xorb_block(xorb) for xorb in xorbs]))
        assert answer.json() == {"result": 1}, answer.text
        return hashlib.sha256(content_of(parts)).hexdigest()

    def plan(self, name: str, byte_range: str | None = None, version: int = 2) -> httpx.Response:
        headers = {"Range": byte_range} if byte_range else {}
        return self.request("GET", f"/v{version}/reconstructions/{name}", headers=headers)

    def has_chunk(self, chunk: bytes) -> bool:
        answer = self.request("GET", f"/v1/chunks/default/{of_bytes(chunk_hash(chunk))}")
        assert answer.status_code in (200, 404), answer.text
        return answer.status_code == 200
