"""Clients of the Hub, each release in the environment of its own that ``make setup-hub`` makes."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.compat.hub.clients import RELEASES, Client, Outside, Release
from tests.support.hub import Hub, User

MakeClient = Callable[..., Client]

_MARK = "mark-of-tests"
_numbers = itertools.count(1)


@dataclass
class Requests:
    """What the hub was asked while a block ran: ``GET /path``, in the order of the answers."""

    asked: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Desk:
    """A user at a machine with a client, and repos of their own.

    Attributes:
        owner: The user, whose namespace has their repos.
        client: Logged in as them.
    """

    hub: Hub
    owner: User
    client: Client

    def new_id(self, name: str = "repo") -> str:
        """The id of a repo that is not there yet."""
        return f"{self.owner.name}/{name}-{next(_numbers)}"

    def repo(self, name: str = "repo", **options: object) -> str:
        """A new repo, made by the client; its id."""
        repo = self.new_id(name)
        self.client.call("writing.create_repo", repo=repo, **options)
        return repo

    @contextlib.contextmanager
    def requests(self) -> Iterator[Requests]:
        """Notes what the hub is asked by whomever, from its log."""
        noted = Requests()
        start = self._end_of_log()
        yield noted
        with self.hub.process.log.open("rb") as log:
            log.seek(start)
            entries = [json.loads(line) for line in log.read(self._end_of_log() - start).splitlines()]
        noted.asked += [
            f"{entry['method']} {entry['path']}"
            for entry in entries
            if entry.get("event") == "request" and _MARK not in entry["path"]
        ]

    def _end_of_log(self) -> int:
        # An entry is written after its answer was sent: those before a further request are there when that one is.
        mark = f"/{_MARK}/{next(_numbers)}"
        self.hub.request("GET", mark)
        while mark.encode() not in self.hub.process.log.read_bytes():
            time.sleep(0.01)
        return self.hub.process.log.stat().st_size


@pytest.fixture(scope="session", params=RELEASES, ids=str)
def release(request: pytest.FixtureRequest) -> Release:
    chosen: Release = request.param
    if not chosen.is_installed:
        pytest.skip(f"this client is not installed: {chosen.folder.name} (make setup-hub)")
    return chosen


@pytest.fixture(scope="session")
def outside() -> Iterator[Outside]:
    with Outside() as running:
        yield running


@pytest.fixture(scope="session")
def desk(
    hub: Hub, release: Release, outside: Outside, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    """A user with this release. Nothing that the client does may reach another host."""
    owner = hub.user(f"hf{release.name}-")
    home = tmp_path_factory.mktemp("client") / "home"
    client = Client(release, home, hub.url, owner.token, outside)
    yield Desk(hub, owner, client)
    client.close()
    assert client.elsewhere() == []


@pytest.fixture
def make_client(hub: Hub, outside: Outside, release: Release, tmp_path: Path) -> Iterator[MakeClient]:
    """Makes further machines with this release: ``make_client(token, HF_HUB_DISABLE_XET="1")``."""
    made: list[Client] = []

    def make(token: str | None, *, endpoint: str = hub.url, **settings: str) -> Client:
        made.append(Client(release, tmp_path / f"home{len(made)}", endpoint, token, outside, **settings))
        return made[-1]

    yield make
    for client in made:
        client.close()
        assert client.elsewhere() == []
