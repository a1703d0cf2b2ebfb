"""Shards as the hub answers them: which chunks some xorbs have, for whoever has those chunks already.

The hashes of chunks are keyed, so that the answer names no chunk to somebody who does not have it. The tables by which
a client finds a chunk must be there, though the specification calls their places reserved: without them clients end.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from modelkeep.blobs.xet.hashes import HASH_BYTES, keyed_hash, to_bytes
from modelkeep.blobs.xet.shard_format import (
    BOOKEND,
    FOOTER_BYTES,
    FOOTER_VERSION,
    HEADER,
    RECORD,
    RECORD_BYTES,
    SHARD_TAG,
    SHARD_VERSION,
)
from modelkeep.blobs.xet.xorb_index import XorbIndex

_XORB_PLACE = struct.Struct("<QI")
_CHUNK_PLACE = struct.Struct("<QII")
_NUMBERS = struct.Struct("<4Q")
_FOOTER = struct.Struct("<9Q32sQQ48xQQQQ")


def build_dedup_shard(xorbs: Sequence[XorbIndex], key: bytes, created: int, expires: int) -> bytes:
    """Describes xorbs for deduplication.

    Args:
        xorbs: The xorbs, each once.
        key: 32 bytes, not all zero: what the hashes of chunks are keyed with.
        created: When, in seconds since 1970.
        expires: When a client is to forget the answer, in seconds since 1970.
    """
    if len(key) != HASH_BYTES or not any(key):
        raise ValueError("the key of a shard has 32 bytes that are not all zero")
    ordered = sorted(xorbs, key=lambda index: _NUMBERS.unpack(to_bytes(index.hash)))
    records, xorb_places, chunk_places = [], [], []
    at = 0
    for index in ordered:
        raw = to_bytes(index.hash)
        records.append(RECORD.pack(raw, 0, index.count, index.unpacked_size, index.packed_size))
        xorb_places.append(_XORB_PLACE.pack(_first_number(raw), at))
        keyed = [keyed_hash(index.chunk_hash(number), key) for number in range(index.count)]
        records += _chunk_records(index, keyed)
        chunk_places += [(_first_number(raw), at, number) for number, raw in enumerate(keyed)]
        at += 1 + index.count
    chunk_places.sort()
    files_at = HEADER.size
    xorbs_at = files_at + RECORD_BYTES
    tables_at = xorbs_at + RECORD_BYTES * (len(records) + 1)
    chunks_at = tables_at + _XORB_PLACE.size * len(xorb_places)
    end = chunks_at + _CHUNK_PLACE.size * len(chunk_places)
    # Offset and length of the tables of files (there are none), xorbs and chunks, behind the places of the records.
    tables = (tables_at, 0, tables_at, len(xorb_places), chunks_at, len(chunk_places))
    packed, unpacked = (
        sum(sizes)
        for sizes in ([index.packed_size for index in ordered], [index.unpacked_size for index in ordered])
    )
    footer = _FOOTER.pack(
        FOOTER_VERSION, files_at, xorbs_at, *tables, key, created, expires, packed, 0, unpacked, end
    )
    return b"".join(
        (
            HEADER.pack(SHARD_TAG, SHARD_VERSION, FOOTER_BYTES),
            BOOKEND,
            *records,
            BOOKEND,
            *xorb_places,
            *(_CHUNK_PLACE.pack(*place) for place in chunk_places),
            footer,
        )
    )


def _chunk_records(index: XorbIndex, keyed: Sequence[bytes]) -> list[bytes]:
    records, start = [], 0
    for raw, end in zip(keyed, index.unpacked_ends, strict=True):
        records.append(RECORD.pack(raw, start, end - start, 0, 0))
        start = end
    return records


def _first_number(raw: bytes) -> int:
    return int.from_bytes(raw[:8], "little")
