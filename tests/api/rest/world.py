"""A hub with an organisation and people of every role, and clients that speak for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from modelkeep.api.http.limits import Limits
from modelkeep.api.http.raw_path import RawPathMiddleware
from modelkeep.api.http.request_id import RequestIdMiddleware
from modelkeep.api.rest.app import create_app
from modelkeep.domain.access import ALL_SCOPES, Actor, Role, Scope
from modelkeep.server.wiring import Hub, open_hub
from modelkeep.services.accounts import local_administrator
from modelkeep.services.lfs import Wanted
from modelkeep.settings import Settings
from tests.api.rest.in_process import AsgiTransport, transport_to

PASSWORD = "correct horse battery staple"

PEOPLE = {
    "ada": None,  # administrator of the hub
    "olga": Role.OWNER,
    "mara": Role.MAINTAINER,
    "cato": Role.CONTRIBUTOR,
    "rita": Role.READER,
    "sven": None,  # a stranger
}
"""Who there is, with the role in the organisation ``acme``."""


class Client:
    """Speaks to the REST API for one person (or nobody)."""

    def __init__(self, transport: AsgiTransport, headers: Mapping[str, str]) -> None:
        self._http = httpx.Client(transport=transport, base_url="http://hub.test", headers=dict(headers))

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._http.request(method, f"/api/v1{path}", **options)

    def raw(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Sends the path byte for byte: httpx tidies up what a hostile client would not."""
        target = f"/api/v1{path}".encode("latin-1")
        return self._http.request(method, "/api/v1", json=body, extensions={"target": target})

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, body: object = None, **options: Any) -> httpx.Response:
        return self.request("POST", path, json={} if body is None else body, **options)

    def put(self, path: str, body: object) -> httpx.Response:
        return self.request("PUT", path, json=body)

    def patch(self, path: str, body: object) -> httpx.Response:
        return self.request("PATCH", path, json=body)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

    def pages(self, path: str, limit: int) -> list[list[Any]]:
        """All pages of a list."""
        found, cursor = [], None
        while True:
            params = {"limit": limit} | ({"cursor": cursor} if cursor else {})
            answer = ok(self.get(f"{path}{'&' if '?' in path else '?'}{urlencode(params)}"))
            found.append(answer["items"])
            cursor = answer["next_cursor"]
            if cursor is None:
                return found


@dataclass
class World:
    """The hub under test, its people and their clients."""

    hub: Hub
    transport: AsgiTransport
    tokens: dict[str, str]
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def as_(self, name: str | None) -> Client:
        """A client for somebody; None is anonymous."""
        headers = {"Authorization": f"Bearer {self.tokens[name]}"} if name else {}
        return Client(self.transport, headers)

    def with_headers(self, **headers: str) -> Client:
        return Client(self.transport, headers)

    def actor(self, name: str) -> Actor:
        return self.hub.authentication.by_token(self.tokens[name], "127.0.0.1", "test")

    def token(self, name: str, *scopes: Scope, limits: tuple[str, ...] = ()) -> Client:
        """A client with a token of somebody's that may do less."""
        _, secret = self.hub.tokens.create(
            Actor(self.actor(name).user_id, name), name="narrow", scopes=scopes, limits=limits
        )
        return Client(self.transport, {"Authorization": f"Bearer {secret}"})

    def new_name(self, prefix: str = "repo") -> str:
        return f"{prefix}{next(self._numbers)}"

    def repo(self, visibility: str = "private", *, namespace: str = "acme", **fields: Any) -> str:
        """Makes a repo; gives its path in the API."""
        body = {"namespace": namespace, "name": self.new_name(), "visibility": visibility, **fields}
        made = ok(self.as_("olga").post("/repos", body), 201)
        return f"/repos/{made['full_name']}"

    def commit(self, repo: str, files: Mapping[str, str], *, by: str = "olga", **fields: Any) -> str:
        """Makes a commit; gives its id."""
        operations = [{"op": "add", "path": path, "content": text} for path, text in files.items()]
        body = {"message": "change", "operations": operations, **fields}
        return str(ok(self.as_(by).post(f"{repo}/commits", body), 201)["commit"]["id"])

    def upload(self, repo: str, data: bytes, *, by: str = "olga") -> str:
        """Uploads an LFS object; gives its oid."""
        oid = hashlib.sha256(data).hexdigest()
        _, _, namespace, name = repo.split("/")
        wanted = [Wanted(oid, len(data))]
        batch = self.hub.lfs.batch(self.actor(by), namespace, name, "upload", wanted, {"basic"})
        text = batch.answers[0].ticket
        assert text is not None
        ticket, writer = self.hub.transfers.begin(text, oid, "127.0.0.1", len(data))
        writer.write(data)
        self.hub.transfers.commit(ticket, writer)
        return oid


def ok(answer: httpx.Response, status: int = 200) -> Any:
    """The body of an answer that must have this status."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    assert "x-request-id" in answer.headers
    return answer.json() if answer.content else None


def refused(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """The problem document of an answer that must have this status (and code)."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = json.loads(answer.content)
    assert set(problem) >= {"type", "title", "status", "detail", "code", "kind", "request_id", "fields"}
    assert problem["status"] == status
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert ("www-authenticate" in answer.headers) == (status == 401)
    if code is not None:
        assert problem["code"] == code, problem
    return problem


@contextmanager
def open_world(data: Path) -> Iterator[World]:
    """A hub in a folder of its own."""
    with open_hub(Settings(data=data)) as hub:
        local = local_administrator()
        tokens = {}
        for name in PEOPLE:
            password = PASSWORD if name in ("ada", "rita") else None
            user = hub.accounts.create(local, name=name, password=password, is_hub_admin=name == "ada")
            actor = Actor(user.id, user.name, is_hub_admin=user.is_hub_admin)
            _, tokens[name] = hub.tokens.create(actor, name="test", scopes=ALL_SCOPES)
        members = [(name, role) for name, role in PEOPLE.items() if role is not None]
        hub.organisations.create(local, "acme", members=members)
        app = Starlette(
            routes=[Mount("/api/v1", create_app(hub, Limits()))],
            middleware=[Middleware(RequestIdMiddleware), Middleware(RawPathMiddleware)],
        )
        with transport_to(app) as transport:
            yield World(hub, transport, tokens)
