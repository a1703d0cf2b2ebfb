"""Where a xorb's chunks are: their hashes, and where each ends, packed and unpacked.

It is stored as the footer that the Xet protocol has for this, so that other programs find a whole xorb.
"""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_right
from dataclasses import dataclass

from modelkeep.blobs.xet.hashes import HASH_BYTES, XetHash, of_bytes, to_bytes
from modelkeep.blobs.xet.merkle import xorb_hash
from modelkeep.blobs.xet.xorb_format import FOOTER_MAGIC, HEADER_BYTES, MAX_CHUNKS, invalid_xorb

_NUMBER = "I" if array("I").itemsize == 4 else "L"
_HASHES = struct.Struct("<7sBI")
_ENDS = struct.Struct("<7sBI")
_TRAILER = struct.Struct("<III16xI")
_HEAD_BYTES = len(FOOTER_MAGIC) + 1 + HASH_BYTES
_FIXED_BYTES = _HEAD_BYTES + _HASHES.size + _ENDS.size + _TRAILER.size
_BYTES_OF_CHUNK = HASH_BYTES + 8

MAX_FOOTER_BYTES = _FIXED_BYTES + MAX_CHUNKS * _BYTES_OF_CHUNK + 4096
LENGTH_BYTES = 4
"""A xorb with a footer ends with the footer's length, which does not count these bytes."""


@dataclass(frozen=True, slots=True)
class XorbIndex:
    """A xorb's chunks.

    Attributes:
        hash: The xorb's hash.
        hashes: The hashes of the chunks, 32 bytes each.
        unpacked_ends: For each chunk how many unpacked bytes there are up to its end.
        packed_ends: For each chunk where its packed form ends in the xorb.
    """

    hash: XetHash
    hashes: bytes
    unpacked_ends: array[int]
    packed_ends: array[int]

    @property
    def count(self) -> int:
        """How many chunks there are."""
        return len(self.unpacked_ends)

    @property
    def unpacked_size(self) -> int:
        """The length of all chunks in bytes."""
        return self.unpacked_ends[-1]

    @property
    def packed_size(self) -> int:
        """The length of the xorb in bytes, without a footer."""
        return self.packed_ends[-1]

    def chunk_hash(self, number: int) -> bytes:
        """Returns the hash of a chunk."""
        return self.hashes[HASH_BYTES * number : HASH_BYTES * (number + 1)]

    def chunk(self, number: int) -> tuple[bytes, int]:
        """Returns the hash and the unpacked length of a chunk."""
        start, stop = self.unpacked_range(number, number + 1)
        return self.chunk_hash(number), stop - start

    def chunks(self, first: int = 0, stop: int | None = None) -> list[tuple[bytes, int]]:
        """Returns hash and unpacked length of the chunks ``first`` up to, not including, ``stop``."""
        return [self.chunk(number) for number in range(first, self.count if stop is None else stop)]

    def unpacked_range(self, first: int, stop: int) -> tuple[int, int]:
        """Returns where the chunks ``first`` up to ``stop`` start and end in the unpacked bytes."""
        return _range(self.unpacked_ends, first, stop)

    def packed_range(self, first: int, stop: int) -> tuple[int, int]:
        """Returns where the chunks ``first`` up to ``stop`` start and end in the xorb."""
        return _range(self.packed_ends, first, stop)

    def run_end(self, first: int, stop: int, limit: int) -> int:
        """Returns up to which chunk, at most ``stop``, one reads from ``first`` within ``limit`` packed bytes."""
        room = self.packed_range(first, first)[1] + limit
        return min(max(bisect_right(self.packed_ends, room), first + 1), stop)

    def chunk_at(self, offset: int) -> int:
        """Returns the number of the chunk that has the unpacked byte at ``offset``."""
        return bisect_right(self.unpacked_ends, offset)


def _range(ends: array[int], first: int, stop: int) -> tuple[int, int]:
    return ends[first - 1] if first else 0, ends[stop - 1] if stop else 0


def build_index(chunks: list[tuple[bytes, int, int]]) -> XorbIndex:
    """Makes the index, and computes the hash, of a xorb from hash, unpacked and packed end of each chunk."""
    hashes = b"".join([raw for raw, _, _ in chunks])
    unpacked = array(_NUMBER, [end for _, end, _ in chunks])
    packed = array(_NUMBER, [end for _, _, end in chunks])
    index = XorbIndex(XetHash(""), hashes, unpacked, packed)
    return XorbIndex(xorb_hash(index.chunks()), hashes, unpacked, packed)


def format_footer(index: XorbIndex) -> bytes:
    """Writes the footer, with its length behind it."""
    after_head = _HASHES.size + len(index.hashes)
    ends = index.count * 8
    body = b"".join(
        (
            FOOTER_MAGIC + b"\x01" + to_bytes(index.hash),
            _HASHES.pack(b"XBLBHSH", 0, index.count),
            index.hashes,
            _ENDS.pack(b"XBLBBND", 1, index.count),
            _little_endian(index.packed_ends),
            _little_endian(index.unpacked_ends),
        )
    )
    until_end = _TRAILER.size - LENGTH_BYTES
    trailer = _TRAILER.pack(
        index.count,
        after_head + _ENDS.size + ends + until_end,
        _ENDS.size + ends + until_end,
        len(body) + until_end,
    )
    return body + trailer


def footer_size(count: int) -> int:
    """Returns the length of the footer of ``count`` chunks, with its length behind it."""
    return _FIXED_BYTES + count * _BYTES_OF_CHUNK


def parse_footer(data: bytes, expected: XetHash) -> XorbIndex:
    """Reads a footer written by :func:`format_footer`.

    What it says of the chunks is proved by the xorb's hash, which is computed again.

    Raises:
        InvalidInput: It is no such footer, or that of another xorb (``invalid_xorb``).
    """
    count = (len(data) - _FIXED_BYTES) // _BYTES_OF_CHUNK
    if not 0 < count <= MAX_CHUNKS or footer_size(count) != len(data):
        raise invalid_xorb("its footer has a wrong length")
    hashes_at = _HEAD_BYTES + _HASHES.size
    ends_at = hashes_at + count * HASH_BYTES + _ENDS.size
    middle = ends_at + 4 * count
    index = XorbIndex(
        expected,
        data[hashes_at : hashes_at + count * HASH_BYTES],
        _numbers(data[middle : middle + 4 * count]),
        _numbers(data[ends_at:middle]),
    )
    is_rising = _rises(index.unpacked_ends, 1) and _rises(index.packed_ends, HEADER_BYTES + 1)
    if not is_rising or format_footer(index) != data or xorb_hash(index.chunks()) != expected:
        raise invalid_xorb("its footer does not fit it")
    return index


def check_foreign_footer(data: bytes, expected: XetHash) -> None:
    """Checks that what follows a sender's chunks is a footer of that xorb, of whatever version.

    Raises:
        InvalidInput: It is something else (``invalid_xorb``).
    """
    length = len(data) - LENGTH_BYTES
    has_frame = length >= _HEAD_BYTES and data.startswith(FOOTER_MAGIC)
    if not has_frame or int.from_bytes(data[length:], "little") != length:
        raise invalid_xorb("what follows its chunks is no footer")
    if of_bytes(data[len(FOOTER_MAGIC) + 1 : _HEAD_BYTES]) != expected:
        raise invalid_xorb("its footer names another xorb")


def _rises(ends: array[int], least: int) -> bool:
    last = 0
    for end in ends:
        if end - last < least:
            return False
        last = end
    return True


def _numbers(data: bytes) -> array[int]:
    numbers = array(_NUMBER, data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _little_endian(numbers: array[int]) -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()
