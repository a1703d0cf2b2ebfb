"""Makes xorbs and files out of them, as a client does."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence

import lz4.frame

from modelkeep.blobs.store import BlobStore
from modelkeep.blobs.xet.hashes import XetHash, chunk_hash
from modelkeep.blobs.xet.merkle import file_hash, xorb_hash
from modelkeep.blobs.xet.recipes import Recipe, Term
from modelkeep.blobs.xet.xorb_index import XorbIndex

PLAIN, LZ4, GROUPED = 0, 1, 2


def grouped(data: bytes) -> bytes:
    """Bytes grouped by their place in words of four."""
    return b"".join(data[place::4] for place in range(4))


def pack_chunk(data: bytes, scheme: int = PLAIN) -> bytes:
    """A chunk with its header."""
    packed = data
    if scheme != PLAIN:
        packed = lz4.frame.compress(grouped(data) if scheme == GROUPED else data)
    return frame(packed, scheme, len(data))


def frame(packed: bytes, scheme: int, length: int, version: int = 0) -> bytes:
    """A chunk with a header that says what it is told."""
    sizes = len(packed).to_bytes(3, "little"), length.to_bytes(3, "little")
    return bytes([version]) + sizes[0] + bytes([scheme]) + sizes[1] + packed


def nodes_of(chunks: Sequence[bytes]) -> list[tuple[bytes, int]]:
    """Hash and length of each chunk."""
    return [(chunk_hash(chunk), len(chunk)) for chunk in chunks]


def pack(chunks: Sequence[bytes], scheme: int | None = None) -> tuple[XetHash, bytes]:
    """A xorb's hash and bytes; without a scheme the chunks take turns."""
    packed = [pack_chunk(chunk, at % 3 if scheme is None else scheme) for at, chunk in enumerate(chunks)]
    return xorb_hash(nodes_of(chunks)), b"".join(packed)


def some_chunks(seed: int, count: int, least: int = 1, most: int = 5000) -> list[bytes]:
    """Chunks, every other one of them compressible."""
    source = random.Random(seed)
    chunks = []
    for number in range(count):
        length = source.randint(least, most)
        chunks.append(source.randbytes(length) if number % 2 else source.randbytes(7) * (length // 7 + 1))
    return chunks


def put_xorb(store: BlobStore, chunks: Sequence[bytes], scheme: int | None = None) -> XorbIndex:
    """Sends a xorb to a store."""
    name, data = pack(chunks, scheme)
    writer = store.xorbs.begin(name)
    writer.write(data)
    return writer.commit()[0]


def put_file(store: BlobStore, parts: Sequence[tuple[XorbIndex, int, int]]) -> Recipe:
    """Makes a file of chunks of xorbs: which xorb, the first chunk, and behind the last."""
    digest, nodes, terms = hashlib.sha256(), [], []
    for index, first, stop in parts:
        for chunk in store.xorbs.read_chunks(index.hash, first, stop):
            digest.update(chunk)
        nodes += index.chunks(first, stop)
        start, end = index.unpacked_range(first, stop)
        terms.append(Term(index.hash, first, stop, end - start))
    size = sum(term.length for term in terms)
    recipe = Recipe(digest.hexdigest(), size, file_hash(nodes), tuple(terms))
    store.recipes.put(recipe)
    return recipe


def turn_into_xorbs(store: BlobStore, oid: str, length: int = 50_000) -> Recipe:
    """Gives a whole blob the other form, in chunks of ``length`` bytes."""
    with store.open_range(oid) as reader:
        data = b"".join(iter(reader.read, b""))
    chunks = [data[at : at + length] for at in range(0, len(data), length)]
    recipe = put_file(store, [(put_xorb(store, chunks), 0, len(chunks))])
    assert recipe.oid == oid
    assert store.delete_whole(oid)
    return recipe
