"""Only what no repo can reach, and nobody used for the time of grace, is removed from the store."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from modelkeep.blobs.store import BlobStore
from modelkeep.db import blobs, xet
from modelkeep.db.engine import Database, open_database
from modelkeep.domain.errors import NotPermitted
from modelkeep.server.wiring import Hub, open_hub
from modelkeep.services.accounts import local_administrator
from modelkeep.services.collecting import Collected, Collecting
from modelkeep.settings import Settings
from tests.support.xorbs import PLAIN, put_file, put_xorb

DAY = 86_400.0


class Place:
    """A hub with its store and database at hand."""

    def __init__(self, hub: Hub, data: Path, database: Database) -> None:
        self.hub = hub
        self.store = BlobStore.open(data / "blobs")
        self.database = database
        self.ada = hub.authentication.by_password("ada", "long enough", "", "test")
        self.repo = hub.repos.create(self.ada, "ada", "model").repo
        self.collecting: Collecting = hub.collecting

    def link(self, oid: str, size: int) -> None:
        with self.database.write() as tx:
            created = self.repo.created_at - timedelta(days=100)
            blobs.record_blob_and_link(tx, oid, size, self.repo.id, None, created)

    def unlink(self, oid: str) -> None:
        with self.database.write() as tx:
            blobs.unlink(tx, self.repo.id, [oid])

    def whole(self, data: bytes) -> str:
        writer = self.store.begin()
        writer.write(data)
        return writer.commit().oid


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_hub(Settings.load(data=tmp_path, storage_grace_days=30)) as hub:
        hub.accounts.create(local_administrator(), name="ada", password="long enough")
        database = open_database(f"sqlite:///{tmp_path / 'modelkeep.db'}")
        yield Place(hub, tmp_path, database)
        database.close()


def _age(path: Path | None, days: float) -> None:
    assert path is not None
    then = time.time() - days * DAY
    os.utime(path, (then, then))


def test_only_what_is_out_of_reach_and_old_is_removed(place: Place) -> None:
    store = place.store
    kept, gone, young = (place.whole(word * 1000) for word in (b"kept", b"gone", b"young"))
    for oid, size in ((kept, 4000), (gone, 4000)):
        place.link(oid, size)
        _age(store.path(oid), 100)
    shared = put_xorb(store, [bytes([n]) * 500 for n in range(4)], PLAIN)
    lonely = put_xorb(store, [bytes([n]) * 600 for n in range(4)], PLAIN)
    fresh = put_xorb(store, [bytes([n]) * 700 for n in range(4)], PLAIN)
    linked, unlinked = put_file(store, [(shared, 0, 4)]), put_file(store, [(shared, 1, 2), (lonely, 0, 4)])
    for recipe in (linked, unlinked):
        place.link(recipe.oid, recipe.size)
        _age(store.recipes.path(recipe.oid), 100)
    for xorb in (shared, lonely):
        _age(store.xorbs.path(xorb.hash), 100)

    assert place.collecting.collect() == Collected()
    place.unlink(gone)
    place.unlink(unlinked.oid)
    would = place.collecting.collect(is_dry=True)
    assert (would.blobs, would.xorbs) == (2, 1)
    assert store.form(gone) == "whole"
    assert store.xorbs.path(lonely.hash) is not None

    assert place.collecting.collect() == would
    assert would.freed > 4000 + lonely.packed_size
    assert store.form(gone) is store.form(unlinked.oid) is None
    assert store.xorbs.path(lonely.hash) is None
    assert store.form(young) == "whole"
    assert store.xorbs.path(fresh.hash) is not None
    with store.open_range(linked.oid) as reader:
        assert hashlib.sha256(reader.read(1 << 20)).hexdigest() == linked.oid
    with store.open_range(kept) as reader:
        assert reader.read(1 << 20) == b"kept" * 1000
    assert place.collecting.collect() == Collected()


def test_what_a_crash_left_behind_goes_when_it_is_old(place: Place) -> None:
    orphan = place.whole(b"orphan" * 100)
    recipe = put_file(place.store, [(put_xorb(place.store, [b"x" * 999], PLAIN), 0, 1)])
    assert place.collecting.collect() == Collected()
    _age(place.store.path(orphan), 31)
    _age(place.store.recipes.path(recipe.oid), 31)
    assert place.collecting.collect().blobs == 2
    assert place.store.form(orphan) is place.store.form(recipe.oid) is None


def test_a_deleted_repo_keeps_its_files_while_it_can_be_restored(place: Place) -> None:
    oid = place.whole(b"precious")
    place.link(oid, 8)
    _age(place.store.path(oid), 100)
    place.hub.repos.delete(place.ada, "ada", "model")
    assert place.collecting.collect() == Collected()
    place.hub.repos.restore(place.ada, "ada", "model")
    assert place.store.form(oid) == "whole"


def test_clients_are_told_to_forget_what_went(place: Place) -> None:
    xorb = put_xorb(place.store, [b"y" * 999], PLAIN)
    tenant = xet.Tenant(place.repo.namespace_id)
    with place.database.write() as tx:
        xet.link_xorb(tx, tenant, xorb.hash, xorb.packed_size, place.repo.created_at)
        before = xet.epoch(tx, tenant)
    _age(place.store.xorbs.path(xorb.hash), 31)
    assert place.collecting.collect().xorbs == 1
    with place.database.read() as tx:
        assert xet.epoch(tx, tenant) > before
        assert xet.linked_xorbs(tx, tenant, [xorb.hash]) == set()


def test_a_damaged_xorb_that_nothing_needs_goes_like_any_other(place: Place) -> None:
    damaged, other = (put_xorb(place.store, [word * 999], PLAIN) for word in (b"d", b"o"))
    path = place.store.xorbs.path(damaged.hash)
    assert path is not None
    os.truncate(path, 10)
    for xorb in (damaged, other):
        _age(place.store.xorbs.path(xorb.hash), 31)
    assert place.collecting.collect(is_dry=True).xorbs == 2
    assert place.collecting.collect().xorbs == 2
    assert list(place.store.xorbs.iter_hashes()) == []


def test_what_is_in_use_is_not_collected_meanwhile(place: Place) -> None:
    oid = place.whole(b"again" * 100)
    _age(place.store.path(oid), 100)
    done = []
    with place.store.using():
        other = threading.Thread(target=lambda: done.append(place.collecting.collect()))
        other.start()
        other.join(0.3)
        assert other.is_alive()
        place.link(oid, 500)
    other.join(30)
    assert done == [Collected()]
    assert place.store.form(oid) == "whole"


def test_only_administrators_collect(place: Place) -> None:
    with pytest.raises(NotPermitted):
        place.collecting.collect_as(place.ada)
    assert place.collecting.collect_as(local_administrator(), is_dry=True) == Collected()
