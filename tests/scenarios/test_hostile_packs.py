"""Abuse of Git's own protocol: malformed pkt-lines, bombs, wrong types, and requests out of order."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator

import pytest

from modelkeep.domain.access import Role, Visibility
from tests.support.hub import Hub, HubRepo, User
from tests.support.raw_http import Answer, exchange, request

SERVICES = ("git-upload-pack", "git-receive-pack")
ZERO = b"0" * 40
EMPTY_PACK = b"PACK\0\0\0\2\0\0\0\0" + bytes.fromhex("029d08823bd8a8eab510ad6ac75c823cfd3ed31e")


@pytest.fixture(scope="module")
def owner(hub: Hub) -> User:
    return hub.user()


@pytest.fixture(scope="module")
def repo(hub: Hub, owner: User) -> HubRepo:
    return hub.repo((owner, Role.OWNER))


@pytest.fixture(autouse=True)
def _unchanged(hub: Hub, repo: HubRepo) -> Iterator[None]:
    """Nothing in this module changes anything, and the hub goes on."""
    before = hub.fingerprint(repo)
    yield
    after = hub.fingerprint(repo)
    for part, value in before.items():
        assert after[part] == value, part
    assert hub.request("GET", "/healthz").status_code == 200


def post(
    hub: Hub,
    repo: HubRepo,
    secret: str | None,
    service: str,
    body: bytes,
    *headers: tuple[str, str],
    query: str = "",
) -> Answer:
    given = [("Content-Type", f"application/x-{service}-request"), *headers]
    if secret:
        given.append(("Authorization", f"Bearer {secret}"))
    return request(hub.process.port, "POST", f"/{repo.full_name}.git/{service}{query}", given, body)


def pkt(content: bytes) -> bytes:
    return b"%04x" % (len(content) + 4) + content


PACKETS = {
    "nothing": b"",
    "flush only": b"0000",
    "many flushes": b"0000" * 10_000,
    "no length": b"zzzzabc",
    "negative": b"-001abc",
    "length too small": b"0003",
    "delimiter only": b"0001",
    "end only": b"0002",
    "truncated length": b"00",
    "truncated line": b"00ffabc",
    "longest length": b"ffff" + b"a" * 65_531,
    "long line cut": b"fff0" + b"a" * 100,
    "garbage": bytes(range(256)) * 40,
    "http in the body": b"GET / HTTP/1.1\r\n\r\n",
    "unknown command": pkt(b"command=explode\n") + b"0000",
    "object-info": pkt(b"command=object-info") + b"0001" + pkt(b"size") + pkt(b"oid " + ZERO) + b"0000",
    "want nothing real": pkt(b"want " + b"12" * 20 + b" multi_ack\n") + b"0000" + pkt(b"done\n"),
    "want malformed": pkt(b"want xyz\n") + b"0000",
    "want twice in one": pkt(b"want " + ZERO + b" want " + ZERO + b"\n") + b"0000",
    "deepen huge": pkt(b"want " + ZERO + b"\n") + pkt(b"deepen 99999999999999999999\n") + b"0000",
    "push no ref": pkt(ZERO + b" " + b"12" * 20 + b" \0report-status") + b"0000",
    "push bad ref": pkt(ZERO + b" " + b"12" * 20 + b" ../../x\0report-status") + b"0000",
    "push HEAD": pkt(ZERO + b" " + b"12" * 20 + b" HEAD\0report-status") + b"0000",
    "push missing object": pkt(ZERO + b" " + b"12" * 20 + b" refs/heads/x\0report-status")
    + b"0000"
    + EMPTY_PACK,
    "push garbage pack": pkt(ZERO + b" " + b"12" * 20 + b" refs/heads/x\0report-status")
    + b"0000"
    + b"PACK"
    + b"\xff" * 1000,
    "push no pack": pkt(ZERO + b" " + b"12" * 20 + b" refs/heads/x\0report-status") + b"0000",
    "push delete missing": pkt(b"12" * 20 + b" " + ZERO + b" refs/heads/x\0report-status delete-refs")
    + b"0000",
    "push zero to zero": pkt(ZERO + b" " + ZERO + b" refs/heads/x\0report-status delete-refs") + b"0000",
    "push shallow": pkt(b"shallow " + b"12" * 20)
    + pkt(ZERO + b" " + b"12" * 20 + b" refs/heads/x\0")
    + b"0000",
    "push cert": pkt(b"push-cert\0report-status")
    + pkt(b"certificate version 0.1\n")
    + pkt(b"push-cert-end\n")
    + b"0000",
    "many commands": b"".join(pkt(ZERO + b" " + ZERO + b" refs/heads/x%d" % n) for n in range(2000))
    + b"0000",
}


@pytest.mark.parametrize("name", PACKETS)
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("version", ["", "version=2"])
def test_malformed_requests(
    hub: Hub, repo: HubRepo, owner: User, service: str, name: str, version: str
) -> None:
    headers = [("Git-Protocol", version)] if version else []
    answer = post(hub, repo, owner.token, service, PACKETS[name], *headers)
    # Git answers some of these inside a 200; others never become an answer of its own.
    assert answer.status in (200, 400), answer
    assert len(answer.body) < 500_000


@pytest.mark.parametrize("service", SERVICES)
def test_a_request_that_is_cut_ends(hub: Hub, repo: HubRepo, owner: User, service: str) -> None:
    head = (
        f"POST /{repo.full_name}.git/{service} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {owner.token}\r\n"
        f"Content-Type: application/x-{service}-request\r\nContent-Length: 100000\r\n\r\n"
    ).encode()
    body = pkt(ZERO + b" " + b"12" * 20 + b" refs/heads/x\0report-status") + b"0000PACK\0\0\0\2"
    answer = exchange(hub.process.port, [head, body], half_close=True)
    assert answer.status == 0 or answer.status >= 400


# Compression


class Zeros(io.RawIOBase):
    """That many zero bytes."""

    def __init__(self, size: int) -> None:
        self._left = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = bytes(min(size if size >= 0 else self._left, self._left))
        self._left -= len(data)
        return data


def bomb(size: int) -> bytes:
    compressor = zlib.compressobj(9, wbits=31)
    source = Zeros(size)
    pieces = [compressor.compress(data) for data in iter(lambda: source.read(1 << 20), b"")]
    return b"".join([*pieces, compressor.flush()])


def test_a_bomb_is_not_inflated(hub: Hub, repo: HubRepo, owner: User) -> None:
    body = bomb(300 << 20)
    assert len(body) < 400_000
    before = resident_bytes(hub)
    answer = post(hub, repo, owner.token, "git-upload-pack", body, ("Content-Encoding", "gzip"))
    assert answer.status in (0, 400, 413)
    assert resident_bytes(hub) - before < 64 << 20


def test_a_bomb_behind_a_valid_beginning(hub: Hub, repo: HubRepo, owner: User) -> None:
    body = gzip.compress(pkt(b"want " + b"12" * 20 + b"\n")) + bomb(100 << 20)
    assert post(hub, repo, owner.token, "git-upload-pack", body, ("Content-Encoding", "gzip")).status in (
        0,
        400,
    )


def resident_bytes(hub: Hub) -> int:
    with open(f"/proc/{hub.process.pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x1f\x8b",
        b"not gzip at all",
        gzip.compress(b"0000")[:-3],
        gzip.compress(b"0000") + b"x",
        zlib.compress(b"0000"),
    ],
    ids=["empty", "begun", "none", "cut", "more", "zlib"],
)
def test_what_is_no_gzip(hub: Hub, repo: HubRepo, owner: User, service: str, body: bytes) -> None:
    assert post(hub, repo, owner.token, service, body, ("Content-Encoding", "gzip")).status in (0, 400)


@pytest.mark.parametrize("encoding", ["deflate", "br", "gzip, gzip", "zstd", "x", "gzip;q=1"])
def test_other_encodings(hub: Hub, repo: HubRepo, owner: User, encoding: str) -> None:
    assert (
        post(hub, repo, owner.token, "git-upload-pack", b"0000", ("Content-Encoding", encoding)).status == 400
    )


@pytest.mark.parametrize(
    "media_type", ["", "text/plain", "application/x-git-receive-pack-request", "multipart/form-data"]
)
def test_other_media_types(hub: Hub, repo: HubRepo, owner: User, media_type: str) -> None:
    """A form of another site cannot send the right one."""
    answer = request(
        hub.process.port,
        "POST",
        f"/{repo.full_name}.git/git-upload-pack",
        [("Content-Type", media_type), ("Authorization", f"Bearer {owner.token}")],
        b"0000",
    )
    assert answer.status == 400


# Permission


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?service=git-upload-pack",
        "?service=git-receive-pack",
        "?service=git-upload-pack&service=git-receive-pack",
    ],
)
def test_permission_does_not_depend_on_the_query(hub: Hub, query: str) -> None:
    """A Git server let anybody push because it chose the permission by ``?service=``."""
    reader = hub.user()
    public = hub.repo((reader, Role.READER), visibility=Visibility.PUBLIC)
    tip = hub.snapshot(public.id)["git_refs"][0][1]
    push = pkt(ZERO + b" " + str(tip).encode() + b" refs/heads/mine\0report-status") + b"0000" + EMPTY_PACK
    before = hub.fingerprint(public)
    assert post(hub, public, None, "git-receive-pack", push, query=query).status == 401
    assert post(hub, public, reader.token, "git-receive-pack", push, query=query).status == 403
    assert post(hub, public, "wrong", "git-receive-pack", push, query=query).status == 401
    assert hub.fingerprint(public) == before


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "get", "X"])
def test_other_methods(hub: Hub, repo: HubRepo, method: str) -> None:
    for service in SERVICES:
        answer = request(hub.process.port, method, f"/{repo.full_name}.git/{service}")
        assert answer.status in (0, 400, 405), answer


def test_a_push_needs_no_question_before(hub: Hub, owner: User) -> None:
    other = hub.repo((owner, Role.OWNER))
    tip = str(hub.snapshot(other.id)["git_refs"][0][1]).encode()
    push = pkt(ZERO + b" " + tip + b" refs/heads/mine\0report-status") + b"0000" + EMPTY_PACK
    answer = post(hub, other, owner.token, "git-receive-pack", push)
    assert answer.status == 200
    assert b"ok refs/heads/mine" in answer.body


def test_an_object_of_another_repo_cannot_be_fetched(hub: Hub, repo: HubRepo, owner: User) -> None:
    other = hub.repo()
    tip = str(hub.snapshot(other.id)["git_refs"][0][1]).encode()
    tree_request = pkt(b"want " + tip + b" no-progress\n") + b"0000" + pkt(b"done\n")
    answer = post(hub, repo, owner.token, "git-upload-pack", tree_request)
    assert b"PACK" not in answer.body
    v2 = pkt(b"command=fetch") + b"0001" + pkt(b"want " + tip + b"\n") + pkt(b"done\n") + b"0000"
    answer = post(hub, repo, owner.token, "git-upload-pack", v2, ("Git-Protocol", "version=2"))
    assert b"PACK" not in answer.body


@pytest.mark.parametrize(
    "value", ["version=2:evil", "version=99", "version=2\tx", "a" * 5000, "version=2;rm -rf", "=", ":" * 2000]
)
def test_protocol_headers(hub: Hub, repo: HubRepo, owner: User, value: str) -> None:
    answer = request(
        hub.process.port,
        "GET",
        f"/{repo.full_name}.git/info/refs?service=git-upload-pack",
        [("Authorization", f"Bearer {owner.token}"), ("Git-Protocol", value)],
    )
    assert answer.status == 200
