"""What every benchmark is given: a folder of its own, sizes, and a hub to measure."""

from __future__ import annotations

import http.client
import json
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.contents import Content
from benchmarks.git_client import GitClient
from benchmarks.processes import Missing, free_port
from demo.hub import Hub
from modelkeep.identity.secrets import new_password, new_token

MB = 1_000_000
_LFS_TYPE = "application/vnd.git-lfs+json"


@dataclass(frozen=True)
class Sizes:
    """How much of everything; the defaults are the ones whose aims count."""

    rounds: int = 5
    get: int = 2000 * MB
    put: int = 250 * MB
    lfs: int = 1000 * MB
    small_files: int = 2000
    git_repo: int = 100 * MB
    git_pushes: int = 20
    tags: int = 10_000
    gto_tags: tuple[int, ...] = (1_000, 13_000)
    gto_rounds: int = 3
    many_tags: int = 100_000
    tag_pushes: int = 20
    registry_repos: int = 10_000
    page_rounds: int = 20
    memory: int = 5000 * MB
    hub: int = 2000 * MB
    hub_rounds: int = 3


QUICK = Sizes(
    rounds=2,
    get=200 * MB,
    put=20 * MB,
    lfs=50 * MB,
    small_files=100,
    git_repo=10 * MB,
    git_pushes=4,
    tags=1000,
    gto_tags=(100, 300),
    gto_rounds=1,
    many_tags=2000,
    tag_pushes=3,
    registry_repos=300,
    page_rounds=2,
    memory=200 * MB,
    hub=200 * MB,
    hub_rounds=1,
)


@dataclass(frozen=True)
class HubUnderTest:
    """A running hub, its owner's token, and its REST and LFS doors."""

    url: str
    data: Path
    token: str
    pid: int

    @property
    def tokens(self) -> dict[str, str]:
        """For a Git client: the token by URL."""
        return {self.url: self.token}

    def create_repo(self, name: str) -> str:
        """A new empty repo of the owner; the URL to clone."""
        self._post("/api/v1/repos", {"name": name, "empty": True}, "application/json")
        return f"{self.url}/bench/{name}.git"

    def import_history(self, client: GitClient, name: str, history: bytes) -> str:
        """A new repo with a history for ``git fast-import``, as if it had been pushed; the URL to clone."""
        before = set(self._bare_repos())
        url = self.create_repo(name)
        (bare,) = set(self._bare_repos()) - before
        fill(client, bare, history)
        self._post(f"/api/v1/repos/bench/{name}/reindex", {}, "application/json")
        return url

    def get(self, path: str, token: str | None) -> Any:
        """What the REST API answers to the holder of a token; None: to anybody."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(self.url + path, headers=headers)  # noqa: S310 (our own hub)
        with _open(request) as response:
            return json.load(response)

    def _bare_repos(self) -> Iterator[Path]:
        return (head.parent for head in (self.data / "repos").rglob("HEAD"))

    def action(self, repo: str, operation: str, oid: str, size: int) -> tuple[str, dict[str, str]]:
        """Where to send or fetch an LFS object: the signed URL and the headers that go with it."""
        answer = self._post(
            f"/bench/{repo}.git/info/lfs/objects/batch",
            {"operation": operation, "transfers": ["basic"], "objects": [{"oid": oid, "size": size}]},
            _LFS_TYPE,
        )
        (entry,) = answer["objects"]
        if "actions" not in entry:
            raise RuntimeError(f"no action for the {operation} of {oid}: {entry.get('error')}")
        action = entry["actions"][operation]
        return action["href"], action.get("header", {})

    def blob(self, content: Content) -> Path:
        """The file that holds it."""
        return next(path for path in self.data.rglob(content.oid) if path.is_file())

    def _post(self, path: str, body: object, media_type: str) -> Any:
        request = urllib.request.Request(  # noqa: S310 (our own hub on the loopback address)
            self.url + path,
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": media_type,
                "Accept": media_type,
            },
        )
        with _open(request) as response:
            return json.load(response)


def fill(client: GitClient, bare: Path, history: bytes) -> None:
    """Puts a history for ``git fast-import`` into a bare repository, its refs in one file."""
    client.run(bare, "fast-import", "--quiet", stdin=history)
    client.run(bare, "pack-refs", "--all")


def _open(request: urllib.request.Request) -> http.client.HTTPResponse:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    response: http.client.HTTPResponse = opener.open(request, timeout=600)
    return response


@dataclass(frozen=True)
class Workshop:
    """Attributes:
    folder: Emptied when the benchmark is over.
    sizes: How much of everything.
    """

    folder: Path
    sizes: Sizes

    @contextmanager
    def hub(self, **settings: str) -> Iterator[HubUnderTest]:
        """Runs a new hub until the block ends; ``settings`` are its environment variables in lower case."""
        token = new_token()
        home = Path(tempfile.mkdtemp(prefix="hub-", dir=self.folder))
        environment = {
            "MODELKEEP_ADMIN_USER": "bench",
            "MODELKEEP_ADMIN_PASSWORD": new_password(),
            "MODELKEEP_ADMIN_TOKEN": token,
            **{f"MODELKEEP_{name.upper()}": value for name, value in settings.items()},
        }
        data = home / "data"
        try:
            with Hub(data, home / "log", port=free_port(), environment=environment) as hub:
                yield HubUnderTest(hub.url, data, token, hub.pid)
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def client(self, hub: HubUnderTest | None = None) -> GitClient:
        """Git as a user has it, with the hub's token."""
        return GitClient(self.folder, hub.tokens if hub else None)

    def require_space(self, size: int) -> None:
        """Checks that the disk has room before it is full.

        Raises:
            Missing: It has not.
        """
        free = shutil.disk_usage(self.folder).free
        if free < size:
            raise Missing(f"{size / 1e9:.0f} GB free are needed in {self.folder}, there are {free / 1e9:.0f}")
