"""Xorbs on their way in: to the door, or by a grant."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from modelkeep.domain.access import Role
from tests.support.hub import Hub, HubRepo, User
from tests.support.raw_http import exchange
from tests.support.xet import XetClient, Xorb, file_block, shard

NewXorb = Callable[..., Xorb]


def test_a_second_sending_inserts_nothing(client: XetClient, xorb: Xorb) -> None:
    assert client.send_xorb(xorb).json() == {"was_inserted": False}


def test_a_xorb_that_is_not_what_its_hash_says(client: XetClient, new_xorb: NewXorb) -> None:
    one, other = new_xorb(), new_xorb()
    for data in (other.data, one.data[:-1], one.data + b"more", b"", b"\x07" * 100):
        refused = client.send_xorb(one, data)
        assert refused.status_code == 400, refused.text
    refused = client.request("POST", "/v1/xorbs/default/nonsense", content=one.data)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_hash")
    assert client.send_shard(shard([file_block([(one, 0, 6)])])).json()["code"] == "xorb_missing"


def test_a_grant(hub: Hub, client: XetClient, new_xorb: NewXorb) -> None:
    xorb = new_xorb()
    asked = {"length": len(xorb.data), "checksum": {"algo": "crc64nvme", "value": "1"}}
    granted = client.request("POST", f"/v1/xorb-grants/default/{xorb.hash}", json=asked)
    assert (granted.status_code, granted.json()["method"], granted.json()["headers"]) == (201, "PUT", {})
    commit = f"/v1/xorb-commits/default/{xorb.hash}/grant/{granted.json()['id']}"
    assert client.request("POST", commit).status_code == 404
    url = granted.json()["url"]
    assert hub.http.put(url, content=xorb.data[:-1]).status_code == 400
    assert hub.http.put(url, content=b"x" * len(xorb.data)).status_code == 400
    assert hub.http.put(url, content=xorb.data).status_code == 200
    assert client.request("POST", commit).status_code == 200
    again = client.request("POST", f"/v1/xorb-grants/default/{xorb.hash}", json=asked)
    assert again.status_code == 200
    assert client.send_shard(shard([file_block([(xorb, 0, 6)])])).status_code == 200


def test_a_grant_is_for_one_xorb_of_somebody_who_may_write(
    hub: Hub, user: User, repo: HubRepo, client: XetClient, new_xorb: NewXorb
) -> None:
    xorb, other = new_xorb(), new_xorb()
    asked = {"length": len(xorb.data)}
    url = client.request("POST", f"/v1/xorb-grants/default/{xorb.hash}", json=asked).json()["url"]
    assert hub.http.put(url.replace(xorb.hash, other.hash), content=other.data).status_code == 403
    hub.services.organisations.set_member(hub.local, repo.namespace, user.name, Role.READER)
    assert hub.http.put(url, content=xorb.data).status_code == 403
    assert client.send_xorb(xorb).status_code == 403


def test_grants_for_nonsense(client: XetClient, xorb: Xorb) -> None:
    path = f"/v1/xorb-grants/default/{xorb.hash}"
    for length in (None, "5", 0, -1, True):
        assert client.request("POST", path, json={"length": length}).status_code == 400
    assert client.request("POST", path, content=b"[").status_code == 400
    assert client.request("POST", path, json={"length": 1 << 40}).status_code == 413


def test_a_cut_upload_leaves_nothing(hub: Hub, client: XetClient, new_xorb: NewXorb) -> None:
    xorb = new_xorb(40)
    before = {path for path in hub.blobs.rglob("*") if path.is_file()}
    head = (
        f"POST {urlsplit(client.cas).path}/v1/xorbs/default/{xorb.hash} HTTP/1.1\r\nHost: hub\r\n"
        f"Authorization: Bearer {client.token}\r\nContent-Length: {len(xorb.data)}\r\n\r\n"
    )
    exchange(hub.process.port, [head.encode(), xorb.data[: len(xorb.data) // 2]], half_close=True)
    assert client.send_shard(shard([file_block([(xorb, 0, 6)])])).json()["code"] == "xorb_missing"
    assert client.send_xorb(xorb).json() == {"was_inserted": True}
    assert {path for path in hub.blobs.rglob("*") if path.is_file()} - before == {
        hub.stores.blobs.xorbs.path(xorb.hash)
    }


def test_without_a_token(hub: Hub, client: XetClient, xorb: Xorb) -> None:
    url = f"{client.cas}/v1/xorbs/default/{xorb.hash}"
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {client.token}x"}):
        refused = hub.http.post(url, content=xorb.data, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "xet_token_invalid")
