"""Two hubs, a connection that is cut, and a hub that is killed: the import ends with the very same files."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from modelkeep.domain.access import Role
from modelkeep.domain.paging import PageRequest
from tests.support.forking import ForkedHub
from tests.support.git import Git
from tests.support.hub import REPOSITORY, Hub, HubRepo, User
from tests.support.proxy import CuttingProxy
from tests.support.sources import commit_files, stored, tree_of

WEIGHTS = random.Random(7).randbytes(24_000_000)

pytestmark = pytest.mark.timeout(300)


@dataclass
class World:
    """A hub that imports (and dies), and the repo of another that it imports from."""

    server: ForkedHub
    hub: Hub
    user: User
    source: HubRepo
    source_hub: Hub
    token: str
    commit: str

    def modelkeep(self, *words: str) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("MODELKEEP_")}
        env |= {
            "MODELKEEP_URL": self.hub.url,
            "MODELKEEP_TOKEN": self.user.token,
            "MODELKEEP_SOURCE_TOKEN": self.token,
        }
        command = [sys.executable, "-m", "modelkeep", *words]
        return subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=120)

    def look(self, import_id: int) -> dict[str, Any]:
        answer = self.hub.request("GET", f"/api/v1/imports/{import_id}", self.user.token)
        found: dict[str, Any] = answer.json()
        return found

    def wait(self, import_id: int, is_enough: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        for _ in range(1200):
            found = self.look(import_id)
            if is_enough(found):
                return found
            time.sleep(0.05)
        raise AssertionError(f"it does not get on: {found}")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, hub: Hub) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("importer")
    owner = hub.user("origin")
    repo = hub.repo((owner, Role.OWNER))
    actor = hub.actor(owner.token)
    found = hub.services.repos.get(actor, repo.namespace, repo.name).repo
    files = {f"shards/{number:03}.json": f'{{"n": {number}}}'.encode() for number in range(60)}
    commit = commit_files(hub.services, hub.stores, actor, found, files, {"model.safetensors": WEIGHTS})
    server = ForkedHub(folder / "data", folder / "hub.log", import_allowed_networks="127.0.0.0/8")
    server.start()
    importer = Hub(server)
    try:
        yield World(server, importer, importer.user(), repo, hub, owner.token, commit)
    finally:
        server.stop()
        importer.close()


def test_a_cut_connection_and_kill_9_leave_the_same_files(world: World, machine: Callable[..., Git]) -> None:
    with CuttingProxy(int(world.source_hub.url.rsplit(":", 1)[1]), cuts_answers=True) as proxy:
        begun = world.modelkeep(
            "import",
            f"hf:{world.source.full_name}",
            "--to",
            f"{world.user.name}/copy",
            "--endpoint",
            proxy.url,
            "--json",
        )
        assert begun.returncode == 0, begun.stderr
        number = json.loads(begun.stdout)["id"]
        proxy.budget = len(WEIGHTS) // 3
        world.wait(number, lambda found: proxy.cuts == 1)
        proxy.budget = len(WEIGHTS) // 3
        world.wait(number, lambda found: proxy.cuts == 2)
        world.server.kill()
        (partial,) = (world.server.data / "blobs" / "uploads").glob("*/data")
        present, before = partial.stat().st_size, proxy.forwarded
        assert 0 < present < len(WEIGHTS), "killed in the middle"
        world.server.start()
        world.hub.http.close()
        world.hub.http = world.hub.client()
        waited = world.modelkeep("imports", "show", str(number), "--wait")
        assert waited.returncode == 0, waited.stderr
        done = world.wait(number, lambda found: found["state"] == "done")
        assert proxy.forwarded - before < len(WEIGHTS) - present + 1_000_000, "only the rest was fetched"
    assert done["imported_commit"] == world.commit
    actor = world.hub.actor(world.user.token)
    repo = world.hub.services.repos.get(actor, world.user.name, "copy").repo
    history = world.hub.services.contents.commits(
        actor, repo.place, repo.name, None, None, PageRequest()
    ).items
    assert [commit.id for commit in history] == [done["result_commit"]], "one commit"
    tree = tree_of(world.hub.stores, repo.id, done["result_commit"])
    assert tree == tree_of(world.source_hub.stores, world.source.id, world.commit)
    (oid,) = [lfs for _, _, lfs in tree if lfs is not None]
    assert stored(world.hub.blobs, oid) == WEIGHTS
    clone = machine(world.user.token).clone(world.hub.known(repo).git_url, "clone")
    assert (clone / "model.safetensors").read_bytes() == WEIGHTS
    log = world.server.log.read_text()
    assert world.token not in log
    assert world.token.encode() not in b"".join(
        path.read_bytes() for path in world.server.data.glob("*.db*")
    ), "sealed at rest"


def test_the_command_line_waits_and_tells_why_it_failed(world: World) -> None:
    done = world.modelkeep(
        "import",
        f"hf:{world.source.full_name}@main",
        "--endpoint",
        world.source_hub.url,
        "--include",
        "*.json",
        "--wait",
    )
    assert done.returncode == 0, done.stderr
    assert f"Imported {world.source.full_name} at {world.commit[:10]}" in done.stdout
    listed = world.modelkeep("imports", "list")
    assert f"{world.source_hub.url}/{world.source.full_name}" in listed.stdout
    shown = world.modelkeep("repo", "show", f"{world.user.name}/{world.source.name}")
    assert f"imported from   {world.source_hub.url}/{world.source.full_name} (done" in shown.stdout
    absent = world.modelkeep("import", "hf:nobody/nothing", "--endpoint", world.source_hub.url)
    assert absent.returncode == 1
    assert "404 RepoNotFound" in absent.stderr
    private = world.modelkeep("import", "hf:nobody/nothing", "--endpoint", "http://10.1.2.3")
    assert "MODELKEEP_IMPORT_ALLOWED_NETWORKS" in private.stderr
    strange = world.modelkeep(
        "import", f"hf:{world.source.full_name}", "--endpoint", world.source_hub.url, "--every", "never!"
    )
    assert strange.returncode == 2
