"""Resumed uploads: the tus transfer of the stock client, over a connection that breaks, and its requests by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from modelkeep.domain.access import Role
from tests.support.git import Git
from tests.support.hub import Hub
from tests.support.lfs import LfsClient, oid_of, wanted
from tests.support.proxy import CuttingProxy

Fresh = Callable[[int], bytes]
VERSION = {"Tus-Resumable": "1.0.0"}


class Resumable:
    """One tus upload by hand."""

    def __init__(self, lfs: LfsClient, content: bytes) -> None:
        body = lfs.batch("upload", wanted(content), transfers=["tus", "basic"])
        assert body["transfer"] == "tus"
        self.lfs = lfs
        self.content = content
        self.others = lfs.uploads()
        self.actions: dict[str, Any] = body["objects"][0]["actions"]
        self.url = self.actions["upload"]["href"]

    def offset(self) -> int:
        answer = self.lfs.bare.head(self.url, headers=VERSION)
        assert answer.status_code == 200
        assert answer.headers["tus-resumable"] == "1.0.0"
        assert answer.headers["upload-length"] == str(len(self.content))
        return int(answer.headers["upload-offset"])

    def patch(self, offset: int | str, body: bytes, **headers: str) -> httpx.Response:
        sent = {
            **VERSION,
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return self.lfs.bare.patch(self.url, content=body, headers=sent)

    def is_there(self) -> bool:
        return self.lfs.hub.has_blob(self.content)


@pytest.fixture
def upload(lfs: LfsClient, fresh: Fresh) -> Resumable:
    return Resumable(lfs, fresh(10_000))


def test_an_upload_in_pieces(upload: Resumable) -> None:
    assert upload.offset() == 0
    for start, stop in ((0, 10), (10, 4000), (4000, 10_000)):
        answer = upload.patch(start, upload.content[start:stop])
        assert answer.status_code == 204
        assert answer.headers["upload-offset"] == str(stop)
    assert upload.is_there()
    verified = upload.lfs.bare.post(upload.actions["verify"]["href"], json=wanted(upload.content)[0])
    assert verified.status_code == 200
    assert upload.lfs.uploads() == upload.others


def test_another_offset_is_a_conflict(upload: Resumable) -> None:
    upload.offset()
    upload.patch(0, upload.content[:100])
    for offset in (0, 99, 101, 10_000):
        assert upload.patch(offset, b"x").status_code == 409
    assert upload.offset() == 100
    assert upload.patch(100, upload.content[100:]).status_code == 204


@pytest.mark.parametrize("offset", ["", "-1", "x", "1e3", "9" * 30, "1, 2"])
def test_an_offset_that_is_none(upload: Resumable, offset: str) -> None:
    assert upload.patch(offset, b"x").status_code == 400


def test_another_media_type_is_refused(upload: Resumable) -> None:
    assert upload.patch(0, b"x", Content_Type="application/octet-stream").status_code == 400


def test_too_many_bytes_are_refused(upload: Resumable) -> None:
    upload.offset()
    assert upload.patch(0, upload.content + b"x").status_code == 400
    assert not upload.is_there()
    rest = upload.offset()
    assert upload.patch(rest, upload.content[rest:]).status_code == 204
    assert upload.is_there()


def test_wrong_bytes_make_no_object_and_start_again(upload: Resumable) -> None:
    assert upload.patch(0, bytes(10_000)).status_code == 400
    assert not upload.is_there()
    assert upload.offset() == 0
    assert upload.patch(0, upload.content).status_code == 204
    assert upload.is_there()


def test_the_empty_object(lfs: LfsClient) -> None:
    owner = lfs.hub.user()
    repo = lfs.hub.repo((owner, Role.OWNER))
    upload = LfsClient(lfs.hub, repo, owner.token)
    resumable = Resumable(upload, b"")
    assert resumable.patch(0, b"").status_code == 204
    assert upload.batch("download", wanted(b""))["objects"][0]["actions"]


def test_an_upload_goes_on_after_a_restart_of_the_client(upload: Resumable) -> None:
    upload.patch(0, upload.content[:5000])
    again = Resumable(upload.lfs, upload.content)
    assert again.url != upload.url or again.offset() == 5000
    assert again.offset() == 5000
    assert again.patch(5000, upload.content[5000:]).status_code == 204
    assert upload.is_there()


@pytest.mark.parametrize("cut_after", [300_000, 1_500_000])
def test_the_stock_client_resumes_over_a_broken_connection(
    hub: Hub, machine: Callable[..., Git], fresh: Fresh, cut_after: int
) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.CONTRIBUTOR))
    git = machine(user.token)
    content = fresh(3_000_000)
    with CuttingProxy(hub.process.port) as proxy:
        tree = git.clone(repo.git_url.replace(hub.url, proxy.url), "tree")
        git("config", "lfs.tustransfers", "true", cwd=tree)
        git.commit(tree, {"model.bin": content})
        proxy.budget = cut_after
        git("push", "-q", "origin", "main", cwd=tree)
        assert proxy.cuts == 1
    assert hub.has_blob(content)
    assert len(hub.requests_about("PATCH", oid_of(content))) == 2
    fresh_clone = git.clone(repo.git_url, "fresh")
    assert (fresh_clone / "model.bin").read_bytes() == content
    assert proxy.forwarded < 3_200_000  # it went on where it had stopped


def test_a_basic_upload_over_a_broken_connection_is_sent_again(
    hub: Hub, machine: Callable[..., Git], fresh: Fresh
) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.CONTRIBUTOR))
    git = machine(user.token)
    content = fresh(1_500_000)
    with CuttingProxy(hub.process.port) as proxy:
        tree = git.clone(repo.git_url.replace(hub.url, proxy.url), "tree")
        git.commit(tree, {"model.bin": content})
        proxy.budget = 700_000
        git("push", "-q", "origin", "main", cwd=tree)
        assert proxy.cuts == 1
    assert hub.has_blob(content)
