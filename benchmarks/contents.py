"""Files of seeded noise: the same on both sides and in every run, and nothing in them to compress."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

BLOCK = 16 * 1024 * 1024
HEAD_BYTES = 32
_READ = 1024 * 1024


@dataclass(frozen=True)
class Content:
    """The bytes of a file with their first few exchanged: many different large contents from one file on disk."""

    head: bytes
    path: Path
    size: int
    oid: str

    def write_to(self, target: Path) -> None:
        """Writes it out as a file of its own."""
        target.write_bytes(b"")
        with target.open("wb") as output, self.path.open("rb") as source:
            output.write(self.head)
            source.seek(HEAD_BYTES)
            while chunk := source.read(_READ):
                output.write(chunk)


def make_file(path: Path, size: int, seed: int = 0) -> Path:
    """Writes noise; each block differs from the others in what it begins with."""
    block = Random(seed).randbytes(min(size, BLOCK))
    with path.open("wb") as file:
        for start in range(0, size, BLOCK):
            mark = start.to_bytes(HEAD_BYTES, "big")
            file.write((mark + block[HEAD_BYTES:])[: size - start])
    return path


def make_noise(path: Path, size: int, seed: int = 0) -> Path:
    """Writes noise of which no part comes twice, for what finds parts that it has already."""
    with path.open("wb") as file:
        for start in range(0, size, BLOCK):
            file.write(Random(f"{seed}/{start}").randbytes(min(BLOCK, size - start)))
    return path


def variant(path: Path, label: str) -> Content:
    """Another content of the same size."""
    head = hashlib.sha256(label.encode()).digest()[:HEAD_BYTES]
    digest = hashlib.sha256(head)
    with path.open("rb") as file:
        file.seek(HEAD_BYTES)
        while chunk := file.read(_READ):
            digest.update(chunk)
    return Content(head, path, path.stat().st_size, digest.hexdigest())


def small_files(count: int, size: int, label: str) -> Iterator[tuple[str, bytes]]:
    """Names and contents of many small files, a hundred to a folder."""
    random = Random(label)
    for number in range(count):
        yield f"part-{number // 100:03}/{number:06}.bin", random.randbytes(size)
