"""Shards as clients send them: which chunks the files are made of, and which chunks the new xorbs have.

Everything is a record of 48 bytes: a head that counts the records behind it, and so on until a bookend; first for
files, then for xorbs. Numbers are little-endian. Source: the Xet protocol specification, "MDB Shard File Format".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from modelkeep.blobs.xet.hashes import HASH_BYTES, XetHash, of_bytes
from modelkeep.blobs.xet.recipes import Term
from modelkeep.blobs.xet.xorb_format import MAX_CHUNKS
from modelkeep.domain.errors import InvalidInput, TooLarge

MAX_SHARD_BYTES = 80 << 20
"""Clients begin a new shard at 64 MiB."""

MAX_RECORDS = 1 << 16
"""Files of a shard, and xorbs: far more than clients send at once. Each costs more memory than its record."""

SHARD_TAG = b"HFRepoMetaData\0" + bytes.fromhex("556967456a7b815783a5bdd95ccdd14aa9")
SHARD_VERSION = 2
FOOTER_VERSION = 1
FOOTER_BYTES = 200
RECORD_BYTES = 48
BOOKEND = b"\xff" * HASH_BYTES + bytes(16)
HEADER = struct.Struct("<32sQQ")
RECORD = struct.Struct("<32sIIII")
_WITH_VERIFICATION = 1 << 31
_WITH_SHA256 = 1 << 30
_BOOKEND_HASH = BOOKEND[:HASH_BYTES]


class RecordHashes(Sequence[bytes]):
    """The hashes with which records begin, read when they are asked for."""

    def __init__(self, data: memoryview) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data) // RECORD_BYTES

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        if not -len(self) <= at < len(self):
            raise IndexError(at)
        start = at % len(self) * RECORD_BYTES
        return bytes(self._data[start : start + HASH_BYTES])


@dataclass(frozen=True, slots=True)
class ShardFile:
    """A file of a shard, as its sender describes it; nothing of it is proved.

    Attributes:
        file_hash: Its Xet file hash.
        records: The bytes of its terms.
        verification: The proof that the sender knows the chunks, for each term; empty where none is given.
        sha256: Its SHA-256, where the sender gives one.
    """

    file_hash: XetHash
    records: memoryview
    verification: Sequence[bytes]
    sha256: str | None

    @property
    def term_count(self) -> int:
        """How many terms there are."""
        return len(self.records) // RECORD_BYTES

    @property
    def size(self) -> int:
        """How many bytes the terms claim together."""
        return sum(length for _, _, length, _, _ in RECORD.iter_unpack(self.records))

    @property
    def terms(self) -> Iterator[Term]:
        """The terms in order, read as they are asked for."""
        names: dict[bytes, XetHash] = {}
        for raw, _, length, first, stop in RECORD.iter_unpack(self.records):
            xorb = names.get(raw)
            if xorb is None:
                xorb = names[raw] = of_bytes(raw)
            yield Term(xorb, first, stop, length)


@dataclass(frozen=True, slots=True)
class ShardXorb:
    """A xorb of a shard, as its sender describes it: its hash, and the hashes and lengths of its chunks."""

    hash: XetHash
    records: memoryview

    @property
    def chunks(self) -> Iterator[tuple[bytes, int]]:
        """Hash and length of each chunk, read as they are asked for."""
        for raw, _, length, _, _ in RECORD.iter_unpack(self.records):
            yield raw, length


@dataclass(frozen=True, slots=True)
class Shard:
    """What a shard says."""

    files: tuple[ShardFile, ...]
    xorbs: tuple[ShardXorb, ...]

    @property
    def file_bytes(self) -> int:
        """How many bytes the files claim together."""
        return sum(file.size for file in self.files)


def invalid_shard(problem: str) -> InvalidInput:
    """The error of a shard that cannot be right."""
    return InvalidInput(
        f"The shard cannot be right: {problem}. Nothing of it was kept.", code="invalid_shard"
    )


def shard_too_large() -> TooLarge:
    """The error of a shard over :data:`MAX_SHARD_BYTES`."""
    return TooLarge(
        f"The shard has more than {MAX_SHARD_BYTES} bytes. Send its files in several shards.",
        code="shard_too_large",
        limit=MAX_SHARD_BYTES,
    )


def parse_shard(data: bytes) -> Shard:
    """Reads a shard, with or without a footer. The result holds views of ``data`` and little else.

    Raises:
        InvalidInput: It is none, or cut, or goes on behind its end (``invalid_shard``).
        TooLarge: It has more than :data:`MAX_SHARD_BYTES` (``shard_too_large``).
    """
    if len(data) > MAX_SHARD_BYTES:
        raise shard_too_large()
    if len(data) < HEADER.size:
        raise invalid_shard("it is too short")
    tag, version, footer_size = HEADER.unpack_from(data)
    if tag != SHARD_TAG:
        raise invalid_shard("it does not begin as one")
    if version != SHARD_VERSION:
        raise invalid_shard(f"version {version} is unknown")
    records = _Records(memoryview(data), HEADER.size)
    files, xorbs = tuple(_files(records)), tuple(_xorbs(records))
    _check_end(records.rest(), footer_size)
    return Shard(files, xorbs)


class _Records:
    """The records of a shard, read forwards."""

    def __init__(self, data: memoryview, at: int) -> None:
        self._data = data
        self._at = at
        self._heads = 0

    def take(self, count: int, what: str) -> memoryview:
        stop = self._at + count * RECORD_BYTES
        if stop > len(self._data):
            raise invalid_shard(f"it ends within {what}")
        taken = self._data[self._at : stop]
        self._at = stop
        return taken

    def head(self, what: str) -> tuple[bytes, int, int, int, int] | None:
        """The head of a file or of a xorb; None at the end of them."""
        record = self.take(1, what)
        raw, flags, count, third, fourth = RECORD.unpack(record)
        if raw == _BOOKEND_HASH:
            if bytes(record) != BOOKEND:
                raise invalid_shard(f"the end of {what} is damaged")
            self._heads = 0
            return None
        self._heads += 1
        if self._heads > MAX_RECORDS:
            raise TooLarge(
                f"A shard has at most {MAX_RECORDS} files and as many xorbs. Send its files in several shards.",
                code="shard_too_large",
                limit=MAX_RECORDS,
            )
        return raw, flags, count, third, fourth

    def rest(self) -> memoryview:
        return self._data[self._at :]


def _files(records: _Records) -> Iterator[ShardFile]:
    while (head := records.head("its files")) is not None:
        raw, flags, count, _, _ = head
        name = of_bytes(raw)
        if flags & ~(_WITH_VERIFICATION | _WITH_SHA256):
            raise invalid_shard(f"the file {name} has the unknown flags {flags:#x}")
        terms = records.take(count, f"the terms of the file {name}")
        has_proof, has_sha256 = flags & _WITH_VERIFICATION, flags & _WITH_SHA256
        proofs = records.take(count if has_proof else 0, f"the verification hashes of the file {name}")
        claimed = records.take(1, f"the SHA-256 of the file {name}")[:HASH_BYTES] if has_sha256 else None
        sha256 = None if claimed is None else str(of_bytes(bytes(claimed)))
        yield ShardFile(name, terms, RecordHashes(proofs), sha256)


def _xorbs(records: _Records) -> Iterator[ShardXorb]:
    while (head := records.head("its xorbs")) is not None:
        name, count = of_bytes(head[0]), head[2]
        if not 0 < count <= MAX_CHUNKS:
            raise invalid_shard(f"the xorb {name} has {count} chunks, and may have 1 to {MAX_CHUNKS}")
        yield ShardXorb(name, records.take(count, f"the chunks of the xorb {name}"))


def _check_end(rest: memoryview, footer_size: int) -> None:
    """Checks what follows the xorbs. A footer only repeats what was read already, so that its content is of no use.

    Clients of 2025 announce a footer that they leave out.
    """
    if footer_size == FOOTER_BYTES and not len(rest):
        return
    if footer_size == 0:
        if len(rest):
            raise invalid_shard(f"{len(rest)} bytes follow its end")
    elif footer_size != FOOTER_BYTES or len(rest) < FOOTER_BYTES:
        raise invalid_shard(f"its footer has {min(len(rest), footer_size)} bytes, not {FOOTER_BYTES}")
    elif int.from_bytes(rest[-FOOTER_BYTES : 8 - FOOTER_BYTES], "little") != FOOTER_VERSION:
        raise invalid_shard("its footer is unknown")
