"""A hub with all its doors in this process, people with roles, and what tests ask of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from modelkeep.domain.access import ALL_SCOPES, Actor, Role, Scope, Visibility
from modelkeep.domain.lfs import Oid, Pointer
from modelkeep.domain.repos import Repo
from modelkeep.server.app import Doors, create_app
from modelkeep.server.wiring import Hub, open_hub
from modelkeep.services.accounts import local_administrator
from modelkeep.services.commits import AddFile, Operation
from modelkeep.services.lfs import Wanted
from modelkeep.settings import Settings
from tests.api.rest.in_process import AsgiTransport, transport_to

URL = "http://hub.test"
PEOPLE = {
    "olga": Role.OWNER,
    "cato": Role.CONTRIBUTOR,
    "rita": Role.READER,
    "sven": None,  # a stranger
}
"""Who there is, with the role in the organisation ``acme``."""


@dataclass
class World:
    """The hub under test, its people and their clients."""

    hub: Hub
    transport: AsgiTransport
    tokens: dict[str, str]
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def as_(self, name: str | None) -> httpx.Client:
        """A client for somebody; None is anonymous. It follows no redirects."""
        headers = {"Authorization": f"Bearer {self.tokens[name]}"} if name else {}
        return httpx.Client(transport=self.transport, base_url=URL, headers=headers)

    def raw(self, name: str | None, method: str, target: str, **options: Any) -> httpx.Response:
        """Sends the target of a request byte for byte: httpx tidies up what a client need not."""
        return self.as_(name).request(method, "/", extensions={"target": target.encode("latin-1")}, **options)

    def actor(self, name: str) -> Actor:
        return self.hub.authentication.by_token(self.tokens[name], "127.0.0.1", "test")

    def token(self, name: str, *scopes: Scope, limits: Sequence[str] = ()) -> str:
        """Another token of somebody's, that may do less."""
        user = Actor(self.actor(name).user_id, name)
        return self.hub.tokens.create(user, name="narrow", scopes=scopes, limits=limits)[1]

    def new_name(self, prefix: str = "repo") -> str:
        return f"{prefix}{next(self._numbers)}"

    def repo(
        self,
        files: Mapping[str, str | bytes | Pointer] | None = None,
        *,
        place: str = "acme",
        visibility: Visibility = Visibility.PRIVATE,
        empty: bool = False,
    ) -> Repo:
        """A new repo of acme's, with these files beside the usual ones."""
        olga = self.actor("olga")
        made = self.hub.repos.create(olga, place, self.new_name(), visibility=visibility, empty=empty).repo
        if files:
            self.commit(made, files)
        return made

    def commit(
        self,
        repo: Repo,
        files: Mapping[str, str | bytes | Pointer],
        message: str = "Change",
        branch: str | None = None,
        *more: Operation,
    ) -> str:
        """A commit of these files; its id."""
        operations = [*map(_added, files, files.values()), *more]
        _, made = self.hub.commits.commit(
            self.actor("olga"),
            repo.place,
            repo.name,
            operations,
            message,
            branch=branch,
            create_branch_from=branch and repo.default_branch,
        )
        return made.id

    def upload(self, repo: Repo, data: bytes) -> Pointer:
        """Uploads an LFS object; its pointer."""
        olga, oid = self.actor("olga"), hashlib.sha256(data).hexdigest()
        batch = self.hub.lfs.batch(olga, repo.place, repo.name, "upload", [Wanted(oid, len(data))], {"basic"})
        if text := batch.answers[0].ticket:
            ticket, writer = self.hub.transfers.begin(text, oid, "127.0.0.1", len(data))
            writer.write(data)
            self.hub.transfers.commit(ticket, writer)
        return Pointer(Oid(oid), len(data))


def _added(path: str, content: str | bytes | Pointer) -> AddFile:
    if isinstance(content, Pointer):
        return AddFile(path, lfs=content)
    return AddFile(path, content.encode() if isinstance(content, str) else content)


def ok(answer: httpx.Response, status: int = 200) -> Any:
    """The body of an answer that must have this status."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    assert "x-request-id" in answer.headers
    return answer.json() if answer.content else None


def refused(answer: httpx.Response, status: int, code: str | None = None) -> str:
    """The message of an answer that must have this status and ``X-Error-Code``."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    assert "x-request-id" in answer.headers
    assert answer.headers.get("x-error-code") == code
    assert answer.headers["x-error-message"]
    return str(answer.json()["error"]) if answer.content else ""


@contextmanager
def open_world(data: Path) -> Iterator[World]:
    """A hub in a folder of its own."""
    with open_hub(Settings(data=data)) as hub:
        local, tokens = local_administrator(), {}
        for name in PEOPLE:
            user = hub.accounts.create(local, name=name)
            _, tokens[name] = hub.tokens.create(Actor(user.id, name), name="test", scopes=ALL_SCOPES)
        members = [(name, role) for name, role in PEOPLE.items() if role is not None]
        hub.organisations.create(local, "acme", members=members)
        app = create_app(hub, Doors(None, (), None, 1 << 30, 4))
        with transport_to(app) as transport:
            yield World(hub, transport, tokens)
