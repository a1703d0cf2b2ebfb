"""Headers are read the same from a blob that is whole and from one in xorbs, and are remembered by oid."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from modelkeep.blobs.store import BlobStore
from modelkeep.db import headers
from modelkeep.db.engine import open_database
from modelkeep.domain.errors import InvalidInput, NotFound
from modelkeep.domain.objects import EntryKind, TreeEntry
from modelkeep.git.repositories import Repositories
from modelkeep.identity.signing import Signer
from modelkeep.services.header_reading import HeaderReader
from modelkeep.services.ports import Stores
from tests.support.xorbs import put_file, put_xorb


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    database = open_database(f"sqlite:///{tmp_path / 'hub.db'}")
    database.migrate()
    blobs = BlobStore.open(tmp_path / "blobs")
    yield Stores(database, Repositories(tmp_path / "repos"), blobs, Signer(bytes(32)))
    database.close()


def entry(data: bytes, path: str = "model.safetensors") -> TreeEntry:
    oid = hashlib.sha256(data).hexdigest()
    return TreeEntry(path, EntryKind.FILE, "0" * 40, 0o100644, len(data), oid)


def keep_in_xorbs(stores: Stores, data: bytes) -> None:
    chunks = [data[at : at + 10_000] for at in range(0, len(data), 10_000)]
    index = put_xorb(stores.blobs, chunks)
    put_file(stores.blobs, [(index, 0, len(chunks))])


def keep_whole(stores: Stores, data: bytes) -> None:
    writer = stores.blobs.begin()
    writer.write(data)
    writer.commit()


def weights(name: str) -> bytes:
    return bytes(save({f"{name}{n}": np.full((16, 16), n, dtype=np.float32) for n in range(300)}))


@pytest.mark.parametrize(("keep", "name"), [(keep_whole, "whole"), (keep_in_xorbs, "xorbs")])
def test_both_forms_have_the_same_header(
    stores: Stores, tmp_path: Path, keep: Callable[[Stores, bytes], None], name: str
) -> None:
    data = weights(name)  # of each form its own: what was read once is remembered
    keep(stores, data)
    header = HeaderReader(stores).read(tmp_path, entry(data))
    assert header.parameters == {"F32": 300 * 256}
    assert {tensor.name for tensor in header.tensors} == {f"{name}{n}" for n in range(300)}


def test_a_header_outlives_the_process_that_read_it(stores: Stores, tmp_path: Path) -> None:
    data = bytes(save({"one": np.zeros(7, dtype=np.int8)}))
    keep_whole(stores, data)
    oid = hashlib.sha256(data).hexdigest()
    reader = HeaderReader(stores)
    found = reader.read(tmp_path, entry(data))
    with stores.database.read() as tx:
        assert headers.header_of(tx, f"safetensors:{oid}") is not None
    stores.blobs.delete(oid)
    assert reader.read(tmp_path, entry(data)) == found


def test_what_is_remembered_and_damaged_is_read_again(stores: Stores, tmp_path: Path) -> None:
    data = bytes(save({"two": np.zeros(9, dtype=np.int8)}))
    keep_whole(stores, data)
    with stores.database.write() as tx:
        headers.remember(tx, f"safetensors:{hashlib.sha256(data).hexdigest()}", b"damaged")
    assert HeaderReader(stores).read(tmp_path, entry(data)).total == 9


def test_what_cannot_be_read_says_why(stores: Stores, tmp_path: Path) -> None:
    reader = HeaderReader(stores)
    with pytest.raises(InvalidInput) as caught:
        reader.read(tmp_path, entry(b"x", "model.bin"))
    assert caught.value.code == "no_header"
    keep_whole(stores, b"no weights at all")
    for _ in range(2):
        with pytest.raises(InvalidInput) as caught:
            reader.read(tmp_path, entry(b"no weights at all"))
        assert caught.value.code == "unreadable_header"
    with pytest.raises(NotFound):
        reader.read(tmp_path, replace(entry(b"gone"), path="m.onnx"))
