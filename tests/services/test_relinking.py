"""A database that has forgotten which repo holds which LFS object learns it again from Git and the disk."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from sqlalchemy import delete

from modelkeep.blobs.store import BlobStore
from modelkeep.db import xet
from modelkeep.db.engine import open_database
from modelkeep.db.tables import BlobLinks, Blobs, XorbLinks
from modelkeep.domain.access import Actor
from modelkeep.domain.lfs import Oid, Pointer
from modelkeep.server.wiring import Hub, open_hub
from modelkeep.services.accounts import local_administrator
from modelkeep.services.commits import AddFile
from modelkeep.services.lfs import Wanted
from modelkeep.settings import Settings
from tests.support.xorbs import turn_into_xorbs


def upload(hub: Hub, actor: Actor, data: bytes) -> Pointer:
    oid = hashlib.sha256(data).hexdigest()
    batch = hub.lfs.batch(actor, "ada", "model", "upload", [Wanted(oid, len(data))], {"basic"})
    ticket, writer = hub.transfers.begin(batch.answers[0].ticket or "", oid, "", len(data))
    writer.write(data)
    hub.transfers.commit(ticket, writer)
    return Pointer(Oid(oid), len(data))


def test_links_come_back(tmp_path: Path) -> None:
    settings = Settings.load(data=tmp_path)
    with open_hub(settings) as hub:
        hub.accounts.create(local_administrator(), name="ada", password="short")
        ada = hub.authentication.by_password("ada", "short", "", "test")
        hub.repos.create(ada, "ada", "model")
        kept, lost = upload(hub, ada, b"kept weights"), upload(hub, ada, b"lost weights")
        files = [AddFile("kept.bin", lfs=kept), AddFile("lost.bin", lfs=lost)]
        hub.commits.commit(ada, "ada", "model", files, "Weights")
        lost_file = hub.transfers.blob(lost.oid).path
        assert lost_file is not None
        lost_file.unlink()
    database = open_database(f"sqlite:///{tmp_path / 'modelkeep.db'}")
    with database.write() as tx:
        tx.execute(delete(BlobLinks))
        tx.execute(delete(Blobs))
    database.close()
    with open_hub(settings) as hub:
        wanted = [Wanted(kept.oid, kept.size), Wanted(lost.oid, lost.size)]
        forgotten = hub.lfs.batch(ada, "ada", "model", "download", wanted, {"basic"})
        assert [answer.code for answer in forgotten.answers] == [404, 404]
        assert hub.relinking.restore_by_name("ada", "model") == 1
        assert hub.relinking.restore_all() == 0
        found = hub.lfs.batch(ada, "ada", "model", "download", wanted, {"basic"})
        assert [answer.code for answer in found.answers] == [None, 404]


def test_files_made_of_chunks_come_back_with_their_xorbs(tmp_path: Path) -> None:
    settings = Settings.load(data=tmp_path)
    with open_hub(settings) as hub:
        hub.accounts.create(local_administrator(), name="ada", password="short")
        ada = hub.authentication.by_password("ada", "short", "", "test")
        repo = hub.repos.create(ada, "ada", "model").repo
        pointer = upload(hub, ada, b"weights in chunks" * 10_000)
        hub.commits.commit(ada, "ada", "model", [AddFile("a.bin", lfs=pointer)], "Weights")
        recipe = turn_into_xorbs(BlobStore.open(tmp_path / "blobs"), pointer.oid)
    database = open_database(f"sqlite:///{tmp_path / 'modelkeep.db'}")
    with database.write() as tx:
        for table in (BlobLinks, Blobs, XorbLinks):
            tx.execute(delete(table))
    with open_hub(settings) as hub:
        assert hub.relinking.restore_by_name("ada", "model") == 1
        assert hub.relinking.restore_all() == 0
    xorbs = {term.xorb for term in recipe.terms}
    with database.read() as tx:
        assert xet.blob_of_file(tx, repo.id, recipe.file_hash) == (pointer.oid, pointer.size)
        assert xet.linked_xorbs(tx, xet.Tenant(repo.namespace_id), xorbs) == xorbs
    database.close()


@pytest.mark.parametrize("kept", [0, 20, 60])
def test_what_is_damaged_keeps_nothing_else_away(tmp_path: Path, kept: int) -> None:
    settings = Settings.load(data=tmp_path)
    store = BlobStore.open(tmp_path / "blobs")
    with open_hub(settings) as hub:
        hub.accounts.create(local_administrator(), name="ada", password="short")
        ada = hub.authentication.by_password("ada", "short", "", "test")
        hub.repos.create(ada, "ada", "model")
        pointers = [upload(hub, ada, data * 10_000) for data in (b"one", b"two", b"three")]
        files = [AddFile(f"{number}.bin", lfs=pointer) for number, pointer in enumerate(pointers)]
        hub.commits.commit(ada, "ada", "model", files, "Weights")
        recipes = [turn_into_xorbs(store, pointer.oid) for pointer in pointers[:2]]
    recipe_file, xorb_file = store.recipes.path(recipes[0].oid), store.xorbs.path(recipes[1].terms[0].xorb)
    assert xorb_file is not None
    os.truncate(recipe_file, kept)
    os.truncate(xorb_file, kept)
    database = open_database(f"sqlite:///{tmp_path / 'modelkeep.db'}")
    with database.write() as tx:
        for table in (BlobLinks, Blobs, XorbLinks):
            tx.execute(delete(table))
    database.close()
    with open_hub(settings) as hub:
        hub.relinking.restore_all()
        found = hub.lfs.batch(
            ada, "ada", "model", "download", [Wanted(p.oid, p.size) for p in pointers[1:]], {"basic"}
        )
        assert [answer.code for answer in found.answers] == [None, None]
