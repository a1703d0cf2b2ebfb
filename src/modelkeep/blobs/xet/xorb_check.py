"""A xorb on its way in: each chunk is unpacked and hashed as it comes, so that nothing is believed."""

from __future__ import annotations

from modelkeep.blobs.xet.hashes import XetHash, chunk_hash
from modelkeep.blobs.xet.xorb_format import (
    FOOTER_MAGIC,
    HEADER_BYTES,
    MAX_CHUNKS,
    MAX_XORB_BYTES,
    invalid_xorb,
    read_header,
    unpack,
)
from modelkeep.blobs.xet.xorb_index import MAX_FOOTER_BYTES, XorbIndex, build_index, check_foreign_footer
from modelkeep.domain.errors import InvalidInput, TooLarge


class XorbCheck:
    """Reads a xorb forwards in pieces of any size. It keeps the hashes, and at most one chunk that is not whole.

    Args:
        expected: The hash under which it was announced.
    """

    def __init__(self, expected: XetHash) -> None:
        self._expected = expected
        self._pending = b""
        self._chunks: list[tuple[bytes, int, int]] = []
        self._packed = 0
        self._unpacked = 0
        self._footer: bytearray | None = None

    def take(self, data: bytes) -> None:
        """Reads on.

        Raises:
            InvalidInput: This is no xorb (``invalid_xorb``).
            TooLarge: It has too many bytes or chunks (``xorb_too_large``).
        """
        if self._footer is None:
            if self._pending:
                data = self._pending + data
            read = self._take_chunks(memoryview(data))
            self._pending = data[read:]
            if not self._starts_footer():
                return
            data, self._pending, self._footer = self._pending, b"", bytearray()
        if len(self._footer) + len(data) > MAX_FOOTER_BYTES:
            raise invalid_xorb("what follows its chunks is too long for a footer")
        self._footer += data

    def finish(self) -> XorbIndex:
        """Ends the reading and returns the index.

        Raises:
            InvalidInput: The xorb is cut (``invalid_xorb``), or it is another one (``xorb_mismatch``).
        """
        if self._pending:
            raise invalid_xorb("it ends within the chunk", len(self._chunks))
        if not self._chunks:
            raise invalid_xorb("it has no chunks")
        if self._footer is not None:
            check_foreign_footer(bytes(self._footer), self._expected)
        index = build_index(self._chunks)
        if index.hash != self._expected:
            raise InvalidInput(
                f"The xorb received has the hash {index.hash}, not {self._expected}: it was changed on the way, "
                "or the hash is that of another one. Send it again.",
                code="xorb_mismatch",
                expected=self._expected,
                actual=index.hash,
            )
        return index

    def _starts_footer(self) -> bool:
        return len(self._pending) >= len(FOOTER_MAGIC) and self._pending.startswith(FOOTER_MAGIC)

    def _take_chunks(self, view: memoryview) -> int:
        """Checks the chunks that are whole, and returns where the first one that is not starts."""
        at = 0
        while len(view) - at >= HEADER_BYTES and view[at] != FOOTER_MAGIC[0]:
            number = len(self._chunks)
            if number == MAX_CHUNKS:
                raise _too_large(f"more than {MAX_CHUNKS} chunks")
            header = read_header(view, at, number)
            start = at + HEADER_BYTES
            stop = start + header.packed
            if self._packed + stop - at > MAX_XORB_BYTES:
                raise _too_large(f"more than {MAX_XORB_BYTES} bytes")
            if stop > len(view):
                break
            raw = chunk_hash(unpack(header, view[start:stop], number))
            self._packed += stop - at
            self._unpacked += header.unpacked
            self._chunks.append((raw, self._unpacked, self._packed))
            at = stop
        rest = bytes(view[at : at + len(FOOTER_MAGIC)])
        if len(view) - at >= HEADER_BYTES and rest[0] == FOOTER_MAGIC[0] and rest != FOOTER_MAGIC:
            raise invalid_xorb(f"version {rest[0]} is unknown", len(self._chunks))
        return at


def _too_large(what: str) -> TooLarge:
    return TooLarge(
        f"The xorb has {what}. Send its chunks in several xorbs.",
        code="xorb_too_large",
        limit=MAX_XORB_BYTES,
    )
