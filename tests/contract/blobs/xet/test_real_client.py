"""The formats as `hf_xet` writes and reads them."""

from __future__ import annotations

import hashlib
import json
import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import hf_xet
import pytest

from modelkeep.blobs.store import BlobStore
from modelkeep.blobs.xet.hashes import verification_hash
from modelkeep.blobs.xet.merkle import file_hash
from modelkeep.blobs.xet.shard_format import parse_shard

ROOT = Path(__file__).parents[4]


def some_bytes(seed: int) -> bytes:
    """Bytes of three kinds, for which the client chooses different compression."""
    source = random.Random(seed)
    floats = struct.pack("<200000f", *(source.gauss(0, 0.02) for _ in range(200_000)))
    return source.randbytes(2_000_000) + floats + _text(source)


def _text(source: random.Random) -> bytes:
    words = [source.randbytes(source.randint(2, 9)).hex().encode() for _ in range(3000)]
    return b" ".join(source.choices(words, k=100_000))


class Uploads:
    """Three uploads: a file, the same one again, and one that differs a little in the middle."""

    def __init__(self, folder: Path) -> None:
        self.data = some_bytes(7)
        edited = self.data[:1_000_000] + b"something else" + self.data[1_000_000:]
        self.contents = (self.data, self.data, edited)
        self.files = [folder / f"file-{number}" for number in range(3)]
        for file, content in zip(self.files, self.contents, strict=True):
            file.write_bytes(content)
        done = subprocess.run(
            [sys.executable, str(ROOT / "tests/support/xet_recorder.py"), str(folder), *map(str, self.files)],
            env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"},
            stdout=subprocess.PIPE,
            timeout=120,
            check=True,
        )
        self.logs = [json.loads(line) for line in done.stdout.splitlines()]
        self.shards = [path.read_bytes() for path in sorted(folder.glob("*.shard"))]
        self.blobs = BlobStore.open(folder / "blobs")


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Uploads:
    return Uploads(tmp_path_factory.mktemp("uploads"))


def test_a_file_that_came_as_xorbs_reads_as_it_was(uploads: Uploads) -> None:
    for content in uploads.contents:
        oid = hashlib.sha256(content).hexdigest()
        assert uploads.blobs.form(oid) == "xorbs"
        with uploads.blobs.open_range(oid) as reader:
            assert b"".join(iter(reader.read, b"")) == content
        with uploads.blobs.open_range(oid, 999_990, 1_000_020) as reader:
            assert reader.read() == content[999_990:1_000_020]


def test_the_client_used_every_scheme_that_we_read(uploads: Uploads) -> None:
    schemes = set()
    for name in uploads.blobs.xorbs.iter_hashes():
        index = uploads.blobs.xorbs.index(name)
        assert index is not None
        with uploads.blobs.xorbs.open_packed(name) as reader:
            data = b"".join(iter(reader.read, b""))
        schemes |= {data[start + 4] for start in [0, *index.packed_ends[:-1]]}
    assert schemes == {0, 1, 2}


def test_hashes_are_those_of_the_client(uploads: Uploads) -> None:
    infos = hf_xet.hash_files([str(file) for file in uploads.files])
    known = {path: info.hash for path, info in zip(uploads.files, infos, strict=True)}
    for path, content in zip(uploads.files, uploads.contents, strict=True):
        recipe = uploads.blobs.recipes.get(hashlib.sha256(content).hexdigest())
        assert recipe is not None
        chunks = []
        for term in recipe.terms:
            index = uploads.blobs.xorbs.index(term.xorb)
            assert index is not None
            chunks += index.chunks(term.first, term.stop)
        assert file_hash(chunks) == recipe.file_hash == known[path]


def test_verification_hashes_are_those_of_the_client(uploads: Uploads) -> None:
    count = 0
    for shard in map(parse_shard, uploads.shards):
        for file in shard.files:
            for term, claimed in zip(file.terms, file.verification, strict=True):
                index = uploads.blobs.xorbs.index(term.xorb)
                assert index is not None
                hashes = [raw for raw, _ in index.chunks(term.first, term.stop)]
                assert verification_hash(hashes) == claimed
                count += 1
    assert count >= 3


def test_a_shard_about_chunks_is_used_by_a_client_that_knows_nothing(uploads: Uploads) -> None:
    first, second, third = uploads.logs
    assert sum(size for _, size in first["sent"]) > 2_000_000
    assert first["asked"]
    assert not any(first["asked"])
    assert any(second["asked"])
    assert second["sent"] == []
    assert 0 < sum(size for _, size in third["sent"]) < 300_000
