"""Files that came through git-lfs become chunks, which versions share; every door gives the same bytes as before."""

from __future__ import annotations

import hashlib
import random
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from modelkeep.db import rechunks
from modelkeep.domain.access import Role, Visibility
from modelkeep.domain.errors import Unavailable
from modelkeep.domain.storage import RechunkState
from modelkeep.outbound.xet_client import XetStore, send
from modelkeep.services.ports import utc_now
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


def test_what_went_wrong_is_for_those_who_may_ask(hub: Hub) -> None:
    owner, other = hub.user("owner"), hub.user("other")
    repo = hub.repo((owner, Role.OWNER), visibility=Visibility.PUBLIC)
    user_id = hub.actor(owner.token).user_id or 0
    with hub.stores.database.write() as tx:
        rechunks.ask(tx, repo.id, user_id, utc_now())
        rechunks.set_state(tx, repo.id, RechunkState.FAILED, "a path of the hub", utc_now())
    address = f"/api/v1/repos/{repo.full_name}/storage/rechunk"
    assert hub.request("GET", address, owner.token).json()["error"] == "a path of the hub"
    shown = hub.request("GET", address, other.token).json()
    assert (shown["state"], shown["error"]) == ("failed", None)


class _Recorder(BaseHTTPRequestHandler):
    """Has nothing, takes nothing, and remembers what was asked."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.asked.append(self.path)
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(400 if "/xorbs/" in self.path else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_args: object) -> None:
        """Says nothing."""


def test_the_hubs_own_client_asks_for_no_other_address(tmp_path: Path) -> None:
    """Grants would send it to the hub's public address, which may not be within its reach."""
    data = random.Random(11).randbytes(300_000)
    (tmp_path / "file").write_bytes(data)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Recorder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        store = XetStore(f"http://127.0.0.1:{server.server_port}/cas", "token", int(time.time()) + 900)
        with pytest.raises(Unavailable):
            send(store, [(tmp_path / "file", hashlib.sha256(data).hexdigest())], tmp_path, 60)
        server.shutdown()
    assert any(path.startswith("/cas/v1/xorbs/") for path in _Recorder.asked)
    assert not any("grant" in path for path in _Recorder.asked)


def test_it_stops_with_the_hub(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(100_000))
    stopping, over = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as mute:

        def stop() -> None:
            connection, _ = mute.accept()
            stopping.set()
            with connection:
                over.wait(60)

        waiting = threading.Thread(target=stop)
        waiting.start()
        store = XetStore(f"http://127.0.0.1:{mute.getsockname()[1]}", "token", int(time.time()) + 900)
        with pytest.raises(Unavailable) as refused:
            send(store, [(tmp_path / "file", "0" * 64)], tmp_path, 600, stopping)
        over.set()
        waiting.join()
    assert refused.value.__notes__ == ["it was stopped"]
