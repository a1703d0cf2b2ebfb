"""Headers that lie or overflow: Host, forwarding, credentials, request ids, lengths."""

from __future__ import annotations

import base64
import json
import socket

import pytest

from modelkeep.db import audit
from modelkeep.domain.access import Role, Visibility
from modelkeep.domain.paging import PageRequest
from tests.support.hub import Hub, HubRepo, User
from tests.support.lfs import LfsClient, oid_of, wanted
from tests.support.raw_http import Answer, exchange, request

BATCH = json.dumps({"operation": "upload", "objects": wanted(b"some new content")}).encode()


@pytest.fixture(scope="module")
def owner(hub: Hub) -> User:
    return hub.user()


@pytest.fixture(scope="module")
def repo(hub: Hub, owner: User) -> HubRepo:
    return hub.repo((owner, Role.OWNER), visibility=Visibility.PUBLIC)


def batch(
    hub: Hub, repo: HubRepo, owner: User, *headers: tuple[str, str], host: str | None = "127.0.0.1"
) -> Answer:
    given = [("Authorization", f"Bearer {owner.token}"), *headers]
    return request(
        hub.process.port, "POST", f"/{repo.full_name}.git/info/lfs/objects/batch", given, BATCH, host=host
    )


@pytest.mark.parametrize(
    "host",
    [
        'evil"><script>',
        "a b",
        "evil/../path",
        "user:pass@evil",
        "evil?x",
        "evil#x",
        "",
        "[::1",
        "a:999999",
        "a\\b",
        "é",
    ],
)
def test_a_host_that_is_none_makes_no_urls(hub: Hub, repo: HubRepo, owner: User, host: str) -> None:
    answer = batch(hub, repo, owner, ("Host", host))
    assert answer.status in (0, 400, 422)
    assert b"href" not in answer.body


def test_without_a_host(hub: Hub, repo: HubRepo, owner: User) -> None:
    assert batch(hub, repo, owner, host=None).status in (0, 400, 422)


def test_two_hosts(hub: Hub, repo: HubRepo, owner: User) -> None:
    answer = batch(hub, repo, owner, ("Host", "good.example"), ("Host", "evil.example"))
    assert b"evil.example" not in answer.body


def test_forwarding_headers_of_nobody_in_particular_are_not_believed(hub: Hub, owner: User) -> None:
    private = hub.repo((owner, Role.OWNER))
    answer = batch(
        hub,
        private,
        owner,
        ("X-Forwarded-For", "198.51.100.7"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "https"),
        ("Forwarded", "for=198.51.100.7;host=evil.example"),
        ("X-Real-IP", "198.51.100.7"),
        ("X-Original-URL", "/admin"),
        ("X-HTTP-Method-Override", "GET"),
    )
    assert answer.status == 200
    href = json.loads(answer.body)["objects"][0]["actions"]["upload"]["href"]
    assert href.startswith(f"http://127.0.0.1:{hub.process.port}/")
    made = hub.request(
        "POST",
        "/api/v1/repos",
        owner.token,
        json={"namespace": owner.name, "name": "forwarded"},
        headers={"X-Forwarded-For": "198.51.100.7"},
    )
    assert made.status_code == 201
    with hub.stores.database.read() as tx:
        entries = audit.list_entries(tx, PageRequest(limit=10), username=owner.name).items
    assert {entry.address for entry in entries} == {"127.0.0.1"}
    assert "198.51.100.7" not in hub.log_text()


def test_forwarded_addresses_do_not_get_around_throttling(hub: Hub) -> None:
    user = hub.user(password="a password to guess")
    statuses = []
    for number in range(12):
        basic = base64.b64encode(f"{user.name}:guess{number}".encode()).decode()
        answer = request(
            hub.process.port,
            "GET",
            "/api/v1/whoami",
            [("Authorization", f"Basic {basic}"), ("X-Forwarded-For", f"198.51.100.{number}")],
        )
        statuses.append(answer.status)
    assert statuses[0] == 401
    assert 429 in statuses
    right = base64.b64encode(f"{user.name}:{user.password}".encode()).decode()
    throttled = request(hub.process.port, "GET", "/api/v1/whoami", [("Authorization", f"Basic {right}")])
    assert throttled.status == 429
    assert int(throttled.headers["retry-after"]) > 0
    # A token is not guessed, so it goes on working.
    assert hub.request("GET", "/api/v1/whoami", user.token).status_code == 200


@pytest.mark.parametrize(
    "request_id", ["x", "a" * 65, 'x"} {"event": "forged', "äöü-äöü-äöü", "12345678\tx", "$(id)-$(id)"]
)
def test_a_request_id_that_could_forge_a_log_line_is_replaced(hub: Hub, request_id: str) -> None:
    answer = request(
        hub.process.port, "GET", "/", [("X-Request-Id", request_id.encode("utf-8").decode("latin-1"))]
    )
    assert answer.status == 200
    assert answer.headers["x-request-id"] != request_id
    assert "forged" not in hub.log_text()


def test_a_harmless_request_id_is_kept(hub: Hub) -> None:
    answer = request(hub.process.port, "GET", "/", [("X-Request-Id", "from-a-proxy-12345")])
    assert answer.headers["x-request-id"] == "from-a-proxy-12345"


@pytest.mark.parametrize(
    "value",
    [
        "Bearer",
        "Bearer ",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Digest x",
        "Negotiate YII=",
        "Bearer a b",
        "Bearer é",
        "Basic " + base64.b64encode(b"a\0:b").decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "x" * 9000,
        "Bearer " + "x" * 8000,
        "Basic " + base64.b64encode(b"x:" + b"y" * 5000).decode(),
    ],
    ids=lambda value: value[:20],
)
def test_credentials_that_are_none(hub: Hub, repo: HubRepo, value: str) -> None:
    secret = value.split(" ")[-1].encode()
    for target in (
        f"/{repo.full_name}.git/info/refs?service=git-upload-pack",
        f"/{repo.full_name}.git/info/lfs/locks",
        "/api/v1/whoami",
    ):
        answer = request(
            hub.process.port, "GET", target, [("Authorization", value.encode().decode("latin-1"))]
        )
        assert answer.status in (400, 401, 422, 431), (target, answer)
        assert len(secret) < 10 or secret not in answer.body


def test_two_authorization_headers(hub: Hub, repo: HubRepo, owner: User) -> None:
    answer = batch(hub, repo, owner, ("Authorization", "Bearer other"))
    assert answer.status in (400, 422)


def test_oversized_headers(hub: Hub) -> None:
    port = hub.process.port
    assert request(port, "GET", "/", [("X-Big", "a" * 2_000_000)]).status in (0, 400, 431)
    assert request(port, "GET", "/", [(f"X-{number}", "a") for number in range(5000)]).status in (0, 400, 431)
    assert request(port, "GET", "/?" + "a" * 100_000).status in (0, 200, 400, 414, 431)
    assert hub.request("GET", "/healthz").status_code == 200


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 4x\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        " Folded: x\r\n",
        "No-Colon\r\n",
        "Bad\0Name: x\r\n",
    ],
)
def test_requests_that_two_servers_would_read_differently(
    hub: Hub, owner: User, repo: HubRepo, head: str
) -> None:
    smuggled = f"GET /{repo.full_name}.git/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    text = (
        f"POST /{repo.full_name}.git/info/lfs/locks/verify HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {owner.token}\r\n{head}\r\n0\r\n\r\n{smuggled}"
    )
    answer = exchange(hub.process.port, text.encode("latin-1"), half_close=True)
    assert answer.status == 0 or 400 <= answer.status < 500
    assert "smuggled" not in hub.log_text()


def test_slow_clients_do_not_keep_others_waiting(hub: Hub, repo: HubRepo, owner: User) -> None:
    """Many connections that send a little and then nothing: others are answered meanwhile."""
    lfs = LfsClient(hub, repo, owner.token)
    content = b"slowly" * 1000
    target = lfs.upload_url(content).removeprefix(hub.url)
    heads = [
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        f"POST /{repo.full_name}.git/git-upload-pack HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
        "Content-Type: application/x-git-upload-pack-request\r\n\r\n00".encode(),
        f"PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\nslow".encode(),
        f"POST /{repo.full_name}.git/info/lfs/locks/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{{".encode(),
    ]
    # Fewer fetches than there may be Git processes; the other kinds have no such bound.
    sent = heads[:1] * 40 + heads[1:2] * 10 + heads[2:] * 40
    connections = [socket.create_connection(("127.0.0.1", hub.process.port)) for _ in sent]
    try:
        for connection, head in zip(connections, sent, strict=True):
            connection.sendall(head)
        for _ in range(5):
            assert hub.request("GET", f"{repo.git_url}/info/refs?service=git-upload-pack").status_code == 200
            assert lfs.get("/locks").status_code == 200
    finally:
        for connection in connections:
            connection.close()
    assert not hub.has_blob(content)
    lfs.upload(content)
    assert lfs.bare.get(lfs.download_url(content)).content == content
    assert oid_of(content)


def test_a_rejected_password_is_not_logged(hub: Hub, repo: HubRepo) -> None:
    hub.secrets.add("hunter2-hunter2-hunter2")
    basic = base64.b64encode(b"somebody:hunter2-hunter2-hunter2").decode()
    for target in (
        f"/{repo.full_name}.git/info/refs?service=git-upload-pack",
        "/api/v1/whoami",
        "/nowhere/at/all",
    ):
        request(hub.process.port, "GET", target, [("Authorization", f"Basic {basic}")])
        request(hub.process.port, "GET", f"{target}?token=hunter2-hunter2-hunter2")
        request(
            hub.process.port,
            "GET",
            target,
            [("Cookie", "hunter2-hunter2-hunter2"), ("Referer", "hunter2-hunter2-hunter2")],
        )
    assert hub.leaks() == []
