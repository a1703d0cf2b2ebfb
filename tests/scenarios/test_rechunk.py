"""Files that came through git-lfs become chunks, which versions share; every door gives the same bytes as before."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable

from modelkeep.domain.access import Role, Visibility
from tests.support.git import Git
from tests.support.hub import Hub

MIB = 1 << 20


def test_files_of_git_lfs_become_chunks(hub: Hub, machine: Callable[..., Git]) -> None:
    owner = hub.user("rechunk")
    repo = hub.repo((owner, Role.OWNER))
    git = machine(owner.token)
    tree = git.clone(repo.git_url, "tree")
    source = random.Random(7)
    base = source.randbytes(6 * MIB)
    tuned = base[: 3 * MIB] + source.randbytes(1000) + base[3 * MIB + 1000 :]
    for number, data in enumerate((base, tuned)):
        git.commit(tree, {"model.bin": data})
        git("push", "-q", "origin", "main", cwd=tree)
        made = hub.request(
            "POST",
            f"/api/v1/repos/{repo.full_name}/artifacts/llm/versions",
            owner.token,
            json={"version": f"v1.{number}.0", "revision": "main"},
        )
        assert made.status_code == 201, made.text
    address = f"/api/v1/repos/{repo.full_name}/storage"
    before = hub.request("GET", address, owner.token).json()
    assert before["stored"] == before["logical"] == 12 * MIB

    asked = hub.request("POST", f"{address}/rechunk", owner.token, json={})
    assert asked.status_code == 202, asked.text
    deadline = time.monotonic() + 120
    while (state := hub.request("GET", f"{address}/rechunk", owner.token).json())["state"] not in (
        "done",
        "failed",
    ):
        assert time.monotonic() < deadline, state
        time.sleep(0.2)
    assert state["state"] == "done", state
    assert state["files_done"] == state["files_total"] == 2
    for data in (base, tuned):
        oid = hashlib.sha256(data).hexdigest()
        assert hub.stores.blobs.form(oid) == "xorbs"

    after = hub.request("GET", address, owner.token).json()
    assert after["logical"] == 12 * MIB
    assert after["stored"] < 6.5 * MIB
    assert after["versions"][1]["added"] < 0.5 * MIB

    clone = machine(owner.token).clone(repo.git_url, "clone")
    assert (clone / "model.bin").read_bytes() == tuned
    part = hub.request(
        "GET",
        f"/{repo.full_name}/resolve/llm%40v1.0.0/model.bin",
        owner.token,
        headers={"Range": f"bytes={3 * MIB - 10}-{3 * MIB + 9}"},
    )
    assert (part.status_code, part.content) == (206, base[3 * MIB - 10 : 3 * MIB + 10])


def test_a_reader_cannot_ask_for_it(hub: Hub) -> None:
    owner, other = hub.user("owner"), hub.user("other")
    repo = hub.repo((owner, Role.OWNER), visibility=Visibility.PUBLIC)
    address = f"/api/v1/repos/{repo.full_name}/storage/rechunk"
    assert hub.request("POST", address, other.token, json={}).status_code == 403
    assert hub.request("GET", address, other.token).status_code == 404
