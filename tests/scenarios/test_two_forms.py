"""A blob that gets its other form: no door answers anything else than before."""

from __future__ import annotations

import random
from collections.abc import Callable
from urllib.parse import quote

import httpx

from modelkeep.domain.access import Role, Visibility
from modelkeep.domain.lfs import Oid, Pointer
from modelkeep.services.commits import AddFile
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo
from tests.support.lfs import LfsClient, oid_of
from tests.support.xorbs import turn_into_xorbs

Machine = Callable[..., Git]
RANGES = (None, "bytes=0-0", "bytes=49999-150001", "bytes=-7", "bytes=700000-", "bytes=9999999-")
_OF_EACH_ANSWER = {"date", "x-request-id", "server"}


def answers(
    hub: Hub, repo: HubRepo, token: str, weights: bytes
) -> dict[str, tuple[int, dict[str, str], bytes]]:
    """What each door says of the file, whole and in ranges."""
    doors = {
        "rest": f"/api/v1/repos/{repo.full_name}/files/main/model.bin",
        "resolve": f"/{repo.full_name}/resolve/main/model.bin",
        "version": f"/{repo.full_name}/resolve/{quote('churn@v1.0.0')}/model.bin",
        "tree": f"/api/models/{repo.full_name}/tree/main",
    }
    found = {}
    for door, path in doors.items():
        for asked in RANGES:
            headers = {"Range": asked} if asked else {}
            for method in ("GET", "HEAD"):
                answer = hub.request(method, path, token, headers=headers)
                found[f"{method} {door} {asked}"] = _said(answer)
    url = LfsClient(hub, repo, token).download_url(weights)
    for asked in RANGES:
        found[f"lfs {asked}"] = _said(hub.http.get(url, headers={"Range": asked} if asked else {}))
    return found


def _said(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers.items() if name not in _OF_EACH_ANSWER}
    return answer.status_code, headers, answer.content


def test_nobody_notices(hub: Hub, machine: Machine) -> None:
    owner = hub.user("owner")
    repo = hub.repo((owner, Role.OWNER), visibility=Visibility.PRIVATE)
    weights = random.Random(4).randbytes(400_000) + b"text that can be packed\n" * 15_000
    client = LfsClient(hub, repo, owner.token)
    client.upload(weights)
    pointer = Pointer(Oid(oid_of(weights)), len(weights))
    actor, services = hub.actor(owner.token), hub.services
    services.commits.commit(actor, repo.namespace, repo.name, [AddFile("model.bin", lfs=pointer)], "Weights")
    services.versions.register(actor, repo.namespace, repo.name, "churn", version="v1.0.0")
    before = answers(hub, repo, owner.token, weights)
    assert before["GET rest None"][2] == before["lfs None"][2] == weights

    turn_into_xorbs(hub.stores.blobs, pointer.oid)
    assert hub.stores.blobs.path(pointer.oid) is None
    after = answers(hub, repo, owner.token, weights)
    assert after == before

    git = machine(owner.token)
    assert (git.clone(repo.git_url, "clone") / "model.bin").read_bytes() == weights
    # The hub has it: nothing is sent, and nothing is stored twice.
    assert "actions" not in client.batch("upload", [{"oid": pointer.oid, "size": pointer.size}])["objects"][0]
    assert hub.stores.blobs.form(pointer.oid) == "xorbs"
