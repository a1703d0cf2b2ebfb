"""A digest of a repo's refs that follows single changes, to tell whether an index still says what Git says.

It is the sum of the hashes of all refs modulo 2^256, so the order does not count and a ref that is added,
moved or removed costs two additions, not a pass over all. It tells of a lagging index, not of forgery.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

_MODULUS = 1 << 256

EMPTY = bytes(32)
"""The digest of a repo without refs."""


def ref_hash(name: str, target: str) -> int:
    """The hash of one ref: BLAKE2b-256 of its full name, a NUL and the id it points to, as a number."""
    content = f"{name}\0{target}".encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(content, digest_size=32).digest(), "big")


def moved(digest: bytes, *, removed: Iterable[tuple[str, str]], added: Iterable[tuple[str, str]]) -> bytes:
    """The digest after refs (name, target) went and came; a moved one does both.

    Args:
        digest: The digest before, 32 bytes, big-endian.
        removed: The refs as they were.
        added: The refs as they are.
    """
    total = int.from_bytes(digest, "big")
    total -= sum(ref_hash(name, target) for name, target in removed)
    total += sum(ref_hash(name, target) for name, target in added)
    return (total % _MODULUS).to_bytes(32, "big")


def digest_of(refs: Iterable[tuple[str, str]]) -> bytes:
    """The digest of all refs (name, target) of a repo."""
    return moved(EMPTY, removed=(), added=refs)
