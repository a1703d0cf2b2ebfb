"""A private repo and a missing one look the same, on every endpoint of Git and Git LFS."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
import pytest

from modelkeep.domain.access import Role, Visibility
from tests.support.hub import Hub, HubRepo, User

Answer = tuple[int, list[tuple[str, str]], str]

OID = "ab" * 32
LFS = {"Accept": "application/vnd.git-lfs+json", "Content-Type": "application/vnd.git-lfs+json"}


@dataclass(frozen=True)
class Call:
    """A request to an endpoint of a repo; ``path`` follows the repo's address."""

    method: str
    path: str
    body: bytes = b""
    media_type: str = ""


def lfs(path: str, body: bytes = b"{}") -> Call:
    return Call("POST", f"/info/lfs{path}", body, "application/vnd.git-lfs+json")


BATCH = b'{"operation": "%s", "objects": [{"oid": "' + OID.encode() + b'", "size": 3}]}'
SEVERAL = b",".join([b'{"oid": "' + OID.encode() + b'", "size": 3}'] * 1001)
CALLS = {
    "fetch refs": Call("GET", "/info/refs?service=git-upload-pack"),
    "push refs": Call("GET", "/info/refs?service=git-receive-pack"),
    "dumb refs": Call("GET", "/info/refs"),
    "unknown service": Call("GET", "/info/refs?service=git-upload-archive"),
    "fetch": Call("POST", "/git-upload-pack", b"0000", "application/x-git-upload-pack-request"),
    "push": Call("POST", "/git-receive-pack", b"0000", "application/x-git-receive-pack-request"),
    "push of garbage": Call("POST", "/git-receive-pack", b"zzzz", "application/x-git-receive-pack-request"),
    "fetch as another type": Call("POST", "/git-upload-pack", b"0000", "text/plain"),
    "dumb head": Call("GET", "/HEAD"),
    "dumb object": Call("GET", "/objects/info/packs"),
    "download batch": lfs("/objects/batch", BATCH.replace(b"%s", b"download")),
    "upload batch": lfs("/objects/batch", BATCH.replace(b"%s", b"upload")),
    "large batch": lfs("/objects/batch", b'{"operation": "download", "objects": [' + SEVERAL + b"]}"),
    "malformed batch": lfs("/objects/batch", b'{"operation": "dance"}'),
    "verify": lfs("/verify", b'{"oid": "' + OID.encode() + b'", "size": 3}'),
    "locks": Call("GET", "/info/lfs/locks"),
    "locks by cursor": Call("GET", "/info/lfs/locks?cursor=zzz"),
    "lock": lfs("/locks", b'{"path": "a.bin"}'),
    "locks for push": lfs("/locks/verify"),
    "unlock": lfs("/locks/1234/unlock"),
    "download": Call("GET", f"/info/lfs/objects/{OID}"),
    "upload": Call("PUT", f"/info/lfs/objects/{OID}", b"abc", "application/octet-stream"),
    "part": Call("PUT", f"/info/lfs/objects/{OID}/parts/1", b"abc"),
    "complete": lfs(f"/objects/{OID}/complete"),
    "resume": Call("PATCH", f"/info/lfs/objects/{OID}", b"abc", "application/offset+octet-stream"),
}


@pytest.fixture(scope="module")
def private(hub: Hub) -> HubRepo:
    return hub.repo(visibility=Visibility.PRIVATE)


@pytest.fixture(scope="module")
def stranger(hub: Hub) -> User:
    return hub.user()


def ask(hub: Hub, call: Call, namespace: str, name: str, secret: str | None, suffix: str) -> Answer:
    """Everything of an answer but for what must differ: the request's id, and the name that was asked for."""
    headers = {"Content-Type": call.media_type} if call.media_type else {}
    answer = hub.request(
        call.method, f"/{namespace}/{name}{suffix}{call.path}", secret, content=call.body, headers=headers
    )
    request_id = answer.headers["x-request-id"]
    shown = answer.text.replace(request_id, "ID").replace(name, "NAME").replace(namespace, "NAMESPACE")
    # Whether the server had read the body before it answered is a matter of chance, and of no repo.
    varying = ("x-request-id", "date", "connection")
    kept = httpx.Headers({key: value for key, value in answer.headers.items() if key not in varying})
    if "content-length" in kept:
        kept["content-length"] = str(len(shown))
    return answer.status_code, sorted(kept.items()), shown


@pytest.mark.parametrize("suffix", ["", ".git"])
@pytest.mark.parametrize("name", CALLS)
def test_a_stranger_cannot_tell_them_apart(
    hub: Hub, private: HubRepo, stranger: User, name: str, suffix: str
) -> None:
    call = CALLS[name]
    for secret in (None, stranger.token):
        known = ask(hub, call, private.namespace, private.name, secret, suffix)
        missing = ask(hub, call, private.namespace, "zqx0", secret, suffix)
        elsewhere = ask(hub, call, "zqx1", "zqx0", secret, suffix)
        assert known == missing == elsewhere


@pytest.mark.parametrize(
    "name",
    ["fetch refs", "push refs", "fetch", "push", "download batch", "upload batch", "locks", "lock", "unlock"],
)
def test_the_answers_make_clients_ask_for_credentials(
    hub: Hub, private: HubRepo, stranger: User, name: str
) -> None:
    status, headers, _ = ask(hub, CALLS[name], private.namespace, private.name, None, ".git")
    challenges = {key: value for key, value in headers if key.endswith("authenticate")}
    assert status == 401
    assert challenges["www-authenticate"].startswith('Basic realm="')
    assert ("lfs-authenticate" in challenges) == ("info/lfs" in CALLS[name].path)
    assert ask(hub, CALLS[name], private.namespace, private.name, stranger.token, ".git")[0] == 404


def test_a_deleted_repo_looks_missing(hub: Hub, stranger: User) -> None:
    repo = hub.repo(visibility=Visibility.PUBLIC)
    hub.services.repos.delete(hub.local, repo.namespace, repo.name)
    for call in CALLS.values():
        for secret in (None, stranger.token):
            assert ask(hub, call, repo.namespace, repo.name, secret, "") == ask(
                hub, call, repo.namespace, "zqx0", secret, ""
            )


def test_a_repo_outside_of_a_tokens_limits_looks_missing(hub: Hub, private: HubRepo) -> None:
    owner = hub.user()
    hub.services.repo_members.set(hub.local, private.namespace, private.name, owner.name, Role.OWNER)
    secret = hub.token(owner.name, limits=[f"{private.namespace}/another"])
    for call in CALLS.values():
        assert ask(hub, call, private.namespace, private.name, secret, "") == ask(
            hub, call, private.namespace, "zqx0", secret, ""
        )
