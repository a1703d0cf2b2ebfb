"""Two hubs and a client of the Hub: what only the one has comes to the other when it is asked for, and stays."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelkeep.domain.access import Role
from tests.compat.hub.clients import RELEASES, Client, Outside, Refused
from tests.support.forking import ForkedHub
from tests.support.hub import REPOSITORY, Hub, HubRepo, User
from tests.support.sources import commit_files

CONFIG = b'{"layers": 2}'
WEIGHTS = bytes(range(256)) * 8000

pytestmark = pytest.mark.timeout(300)


@dataclass
class Place:
    """A hub that can be killed, with a user who owns the organisation `acme` there."""

    server: ForkedHub
    hub: Hub
    user: User

    def modelkeep(self, *words: str, source_token: str = "") -> str:
        env = {name: value for name, value in os.environ.items() if not name.startswith("MODELKEEP_")}
        env |= {"MODELKEEP_URL": self.hub.url, "MODELKEEP_TOKEN": self.user.token}
        env |= {"MODELKEEP_SOURCE_TOKEN": source_token}
        command = [sys.executable, "-m", "modelkeep", *words]
        done = subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def repo(self, namespace: str) -> HubRepo:
        return self.hub.repo((self.user, Role.OWNER), namespace=namespace, empty=True)

    def put(self, repo: HubRepo, files: dict[str, bytes], objects: dict[str, bytes]) -> None:
        actor = self.hub.actor(self.user.token)
        found = self.hub.services.repos.get(actor, repo.namespace, repo.name).repo
        commit_files(self.hub.services, self.hub.stores, actor, found, files, objects)

    def mirrors(self, namespace: str, other: Place) -> str:
        """Makes the namespace a mirror of the one of the same name."""
        words = ("org", "mirror", "set", namespace, "--endpoint", other.hub.url)
        return self.modelkeep(*words, source_token=other.user.token)


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    server = ForkedHub(folder / "data", folder / "hub.log", import_allowed_networks="127.0.0.0/8")
    server.start()
    hub = Hub(server)
    try:
        user = hub.user()
        for name in ("acme", "ring"):
            hub.services.organisations.create(hub.local, name, members=[(user.name, Role.OWNER)])
        yield Place(server, hub, user)
        assert hub.mistakes() == hub.leaks() == []
    finally:
        server.stop()
        hub.close()


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("upstream")) as made:
        yield made


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("edge")) as made:
        yield made


def test_a_repo_that_only_the_source_has_is_downloaded_and_served_when_the_source_is_down(
    upstream: Place, edge: Place, tmp_path: Path
) -> None:
    newest = RELEASES[-1]
    if not newest.is_installed:
        pytest.skip(f"this client is not installed: {newest.folder.name} (make setup-hub)")
    repo, other = upstream.repo("acme"), upstream.repo("acme")
    upstream.put(repo, {"config.json": CONFIG}, {"model.safetensors": WEIGHTS})
    assert edge.mirrors("acme", upstream) == f"acme is a mirror of {upstream.hub.url}/acme.\n"
    shown = edge.modelkeep("org", "mirror", "show", "acme")
    assert f"{upstream.hub.url}/acme" in shown
    assert upstream.user.token not in shown

    stranger = edge.hub.user("stranger")
    with Outside() as outside:

        def client(name: str, token: str | None) -> Client:
            return Client(newest, tmp_path / name, edge.hub.url, token, outside)

        for name, token in (("stranger", stranger.token), ("nobody", None)):
            outsider = client(name, token)
            with pytest.raises(Refused) as refused:
                outsider.call("reading.snapshot", repo=repo.full_name)
            assert refused.value.type == "RepositoryNotFoundError"
            outsider.close()
        assert upstream.hub.requests_about("GET", f"/api/models/{repo.full_name}") == []

        member = client("member", edge.user.token)
        found = member.call("reading.snapshot", repo=repo.full_name)
        sent = {"config.json": CONFIG, "model.safetensors": WEIGHTS}
        assert {name: found["files"][name] for name in sent} == {
            name: hashlib.sha256(data).hexdigest() for name, data in sent.items()
        }
        with pytest.raises(Refused) as refused:
            member.call("reading.snapshot", repo="acme/absent")
        assert refused.value.type == "RepositoryNotFoundError"
        member.close()

        upstream.server.kill()
        later = client("later", edge.user.token)
        assert later.call("reading.snapshot", repo=repo.full_name) == found
        away = edge.hub.request("GET", f"/api/models/{other.full_name}", edge.user.token)
        assert (away.status_code, away.headers["retry-after"]) == (503, "10")
        assert "refused the connection" in away.headers["x-error-message"]
        assert later.elsewhere() == []
        later.close()
    upstream.server.start()
    upstream.hub.http.close()
    upstream.hub.http = upstream.hub.client()
    assert "no mirror any more" in edge.modelkeep("org", "mirror", "remove", "acme")


def test_mirrors_of_each_other_end(upstream: Place, edge: Place) -> None:
    edge.mirrors("ring", upstream)
    upstream.mirrors("ring", edge)
    for one in (edge, upstream):
        answer = one.hub.request("GET", "/api/models/ring/nothing", one.user.token)
        assert (answer.status_code, answer.headers["x-error-code"]) == (404, "RepoNotFound")
    repo = upstream.repo("ring")
    upstream.put(repo, {"a.txt": b"a"}, {})
    answer = edge.hub.request("GET", f"/ring/{repo.name}/resolve/main/a.txt", edge.user.token)
    assert (answer.status_code, answer.content) == (200, b"a")
