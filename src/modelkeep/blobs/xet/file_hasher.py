"""The hash of a file from its chunks, one after another: as :mod:`merkle` gives it, without holding them all."""

from __future__ import annotations

from modelkeep.blobs.xet.hashes import HASH_BYTES, XetHash, node_hash, of_bytes, salted_file_hash
from modelkeep.blobs.xet.merkle import Node

_LEAST = 3
_MOST = 9


class FileHasher:
    """Takes the chunks of a file in order. Holds at most eight nodes of each level of the tree.

    Attributes:
        size: The bytes of the chunks so far.
    """

    def __init__(self) -> None:
        self.size = 0
        self._levels: list[list[Node]] = [[]]

    def add(self, raw: bytes, length: int) -> None:
        """Adds a chunk: its hash, and its length in bytes."""
        self.size += length
        self._add(0, (raw, length))

    def digest(self) -> XetHash:
        """The file's hash. Nothing can be added after it."""
        if not self.size:
            return of_bytes(bytes(HASH_BYTES))
        level = 0
        while level < len(self._levels) - 1 or len(self._levels[level]) > 1:
            if self._levels[level]:
                self._close(level)
            level += 1
        return of_bytes(salted_file_hash(self._levels[level][0][0]))

    def _add(self, level: int, node: Node) -> None:
        if level == len(self._levels):
            self._levels.append([])
        group = self._levels[level]
        group.append(node)
        if len(group) == _MOST or (len(group) >= _LEAST and node[0][24] % 4 == 0):
            self._close(level)

    def _close(self, level: int) -> None:
        """Makes one node of a level's open group."""
        group = self._levels[level]
        self._levels[level] = []
        text = "".join(f"{of_bytes(raw)} : {length}\n" for raw, length in group)
        self._add(level + 1, (node_hash(text.encode("ascii")), sum(length for _, length in group)))
