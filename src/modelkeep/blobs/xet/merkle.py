"""The Merkle tree of the Xet protocol, over chunks in order; its root names xorbs and, salted, files.

From level to level a group of neighbours becomes one node. A group ends behind its third or a later child whose hash,
read as a number, is divisible by four; at the latest behind the ninth; and with the level.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelkeep.blobs.xet.hashes import HASH_BYTES, XetHash, node_hash, of_bytes, salted_file_hash

Node = tuple[bytes, int]
"""A hash of 32 bytes, and the length of the content below it in bytes."""

_LEAST = 3
_MOST = 9


def xorb_hash(chunks: Sequence[Node]) -> XetHash:
    """Returns the hash of a xorb from the hashes and lengths of its chunks, in order."""
    return of_bytes(_root(chunks))


def file_hash(chunks: Sequence[Node]) -> XetHash:
    """Returns the hash of a file from the hashes and lengths of all its chunks, in order."""
    return of_bytes(salted_file_hash(_root(chunks)) if chunks else bytes(HASH_BYTES))


def _root(chunks: Sequence[Node]) -> bytes:
    if not chunks:
        return bytes(HASH_BYTES)
    level = chunks
    while len(level) > 1:
        level = _level_above(level)
    return level[0][0]


def _level_above(level: Sequence[Node]) -> list[Node]:
    above: list[Node] = []
    start, count = 0, len(level)
    while start < count:
        stop = _group_end(level, start, count)
        group = level[start:stop]
        text = "".join([f"{of_bytes(raw)} : {length}\n" for raw, length in group])
        above.append((node_hash(text.encode("ascii")), sum([length for _, length in group])))
        start = stop
    return above


def _group_end(level: Sequence[Node], start: int, count: int) -> int:
    latest = min(start + _MOST, count)
    for at in range(start + _LEAST - 1, latest):
        # The hash as a number ends with its last eight bytes, the lowest of them first.
        if level[at][0][24] % 4 == 0:
            return at + 1
    return latest
