"""A database that has forgotten which repo holds which LFS object learns it again from Git and the disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sqlalchemy import delete

from modelkeep.db.engine import open_database
from modelkeep.db.tables import BlobLinks, Blobs
from modelkeep.domain.access import Actor
from modelkeep.domain.lfs import Oid, Pointer
from modelkeep.server.wiring import Hub, open_hub
from modelkeep.services.accounts import local_administrator
from modelkeep.services.commits import AddFile
from modelkeep.services.lfs import Wanted
from modelkeep.settings import Settings


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
        hub.transfers.blob(lost.oid).path.unlink()
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
