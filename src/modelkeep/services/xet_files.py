"""Whether the files of a shard are what it says: each step takes a moment, however large the files are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from modelkeep.blobs.xet.file_hasher import FileHasher
from modelkeep.blobs.xet.file_reader import XorbFileReader, lay_out
from modelkeep.blobs.xet.hashes import XetHash, of_bytes, verification_hash
from modelkeep.blobs.xet.recipes import Recipe, Term
from modelkeep.blobs.xet.shard_format import ShardFile, invalid_shard
from modelkeep.blobs.xet.xorb_index import XorbIndex
from modelkeep.blobs.xet.xorbs import XorbStore
from modelkeep.domain.errors import InvalidInput, NotFound, TooLarge
from modelkeep.services.ports import GIB, MIB

STEP_BYTES = 16 * MIB
"""What one step reads and hashes: some ten milliseconds."""

_NO_OID = "0" * 64

IndexOf = Callable[[XetHash], XorbIndex]
"""Gives the index of a xorb, or raises NotFound (``xorb_missing``)."""


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file whose chunks are known to be those that its hash says.

    Attributes:
        recipe: How it is made; its oid is still unknown (zeros).
        claimed: The SHA-256 that its sender gives it; None where none is given.
        first_chunk: The hash of its first chunk, and the xorb that has it; None for an empty file.
    """

    recipe: Recipe
    claimed: str | None
    first_chunk: tuple[str, XetHash] | None


def check_file(file: ShardFile, index_of: IndexOf, limit: int) -> Iterator[CheckedFile | None]:
    """Checks the terms of a file and its hash; yields None for each step, and the file at last.

    Args:
        file: As the shard has it.
        index_of: The xorbs that the sender may use.
        limit: The largest file in bytes.

    Raises:
        InvalidInput: A term names chunks that are not there, has another length, or comes without the proof that its
            sender knows the chunks (``invalid_shard``); or the file's hash is another one (``file_hash_mismatch``).
        TooLarge: The file is over the limit.
        NotFound: A xorb is not there (``xorb_missing``).
    """
    hasher, terms = FileHasher(), []
    first_chunk = None
    for number, term in enumerate(file.terms):
        index = index_of(term.xorb)
        _check_term(file, number, term, index)
        for raw, length in index.chunks(term.first, term.stop):
            hasher.add(raw, length)
        if hasher.size > limit:
            raise TooLarge(
                f"The file {file.file_hash} is larger than {limit / GIB:g} GiB, the most that this hub takes.",
                code="file_too_large",
            )
        if first_chunk is None:
            first_chunk = of_bytes(index.chunk_hash(term.first)), term.xorb
        terms.append(Term(term.xorb, term.first, term.stop, term.length))
        yield None
    digest = hasher.digest()
    if digest != file.file_hash:
        raise InvalidInput(
            f"The chunks of the file {file.file_hash} have the hash {digest}: they are another file's.",
            code="file_hash_mismatch",
        )
    yield CheckedFile(Recipe(_NO_OID, hasher.size, file.file_hash, tuple(terms)), file.sha256, first_chunk)


def sha256_of(recipe: Recipe, xorbs: XorbStore) -> Iterator[int | str]:
    """Computes the SHA-256 of a file; yields the bytes of each step, and the digest at last."""
    digest = hashlib.sha256()
    with XorbFileReader(xorbs, lay_out(recipe), 0, recipe.size) as reader:
        pending = 0
        while data := reader.read(MIB):
            digest.update(data)
            pending += len(data)
            if pending >= STEP_BYTES:
                yield pending
                pending = 0
    yield pending
    yield digest.hexdigest()


def missing_xorb(xorb: str) -> NotFound:
    """The error of a shard that names a xorb which the tenant has not."""
    return NotFound(
        f"missing xorb {xorb}: it was not sent here, or is here no more. Start the upload again; what your client "
        "remembered of this store is void.",
        code="xorb_missing",
        xorb=xorb,
    )


def _check_term(file: ShardFile, number: int, term: Term, index: XorbIndex) -> None:
    where = f"term {number} of the file {file.file_hash}"
    if not 0 <= term.first < term.stop <= index.count:
        raise invalid_shard(f"{where} names chunks {term.first} to {term.stop} of a xorb with {index.count}")
    start, stop = index.unpacked_range(term.first, term.stop)
    if stop - start != term.length:
        raise invalid_shard(f"{where} says {term.length} bytes, its chunks have {stop - start}")
    hashes: Sequence[bytes] = [index.hashes[32 * term.first : 32 * term.stop]]
    if number >= len(file.verification):
        raise invalid_shard(f"{where} has no verification hash")
    if file.verification[number] != verification_hash(hashes):
        raise invalid_shard(f"{where} has a wrong verification hash")
