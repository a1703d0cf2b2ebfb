"""What repos take: a base model and its fine-tunes share most of their chunks, and are counted so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelkeep.blobs.store import BlobStore
from modelkeep.blobs.xet.recipes import Recipe
from modelkeep.blobs.xet.xorb_index import XorbIndex
from modelkeep.db import blobs
from modelkeep.db.engine import open_database
from modelkeep.domain.access import Actor
from modelkeep.domain.errors import NotFound, NotPermitted
from modelkeep.domain.lfs import Oid, Pointer
from modelkeep.server.wiring import Hub, open_hub
from modelkeep.services.accounts import local_administrator
from modelkeep.services.commits import AddFile
from modelkeep.settings import Settings
from tests.support.xorbs import PLAIN, put_file, put_xorb

CHUNK = 4000
PACKED = CHUNK + 8  # a chunk that is stored as it is has a header


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def hub(data: Path) -> Iterator[Hub]:
    with open_hub(Settings.load(data=data)) as hub:
        hub.accounts.create(local_administrator(), name="ada", password="long enough")
        yield hub


@pytest.fixture(scope="module")
def ada(hub: Hub) -> Actor:
    return hub.authentication.by_password("ada", "long enough", "", "test")


@pytest.fixture(scope="module")
def store(data: Path) -> BlobStore:
    return BlobStore.open(data / "blobs")


def _xorb(store: BlobStore, word: int, count: int) -> XorbIndex:
    return put_xorb(store, [bytes([word, number]) * (CHUNK // 2) for number in range(count)], PLAIN)


def _version(hub: Hub, ada: Actor, data: Path, recipe: Recipe, version: str) -> None:
    repo = hub.repos.get(ada, "ada", "llm").repo
    database = open_database(f"sqlite:///{data / 'modelkeep.db'}")
    with database.write() as tx:
        blobs.record_blob_and_link(tx, recipe.oid, recipe.size, repo.id, ada.user_id, repo.created_at)
    database.close()
    pointer = Pointer(Oid(recipe.oid), recipe.size)
    _, commit = hub.commits.commit(ada, "ada", "llm", [AddFile("model.safetensors", lfs=pointer)], version)
    hub.versions.register(ada, "ada", "llm", "llm", version=version, revision=commit.id)


def test_fine_tunes_take_what_they_changed(hub: Hub, ada: Actor, store: BlobStore, data: Path) -> None:
    hub.repos.create(ada, "ada", "llm")
    base, first, second, third = (_xorb(store, word, n) for word, n in ((1, 100), (2, 3), (3, 5), (4, 1)))
    files = [
        [(base, 0, 100)],
        [(base, 0, 50), (first, 0, 3), (base, 53, 100)],
        [(second, 0, 5), (base, 5, 100)],
        [(base, 0, 99), (third, 0, 1)],
    ]
    for number, parts in enumerate(files):
        _version(hub, ada, data, put_file(store, parts), f"v1.{number}.0")

    found = hub.storage.of_repo(ada, "ada", "llm")
    assert found.repo == "ada/llm"
    assert (found.files, found.logical) == (4, 4 * 100 * CHUNK)
    assert found.stored == 109 * PACKED
    assert found.saved == found.logical - found.stored
    assert found.git > 0
    added = {one.version: one.added for one in found.versions}
    small = added["v1.0.0"] - 100 * PACKED  # README and .gitattributes
    assert 0 < small < 5000
    assert [added[f"v1.{number}.0"] for number in (1, 2, 3)] == [3 * PACKED, 5 * PACKED, PACKED]
    assert {one.size - small for one in found.versions} == {100 * CHUNK}

    whole = hub.storage.of_hub(local_administrator())
    assert (whole.blobs, whole.logical, whole.whole) == (4, 4 * 100 * CHUNK, 0)
    assert (whole.xorbs, whole.packed, whole.stored) == (4, 109 * PACKED, 109 * PACKED)


def test_it_is_told_to_nobody_who_may_not_know(hub: Hub, ada: Actor) -> None:
    hub.accounts.create(local_administrator(), name="sven", password="long enough")
    sven = hub.authentication.by_password("sven", "long enough", "", "test")
    with pytest.raises(NotFound):
        hub.storage.of_repo(sven, "ada", "llm")
    with pytest.raises(NotPermitted):
        hub.storage.of_hub(ada)
