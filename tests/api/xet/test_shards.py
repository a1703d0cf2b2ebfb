"""What a shard says is computed again; what is not so is refused, and nothing of it is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from modelkeep.blobs.xet.hashes import XetHash
from modelkeep.blobs.xet.shard_format import BOOKEND, HEADER, SHARD_TAG
from tests.support.hub import Hub, HubRepo, User
from tests.support.xet import Part, XetClient, Xorb, content_of, file_block, file_hash_of, shard, xorb_block

NewXorb = Callable[..., Xorb]


def _all_but_xorbs(hub: Hub, repo: HubRepo) -> dict[str, Any]:
    """Everything but the xorbs, which a refused shard may have looked at: their times say when they were of use."""
    found = dict(hub.fingerprint(repo))
    found["blob files"] = {
        name: facts for name, facts in found["blob files"].items() if not name.startswith("xorbs/")
    }
    return found


def test_a_file_is_there_for_every_door(
    hub: Hub, client: XetClient, repo: HubRepo, user: User, new_xorb: NewXorb
) -> None:
    one, other = new_xorb(), new_xorb()
    parts: list[Part] = [(one, 1, 4), (other, 0, 6), (one, 0, 1)]
    oid = client.send_file(parts)
    content = content_of(parts)
    with hub.stores.blobs.open_range(oid, 10, len(content) - 10) as reader:
        read = b"".join(iter(lambda: reader.read(1000), b""))
    assert read == content[10:-10]
    again = XetClient(hub, repo, user.token, "read").plan(file_hash_of(parts))
    assert [term["hash"] for term in again.json()["terms"]] == [one.hash, other.hash, one.hash]


def test_version_two_tells_how_far_it_is(client: XetClient, xorb: Xorb) -> None:
    frames = client.send_shard_told(shard([file_block([(xorb, 0, 6)])], [xorb_block(xorb)]))
    assert frames[-1] == {"type": "result"}
    assert {frame["type"] for frame in frames[:-1]} == {"validating", "committing"}
    assert {frame["stage"] for frame in frames if "stage" in frame} <= {"uploading", "syncing"}


def test_a_file_without_a_sha256_gets_one(hub: Hub, client: XetClient, repo: HubRepo, xorb: Xorb) -> None:
    parts: list[Part] = [(xorb, 0, 6)]
    assert client.send_shard(shard([file_block(parts, sha256=None)])).status_code == 200
    assert hub.stores.blobs.stat(hashlib.sha256(content_of(parts)).hexdigest()) is not None


def test_the_same_shard_twice_and_a_file_twice_in_it(client: XetClient, xorb: Xorb) -> None:
    data = shard([file_block([(xorb, 0, 6)]), file_block([(xorb, 0, 6)], sha256=None)], [xorb_block(xorb)])
    assert [client.send_shard(data).status_code for _ in range(2)] == [200, 200]


def test_the_empty_file(hub: Hub, client: XetClient) -> None:
    assert client.send_shard(shard([file_block([])])).status_code == 200
    assert hub.stores.blobs.stat(hashlib.sha256(b"").hexdigest()) is not None
    assert client.plan("0" * 64).json()["terms"] == []


_OTHER = "ab" * 32
_POISON: dict[str, tuple[dict[str, Any], str]] = {
    "another SHA-256": ({"sha256": _OTHER}, "oid_mismatch"),
    "another file hash": ({"name": XetHash(_OTHER)}, "file_hash_mismatch"),
    "a wrong proof": ({"proof": False}, "invalid_shard"),
    "no proof": ({"proof": None}, "invalid_shard"),
    "a length that is not so": ({"lengths": [70]}, "invalid_shard"),
    "a count beyond the end": ({"count": 4_294_967_295}, "invalid_shard"),
    "chunks behind the end": ({"chunks": (0, 7)}, "invalid_shard"),
    "chunks backwards": ({"chunks": (4, 2)}, "invalid_shard"),
    "no chunks": ({"chunks": (2, 2)}, "invalid_shard"),
    "other chunks": ({"chunks": (1, 6)}, "invalid_shard"),
}


@pytest.mark.parametrize("lie", _POISON)
def test_lies_about_a_file(
    hub: Hub, client: XetClient, repo: HubRepo, xorb: Xorb, lie: str, new_xorb: NewXorb
) -> None:
    lies, code = _POISON[lie]
    good = new_xorb()
    client.send_xorb(good)
    before = _all_but_xorbs(hub, repo)
    data = shard([file_block([(good, 0, 6)]), file_block([(xorb, 0, 6)], **lies)])
    refused = client.send_shard(data)
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    told = client.send_shard_told(data)[-1]
    assert (told["type"], told["retryable"]) == ("error", False)
    assert told["message"] == refused.json()["error"]
    for parts in ([(good, 0, 6)], [(xorb, 0, 6)]):
        oid = hashlib.sha256(content_of(parts)).hexdigest()
        assert hub.stores.blobs.stat(oid) is None
        assert client.plan(file_hash_of(parts)).status_code == 404
    assert hub.stores.blobs.stat(_OTHER) is None
    assert _all_but_xorbs(hub, repo) == before


def test_two_sha256_of_one_file(client: XetClient, xorb: Xorb) -> None:
    files = [file_block([(xorb, 0, 6)]), file_block([(xorb, 0, 6)], sha256=_OTHER)]
    assert client.send_shard(shard(files)).json()["code"] in ("invalid_shard", "oid_mismatch")


def test_lies_about_a_xorb(client: XetClient, xorb: Xorb) -> None:
    other = Xorb([*xorb.chunks[:5], b"other"])
    object.__setattr__(other, "hash", xorb.hash)
    refused = client.send_shard(shard([file_block([(xorb, 0, 6)])], [xorb_block(other)]))
    assert refused.json()["code"] == "invalid_shard"
    overlapping = bytearray(xorb_block(xorb))
    overlapping[48 * 2 + 36 : 48 * 2 + 40] = (4_000_000_000).to_bytes(4, "little")
    assert client.send_shard(shard([file_block([(xorb, 0, 6)])], [bytes(overlapping)])).json()["code"] == (
        "invalid_shard"
    )


def test_lengths_that_overflow(client: XetClient, xorb: Xorb) -> None:
    block = file_block([(xorb, 0, 6)] * 400, lengths=[4_294_967_295] * 400)
    refused = client.send_shard(shard([block]))
    assert (refused.status_code, refused.json()["code"]) == (413, "file_too_large")


@pytest.mark.parametrize("cut", [0, 10, 47, 48, 60, 96, 150, -1, -48, -96])
def test_a_cut_shard(client: XetClient, xorb: Xorb, cut: int) -> None:
    data = shard([file_block([(xorb, 0, 6)])], [xorb_block(xorb)])
    refused = client.send_shard(data[:cut])
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_shard")


def test_what_is_no_shard(client: XetClient) -> None:
    for data in (b"\xff" * 200, HEADER.pack(SHARD_TAG, 9, 0) + BOOKEND * 2, shard([]) + b"more"):
        assert client.send_shard(data).json()["code"] == "invalid_shard"


def test_a_xorb_that_was_never_sent(
    hub: Hub, client: XetClient, user: User, repo: HubRepo, new_xorb: NewXorb
) -> None:
    unsent = new_xorb()
    for data in (shard([file_block([(unsent, 0, 6)])]), shard([], [xorb_block(unsent)])):
        refused = client.send_shard(data)
        assert (refused.status_code, refused.json()["code"]) == (404, "xorb_missing")
    # What the client remembered was wrong: it gets another address, and with it another memory.
    assert XetClient(hub, repo, user.token).cas != client.cas
    assert client.send_xorb(unsent).status_code == 200
    assert client.send_shard(shard([file_block([(unsent, 0, 6)])])).status_code == 200


def test_a_token_for_reading_sends_nothing(hub: Hub, user: User, repo: HubRepo, xorb: Xorb) -> None:
    reader = XetClient(hub, repo, user.token, "read")
    answers = [
        reader.send_xorb(xorb),
        reader.send_shard(shard([])),
        reader.request("POST", "/v2/shards", content=shard([])),
        reader.request("GET", f"/v1/chunks/default/{'0' * 64}"),
        reader.request("POST", f"/v1/xorb-grants/default/{xorb.hash}", json={"length": 10}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (403, "xet_token_right")
    ] * len(answers)
