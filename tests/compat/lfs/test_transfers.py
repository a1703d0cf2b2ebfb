"""Transfers of single objects: right bytes, wrong bytes, parts of them, and the tickets that open them."""

from __future__ import annotations

import base64
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from modelkeep.domain.access import Role, Visibility
from modelkeep.domain.lfs import Oid
from modelkeep.identity.signing import Signer
from modelkeep.services.ports import utc_now
from modelkeep.services.tickets import Act, Tickets
from tests.support.hub import Hub, HubRepo, User
from tests.support.lfs import LfsClient, oid_of, wanted
from tests.support.raw_http import exchange

Fresh = Callable[[int], bytes]


@contextmanager
def unchanged(lfs: LfsClient) -> Iterator[None]:
    before = lfs.hub.fingerprint(lfs.repo)
    yield
    after = lfs.hub.fingerprint(lfs.repo)
    for part, value in before.items():
        assert after[part] == value, part


def test_action_urls_work_without_any_header(lfs: LfsClient, fresh: Fresh) -> None:
    content = fresh(1000)
    actions = lfs.actions("upload", content)

    def send(method: str, href: str, body: bytes | None) -> tuple[int, bytes]:
        url = urlsplit(href)
        connection = http.client.HTTPConnection(url.netloc, timeout=10)
        connection.putrequest(method, f"{url.path}?{url.query}", skip_accept_encoding=True)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        result = answer.status, answer.read()
        connection.close()
        return result

    assert send("PUT", actions["upload"]["href"], content)[0] == 200
    assert send("POST", actions["verify"]["href"], json.dumps(wanted(content)[0]).encode())[0] == 200
    assert send("GET", lfs.download_url(content), None) == (200, content)


def test_credentials_of_another_server_on_an_action_url_are_ignored(lfs: LfsClient, fresh: Fresh) -> None:
    content = fresh(100)
    lfs.upload(content)
    for value in ("Bearer of-another-server", "Basic !!!", "AWS4-HMAC-SHA256 Credential=x"):
        got = lfs.bare.get(lfs.download_url(content), headers={"Authorization": value})
        assert got.status_code == 200
        verify = lfs.actions("upload", fresh(10))["verify"]["href"]
        assert (
            lfs.bare.post(verify, json=wanted(content)[0], headers={"Authorization": value}).status_code
            == 403
        )


def test_verify_of_what_was_not_uploaded(lfs: LfsClient, fresh: Fresh) -> None:
    content = fresh(100)
    href = lfs.actions("upload", content)["verify"]["href"]
    answer = lfs.bare.post(href, json=wanted(content)[0])
    assert answer.status_code == 404  # a 422 would make the client call the push a success
    assert "upload it again" in answer.json()["message"]
    lfs.upload(content)
    assert lfs.bare.post(href, json={"oid": oid_of(content), "size": 99}).status_code == 404
    malformed: list[object] = [{}, {"oid": "x", "size": 1}, {"oid": oid_of(content), "size": -1}, [], None]
    for body in malformed:
        assert lfs.bare.post(href, json=body).status_code == 400


def test_verify_with_credentials_and_without_a_ticket(lfs: LfsClient, fresh: Fresh) -> None:
    content = fresh(100)
    assert lfs.post("/verify", wanted(content)[0]).status_code == 404
    lfs.upload(content)
    assert lfs.post("/verify", wanted(content)[0]).status_code == 200


@pytest.mark.parametrize("wrong", ["other bytes", "shorter", "longer", "empty", "much longer"])
@pytest.mark.parametrize("chunked", [False, True])
def test_wrong_bytes_are_refused_and_leave_nothing(
    lfs: LfsClient, fresh: Fresh, wrong: str, chunked: bool
) -> None:
    content = fresh(70_000)
    sent = {
        "other bytes": fresh(70_000),
        "shorter": content[:-1],
        "longer": content + b"x",
        "empty": b"",
        "much longer": content + bytes(3 << 20),
    }[wrong]
    url = lfs.upload_url(content)
    with unchanged(lfs):
        answer = lfs.bare.put(url, content=iter([sent]) if chunked else sent)
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert not lfs.hub.has_blob(content)
    # The empty object may be there by right, from another test of this hub.
    assert not sent or not lfs.hub.has_blob(sent)
    assert lfs.bare.put(url, content=content).status_code == 200


def test_a_chunked_upload(lfs: LfsClient, fresh: Fresh) -> None:
    content = fresh(200_000)
    pieces = iter([content[:1], content[1:100_000], content[100_000:]])
    assert lfs.bare.put(lfs.upload_url(content), content=pieces).status_code == 200
    assert lfs.bare.get(lfs.download_url(content)).content == content


@pytest.mark.parametrize("announced", ["length", "chunked"])
def test_an_upload_that_is_cut_leaves_nothing(hub: Hub, lfs: LfsClient, fresh: Fresh, announced: str) -> None:
    content = fresh(300_000)
    url = urlsplit(lfs.upload_url(content))
    length = f"Content-Length: {len(content)}" if announced == "length" else "Transfer-Encoding: chunked"
    head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n{length}\r\n\r\n".encode()
    part = content[:150_000] if announced == "length" else b"249f0\r\n" + content[:150_000] + b"\r\n"
    before = hub.fingerprint(lfs.repo)
    answer = exchange(hub.process.port, [head, part], half_close=True)
    assert answer.status == 0 or answer.status >= 400
    wait_until(lambda: hub.fingerprint(lfs.repo) == before)
    assert not hub.has_blob(content)


def wait_until(holds: Callable[[], bool]) -> None:
    """The server may still be cleaning up when the connection is closed."""
    gate = threading.Event()
    for _ in range(200):
        if holds():
            return
        gate.wait(0.05)
    raise AssertionError("it did not come to pass within ten seconds")


def test_the_same_object_uploaded_many_times_at_once(hub: Hub, lfs: LfsClient, fresh: Fresh) -> None:
    content = fresh(400_000)
    urls = [lfs.upload_url(content) for _ in range(8)]
    statuses: list[int] = []

    def put(url: str, body: bytes) -> None:
        with hub.client() as client:
            statuses.append(client.put(url, content=body).status_code)

    bodies = [content] * 6 + [content[:-1] + b"?", content[:1000]]
    threads = [threading.Thread(target=put, args=pair) for pair in zip(urls, bodies, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 6 + [400] * 2
    assert lfs.bare.get(lfs.download_url(content)).content == content
    assert list((hub.blobs / "tmp").iterdir()) == []


# Reading


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes=10-", (10, 5000)),
        ("bytes=-10", (4990, 5000)),
        ("bytes=4999-4999", (4999, 5000)),
        ("bytes=4000-9999999", (4000, 5000)),
        ("bytes=0-4999", (0, 5000)),
        ("bytes=-99999", (0, 5000)),
    ],
)
def test_ranges(lfs: LfsClient, value: str, expected: tuple[int, int]) -> None:
    content = bytes(range(250)) * 20
    lfs.upload(content)
    start, stop = expected
    answer = lfs.bare.get(lfs.download_url(content), headers={"Range": value})
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/5000"
    assert answer.headers["content-length"] == str(stop - start)
    assert answer.content == content[start:stop]


@pytest.mark.parametrize("value", ["bytes=5000-", "bytes=9999999-", "bytes=-0"])
def test_a_range_behind_the_end(lfs: LfsClient, value: str) -> None:
    content = bytes(range(250)) * 20
    lfs.upload(content)
    answer = lfs.bare.get(lfs.download_url(content), headers={"Range": value})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */5000"


@pytest.mark.parametrize(
    "value", ["bytes=x-y", "bytes=9-3", "bytes=", "lines=1-2", "bytes=0-1,3-4", "bytes=" + "0-1," * 2000]
)
def test_a_range_that_is_none_gives_everything(lfs: LfsClient, value: str) -> None:
    content = bytes(range(250)) * 20
    lfs.upload(content)
    answer = lfs.bare.get(lfs.download_url(content), headers={"Range": value})
    assert answer.status_code == 200
    assert answer.content == content


def test_conditions(lfs: LfsClient) -> None:
    content = bytes(range(250)) * 20
    lfs.upload(content)
    url, etag = lfs.download_url(content), f'"{oid_of(content)}"'
    head = lfs.bare.head(url)
    assert (head.status_code, head.headers["etag"], head.headers["content-length"]) == (200, etag, "5000")
    assert head.headers["accept-ranges"] == "bytes"
    assert head.content == b""
    assert lfs.bare.get(url, headers={"If-None-Match": etag}).status_code == 304
    partial = {"Range": "bytes=0-9"}
    assert lfs.bare.get(url, headers={**partial, "If-Range": etag}).status_code == 206
    assert lfs.bare.get(url, headers={**partial, "If-Range": '"another"'}).status_code == 200
    assert lfs.bare.head(url, headers=partial).headers["content-length"] == "10"


def test_a_download_cannot_run_in_a_browser(lfs: LfsClient, fresh: Fresh) -> None:
    content = b"<script>alert(1)</script>" + fresh(10)
    lfs.upload(content)
    headers = lfs.bare.get(lfs.download_url(content)).headers
    assert headers["content-disposition"].startswith("attachment")
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    assert headers["content-type"] == "application/octet-stream"


# Tickets


def ticket(url: str) -> str:
    return url.partition("?ticket=")[2]


def refused(lfs: LfsClient, method: str, url: str, content: bytes = b"") -> str:
    with unchanged(lfs):
        answer = lfs.bare.request(method, url, content=content)
    assert answer.status_code == 403, answer.text
    assert "www-authenticate" not in answer.headers
    code: str = answer.json()["code"]
    return code


def test_without_a_ticket(lfs: LfsClient, fresh: Fresh) -> None:
    content = fresh(10)
    lfs.upload(content)
    base = lfs.download_url(content).partition("?")[0]
    for url in (base, f"{base}?ticket=", f"{base}?Ticket=x"):
        assert refused(lfs, "GET", url) == "ticket_missing"
    assert refused(lfs, "PUT", base, content) == "ticket_missing"


def test_forged_tickets(lfs: LfsClient, fresh: Fresh) -> None:
    content = fresh(10)
    lfs.upload(content)
    url = lfs.download_url(content)
    base, text = url.partition("?")[0], ticket(url)
    payload, _, signature = text.partition(".")
    decoded = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    longer = base64.urlsafe_b64encode(
        json.dumps([*decoded[:6], decoded[6] + 1, decoded[7]], separators=(",", ":")).encode()
    ).decode()
    flipped = "A" if signature[0] != "A" else "B"
    forged = [
        f"{longer.rstrip('=')}.{signature}",
        f"{payload}.{flipped}{signature[1:]}",
        f"{payload}.",
        payload,
        f".{signature}",
        signature,
        f"{payload}.{signature}x",
        f"{payload}.{signature[:-1]}",
        "é",
        "%00",
        "a" * 5000,
        base64.urlsafe_b64encode(b"[" * 500).decode(),
        base64.urlsafe_b64encode(b"[1]").decode(),
        base64.urlsafe_b64encode(b"null").decode() + ".x",
        base64.urlsafe_b64encode(b"[1,2,3,4,5,6,7,8]").decode() + ".x",
    ]
    for other in forged:
        assert refused(lfs, "GET", f"{base}?ticket={other}") == "forged_url", other


def test_a_ticket_for_something_else(hub: Hub, lfs: LfsClient, fresh: Fresh) -> None:
    one, other, new = fresh(10), fresh(11), fresh(12)
    lfs.upload(one)
    lfs.upload(other)
    url = lfs.download_url(one)
    up = lfs.actions("upload", new)
    stem = url.partition(oid_of(one))[0]
    # Another object, another act, another method.
    assert refused(lfs, "GET", f"{stem}{oid_of(other)}?ticket={ticket(url)}") == "forged_url"
    assert refused(lfs, "PUT", f"{stem}{oid_of(new)}?ticket={ticket(url)}", new) == "forged_url"
    assert refused(lfs, "GET", up["upload"]["href"]) == "forged_url"
    assert (
        refused(lfs, "PUT", f"{stem}{oid_of(new)}?ticket={ticket(up['verify']['href'])}", new) == "forged_url"
    )
    assert (
        refused(lfs, "PUT", f"{stem}{oid_of(new)}/parts/1?ticket={ticket(up['upload']['href'])}", new)
        == "forged_url"
    )
    patch = lfs.bare.patch(
        up["upload"]["href"],
        content=new,
        headers={"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
    )
    assert patch.status_code == 403


def test_a_ticket_stays_with_its_repo(hub: Hub, lfs: LfsClient, user: User, fresh: Fresh) -> None:
    """The repo in the path does not count: it may have been renamed since; what was signed counts."""
    other = hub.repo((user, Role.CONTRIBUTOR))
    content = fresh(10)
    url = lfs.upload_url(content).replace(lfs.repo.full_name, other.full_name)
    assert lfs.bare.put(url, content=content).status_code == 200
    assert lfs.batch("download", wanted(content))["objects"][0].get("actions")
    assert (
        LfsClient(hub, other, user.token).batch("download", wanted(content))["objects"][0]["error"]["code"]
        == 404
    )


@pytest.mark.parametrize("act", [Act.DOWNLOAD, Act.UPLOAD, Act.RESUME, Act.PART, Act.COMPLETE, Act.VERIFY])
def test_expired_tickets(hub: Hub, lfs: LfsClient, user: User, fresh: Fresh, act: Act) -> None:
    content = fresh(10)
    if act is Act.DOWNLOAD:
        lfs.upload(content)
    oid = Oid(oid_of(content))
    tickets = hub.tickets_at(utc_now() - timedelta(hours=2))
    text = tickets.issue(act, hub.actor(user.token), lfs.repo.id, oid, 10, part=1 if act is Act.PART else 0)
    base = f"{lfs.repo.lfs_url}/objects/{oid}"
    method, url, body = {
        Act.DOWNLOAD: ("GET", base, b""),
        Act.UPLOAD: ("PUT", base, content),
        Act.RESUME: ("HEAD", base, b""),
        Act.PART: ("PUT", f"{base}/parts/1", content),
        Act.COMPLETE: ("POST", f"{base}/complete", b'{"parts": []}'),
        Act.VERIFY: ("POST", f"{lfs.repo.lfs_url}/verify", json.dumps(wanted(content)[0]).encode()),
    }[act]
    if act is Act.RESUME:
        answer = lfs.bare.head(f"{url}?ticket={text}", headers={"Tus-Resumable": "1.0.0"})
        assert answer.status_code == 403
    else:
        assert refused(lfs, method, f"{url}?ticket={text}", body) == "expired_url"


def test_a_ticket_signed_with_another_key(hub: Hub, lfs: LfsClient, user: User, fresh: Fresh) -> None:
    content = fresh(10)
    lfs.upload(content)
    forger = Tickets(replace(hub.stores, signer=Signer(b"0" * 32)), hub.rules)
    text = forger.issue(Act.DOWNLOAD, hub.actor(user.token), lfs.repo.id, Oid(oid_of(content)), 10)
    assert refused(lfs, "GET", f"{lfs.repo.lfs_url}/objects/{oid_of(content)}?ticket={text}") == "forged_url"


@pytest.mark.parametrize("how", ["token revoked", "user disabled", "role taken", "repo deleted"])
def test_a_ticket_ends_with_the_right_that_it_came_from(hub: Hub, fresh: Fresh, how: str) -> None:
    member = hub.user()
    repo = hub.repo((hub.user(), Role.OWNER), (member, Role.CONTRIBUTOR))
    client = LfsClient(hub, repo, hub.token(member.name))
    stored, new = fresh(10), fresh(10)
    client.upload(stored)
    down, up = client.download_url(stored), client.upload_url(new)
    if how == "token revoked":
        hub.revoke(str(client._secret))
    elif how == "user disabled":
        hub.services.accounts.update(hub.local, member.name, is_disabled=True)
    elif how == "role taken":
        hub.services.organisations.remove_member(hub.local, repo.namespace, member.name)
    else:
        hub.services.repos.delete(hub.local, repo.namespace, repo.name)
    before = hub.fingerprint(repo)
    assert hub.http.get(down).status_code in (403, 404)
    assert hub.http.put(up, content=new).status_code in (403, 404)
    assert hub.fingerprint(repo) == before


def test_an_anonymous_ticket_ends_when_the_repo_is_no_longer_public(hub: Hub, fresh: Fresh) -> None:
    owner = hub.user()
    repo = hub.repo((owner, Role.OWNER), visibility=Visibility.PUBLIC)
    content = fresh(10)
    LfsClient(hub, repo, owner.token).upload(content)
    url = LfsClient(hub, repo, None).download_url(content)
    assert hub.http.get(url).status_code == 200
    hub.services.repos.update(hub.local, repo.namespace, repo.name, visibility=Visibility.PRIVATE)
    assert hub.http.get(url).status_code in (403, 404)


def test_a_reader_gets_no_upload_ticket_by_losing_the_role_midway(hub: Hub, fresh: Fresh) -> None:
    member = hub.user()
    repo: HubRepo = hub.repo((hub.user(), Role.OWNER), (member, Role.CONTRIBUTOR))
    content = fresh(10)
    url = LfsClient(hub, repo, member.token).upload_url(content)
    hub.services.organisations.set_member(hub.local, repo.namespace, member.name, Role.READER)
    assert hub.http.put(url, content=content).status_code == 403
    assert not hub.has_blob(content)
