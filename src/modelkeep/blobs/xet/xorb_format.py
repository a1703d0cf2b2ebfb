"""How a xorb is written: chunk behind chunk, each with a header of eight bytes.

::

    version (0)  packed length (3 bytes)  scheme (1)  unpacked length (3 bytes)  data

Numbers are little-endian. A footer (``XETBLOB``) may follow the last chunk. Source: the Xet protocol specification,
"Xorb Formation & Serialization Format".
"""

from __future__ import annotations

from dataclasses import dataclass

import lz4.frame

from modelkeep.domain.errors import InvalidInput

HEADER_BYTES = 8
MAX_CHUNK_BYTES = 128 << 10
MAX_CHUNKS = 8192
MAX_DATA_BYTES = 64 << 20
MAX_PACKED_CHUNK_BYTES = MAX_CHUNK_BYTES + 4096
"""A chunk is sent as it is where packing does not shrink it; the rest is room for what frames add."""

MAX_XORB_BYTES = MAX_DATA_BYTES + MAX_CHUNKS * HEADER_BYTES
FOOTER_MAGIC = b"XETBLOB"
_PLAIN, _LZ4, _GROUPED_LZ4 = 0, 1, 2
_LZ4_FLAGS = 4
_WITH_DICTIONARY = 1


@dataclass(frozen=True, slots=True)
class ChunkHeader:
    """A chunk's header: bytes that follow it, how they are packed, and their length once unpacked."""

    packed: int
    scheme: int
    unpacked: int


def invalid_xorb(problem: str, chunk: int | None = None) -> InvalidInput:
    """The error of a xorb that breaks the format: ``problem``, and at which chunk, counted from 0."""
    where = "" if chunk is None else f"chunk {chunk}: "
    return InvalidInput(
        f"The xorb is damaged or not in the Xet format: {where}{problem}. Send it again.", code="invalid_xorb"
    )


def read_header(data: bytes | bytearray | memoryview, at: int, chunk: int) -> ChunkHeader:
    """Reads the header of the chunk with the number ``chunk``, which starts at ``at``.

    Raises:
        InvalidInput: The header cannot be that of a chunk (``invalid_xorb``).
    """
    version, scheme = data[at], data[at + 4]
    packed = data[at + 1] | data[at + 2] << 8 | data[at + 3] << 16
    unpacked = data[at + 5] | data[at + 6] << 8 | data[at + 7] << 16
    if version != 0:
        raise invalid_xorb(f"version {version} is unknown", chunk)
    if scheme > _GROUPED_LZ4:
        raise invalid_xorb(f"compression scheme {scheme} is unknown", chunk)
    if not 0 < unpacked <= MAX_CHUNK_BYTES:
        raise invalid_xorb(f"its length is {unpacked}, not 1 to {MAX_CHUNK_BYTES} bytes", chunk)
    if not 0 < packed <= MAX_PACKED_CHUNK_BYTES:
        raise invalid_xorb(f"its packed length is {packed}, not 1 to {MAX_PACKED_CHUNK_BYTES} bytes", chunk)
    if scheme == _PLAIN and packed != unpacked:
        raise invalid_xorb(f"it is not packed, but its lengths are {packed} and {unpacked}", chunk)
    return ChunkHeader(packed, scheme, unpacked)


def unpack(header: ChunkHeader, data: memoryview, chunk: int) -> bytes | memoryview:
    """Returns a chunk's bytes; never more than its header announces, whatever the data would expand to.

    Args:
        header: The chunk's header.
        data: Exactly the packed bytes. The result may be a view of them.
        chunk: The chunk's number, for the error.

    Raises:
        InvalidInput: The data does not unpack to the length announced (``invalid_xorb``).
    """
    if header.scheme == _PLAIN:
        return data
    if len(data) > _LZ4_FLAGS and data[_LZ4_FLAGS] & _WITH_DICTIONARY:
        # This library would unpack it, that of clients would not: they could not read what somebody else sends so.
        raise invalid_xorb("its LZ4 frame needs a dictionary", chunk)
    decompressor = lz4.frame.LZ4FrameDecompressor()
    try:
        unpacked: bytes = decompressor.decompress(data, max_length=header.unpacked)
        if not decompressor.eof and len(unpacked) == header.unpacked:
            # The frame's end mark is read only when there is room behind the data.
            unpacked += decompressor.decompress(b"", max_length=1)
    except (RuntimeError, EOFError, ValueError, MemoryError):
        raise invalid_xorb("its data is no LZ4 frame", chunk) from None
    if not decompressor.eof or len(unpacked) != header.unpacked or decompressor.unused_data:
        raise invalid_xorb(f"its data does not unpack to the {header.unpacked} bytes announced", chunk)
    return _ungroup(unpacked) if header.scheme == _GROUPED_LZ4 else unpacked


def _ungroup(grouped: bytes) -> bytes:
    """Puts bytes that were grouped by their place in words of four back into their order."""
    result = bytearray(len(grouped))
    start = 0
    for place in range(4):
        stop = start + (len(grouped) - place + 3) // 4
        result[place::4] = grouped[start:stop]
        start = stop
    return bytes(result)
