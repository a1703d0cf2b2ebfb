"""The batch API: what clients send, and what they must get back (git-lfs, docs/api/batch.md)."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from modelkeep.domain.access import Role, Visibility
from tests.support.hub import ADMIN_TOKEN, Hub, HubRepo, User
from tests.support.lfs import LfsClient, oid_of, wanted

Fresh = Callable[[int], bytes]
OID = "0a" * 32


def test_a_download_answers_with_a_signed_url_that_needs_no_header(lfs: LfsClient, fresh: Fresh) -> None:
    content = fresh(3000)
    lfs.upload(content)
    body = lfs.batch("download", wanted(content))
    (answer,) = body["objects"]
    assert body["transfer"] == "basic"
    assert body["hash_algo"] == "sha256"
    assert (answer["oid"], answer["size"], answer["authenticated"]) == (oid_of(content), 3000, True)
    action = answer["actions"]["download"]
    assert set(answer["actions"]) == {"download"}
    assert 0 < action["expires_in"] <= 86_400
    assert not action.get("header")
    assert urlsplit(action["href"]).netloc == urlsplit(lfs.repo.url).netloc
    got = lfs.bare.get(action["href"])
    assert got.content == content


def test_an_upload_answers_with_upload_and_verify(lfs: LfsClient, fresh: Fresh) -> None:
    content = fresh(10)
    (answer,) = lfs.batch("upload", wanted(content))["objects"]
    assert set(answer["actions"]) == {"upload", "verify"}
    assert answer["authenticated"] is True
    assert answer["actions"]["upload"]["header"] == {"Content-Type": "application/octet-stream"}


def test_what_is_there_needs_no_action(lfs: LfsClient, fresh: Fresh) -> None:
    content = fresh(10)
    lfs.upload(content)
    (answer,) = lfs.batch("upload", wanted(content))["objects"]
    assert answer == {"oid": oid_of(content), "size": 10}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"ref": {}},
        {"ref": None},
        {"ref": {"name": "refs/heads/main"}},
        {"transfers": []},
        {"transfers": None},
        {"transfers": ["basic"]},
        {"transfers": ["lfs-standalone-file", "basic", "ssh"]},
        {"transfers": ["unknown"]},
        {"transfers": [1, None, {}]},
        {"hash_algo": "sha256"},
        {"hash_algo": None},
        {"unknown": [1, 2]},
    ],
    ids=str,
)
@pytest.mark.parametrize("operation", ["upload", "download"])
def test_legal_shapes(lfs: LfsClient, operation: str, fields: dict[str, object]) -> None:
    body = lfs.batch(operation, [{"oid": OID, "size": 3}], **fields)
    assert body["transfer"] == "basic"
    assert [answer["oid"] for answer in body["objects"]] == [OID]


def test_no_objects_no_answers(lfs: LfsClient) -> None:
    assert lfs.batch("download", [])["objects"] == []


@pytest.mark.parametrize(
    "size", [-1, -(2**63), True, False, None, "3", 1.5, [3], 2**63, 2**64, 10**30], ids=str
)
@pytest.mark.parametrize("operation", ["upload", "download"])
def test_a_wrong_size_is_an_error_of_its_object(lfs: LfsClient, operation: str, size: object) -> None:
    answers = lfs.batch(operation, [{"oid": OID, "size": size}, {"oid": "0b" * 32, "size": 1}])["objects"]
    assert answers[0]["error"]["code"] == 422
    assert "size" in answers[0]["error"]["message"]
    assert "actions" not in answers[0]
    assert answers[1].get("error", {}).get("code") in (None, 404)


@pytest.mark.parametrize(
    "oid",
    [
        "", "x", OID[:-1], OID + "0", OID.upper(), "../" * 21 + "x", OID[:-1] + "\n", OID + "\0", "g" * 64,
        "sha256:" + OID, None, 7, ["a"], "é" * 64, "٣" * 64, "a" * 100_000,
    ],
    ids=lambda oid: repr(oid)[:20],
)  # fmt: skip
@pytest.mark.parametrize("operation", ["upload", "download"])
def test_a_wrong_oid_is_an_error_of_its_object(lfs: LfsClient, operation: str, oid: object) -> None:
    answers = lfs.batch(operation, [{"oid": oid, "size": 3}, {"oid": "0b" * 32, "size": 1}])["objects"]
    assert len(answers) == 2
    assert answers[0]["error"]["code"] == 422
    assert "actions" not in answers[0]


@pytest.mark.parametrize("item", [None, 1, "x", [], {}, {"oid": OID}, {"size": 1}], ids=str)
def test_a_wrong_object_is_an_error_of_its_own(lfs: LfsClient, item: object) -> None:
    (answer,) = lfs.batch("download", [item])["objects"]
    assert answer["error"]["code"] == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"operation": "delete", "objects": []}, 422),
        ({"operation": None, "objects": []}, 422),
        ({"objects": []}, 422),
        ({"operation": "download"}, 422),
        ({"operation": "download", "objects": {}}, 422),
        ({"operation": "download", "objects": [], "hash_algo": "md5"}, 422),
        ([], 422),
        ("text", 422),
        (None, 422),
    ],
)
def test_a_malformed_request_is_refused_whole(lfs: LfsClient, body: object, status: int) -> None:
    answer = lfs.post("/objects/batch", body)
    assert answer.status_code == status
    assert answer.json()["message"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"operation": NaN}', b'{"a":1e999999}']
)
def test_no_json_is_refused(hub: Hub, repo: HubRepo, user: User, content: bytes) -> None:
    with hub.client(user.token) as client:
        answer = client.post(f"{repo.lfs_url}/objects/batch", content=content)
    assert answer.status_code == 422
    assert answer.json()["message"]


def test_a_body_over_the_limit_is_refused(hub: Hub, repo: HubRepo, user: User) -> None:
    with hub.client(user.token) as client:
        answer = client.post(f"{repo.lfs_url}/objects/batch", content=b" " * (5 << 20))
    assert answer.status_code == 413


def test_duplicates_are_answered_each(lfs: LfsClient, fresh: Fresh) -> None:
    content = fresh(5)
    answers = lfs.batch("upload", wanted(content, content))["objects"]
    assert [answer["oid"] for answer in answers] == [oid_of(content)] * 2
    lfs.upload(content)
    answers = lfs.batch("download", wanted(content, content))["objects"]
    assert all("download" in answer["actions"] for answer in answers)


def test_more_objects_than_allowed(lfs: LfsClient) -> None:
    objects = [{"oid": f"{number:064x}", "size": 1} for number in range(10_000)]
    for count in (1001, 10_000):
        answer = lfs.try_batch("upload", objects[:count])
        assert answer.status_code == 413
        assert "1000 objects" in answer.json()["message"]
    assert len(lfs.batch("upload", objects[:1000])["objects"]) == 1000


def test_an_object_over_the_limit_is_refused_in_the_batch(lfs: LfsClient) -> None:
    answers = lfs.batch(
        "upload", [{"oid": OID, "size": (64 << 20) + 1}, {"oid": "0b" * 32, "size": 64 << 20}]
    )["objects"]
    assert answers[0]["error"]["code"] == 413
    assert "GiB" in answers[0]["error"]["message"]
    assert "actions" in answers[1]


def test_the_empty_object_is_legal(lfs: LfsClient) -> None:
    lfs.upload(b"")
    assert lfs.batch("upload", wanted(b""))["objects"] == [{"oid": oid_of(b""), "size": 0}]
    assert lfs.bare.get(lfs.download_url(b"")).content == b""


def test_a_missing_object_is_a_404_of_its_own(lfs: LfsClient) -> None:
    (answer,) = lfs.batch("download", [{"oid": OID, "size": 3}])["objects"]
    assert answer["error"]["code"] == 404


def test_another_size_than_stored(lfs: LfsClient, fresh: Fresh) -> None:
    content = fresh(20)
    lfs.upload(content)
    for operation in ("upload", "download"):
        (answer,) = lfs.batch(operation, [{"oid": oid_of(content), "size": 21}])["objects"]
        assert answer["error"]["code"] == 422


def test_a_known_oid_of_another_tenant_tells_nothing(hub: Hub, lfs: LfsClient, fresh: Fresh) -> None:
    victim = hub.user()
    theirs = LfsClient(hub, hub.repo((victim, Role.OWNER)), victim.token)
    content, unknown = fresh(2000), fresh(2000)
    theirs.upload(content)
    answers = lfs.batch("download", wanted(content, unknown))["objects"]
    assert answers[0]["error"] == answers[1]["error"]
    answers = lfs.batch("upload", wanted(content, unknown))["objects"]
    assert [sorted(answer["actions"]) for answer in answers] == [["upload", "verify"]] * 2
    # Not even with another size can one find out.
    answers = lfs.batch("upload", [{"oid": oid_of(c), "size": 1999} for c in (content, unknown)])["objects"]
    assert [sorted(answer["actions"]) for answer in answers] == [["upload", "verify"]] * 2
    for action in ("upload", "verify"):
        assert len(answers[0]["actions"][action]["href"]) == len(answers[1]["actions"][action]["href"])

    # Who has the bytes uploads them, and only then reads them.
    url = lfs.upload_url(content)
    assert lfs.bare.put(url, content=random.Random(1).randbytes(2000)).status_code == 400
    assert lfs.batch("download", wanted(content))["objects"][0]["error"]["code"] == 404
    assert lfs.bare.put(url, content=content).status_code == 200
    assert lfs.bare.get(lfs.download_url(content)).content == content


def test_what_one_may_read_elsewhere_is_not_uploaded_again(
    hub: Hub, lfs: LfsClient, user: User, fresh: Fresh
) -> None:
    public = hub.repo((hub.user(), Role.OWNER), visibility=Visibility.PUBLIC)
    mine = hub.repo((user, Role.CONTRIBUTOR))
    owner_client = LfsClient(hub, public, ADMIN_TOKEN)
    first, second = fresh(100), fresh(100)
    owner_client.upload(first)
    LfsClient(hub, mine, user.token).upload(second)
    for content in (first, second):
        (answer,) = lfs.batch("upload", wanted(content))["objects"]
        assert "actions" not in answer
        assert lfs.bare.get(lfs.download_url(content)).content == content


def test_a_token_limited_to_a_repo_does_not_vouch_for_others(hub: Hub, user: User, fresh: Fresh) -> None:
    one, other = hub.repo((user, Role.CONTRIBUTOR)), hub.repo((user, Role.CONTRIBUTOR))
    content = fresh(50)
    LfsClient(hub, one, user.token).upload(content)
    limited = LfsClient(hub, other, hub.token(user.name, limits=[other.full_name]))
    (answer,) = limited.batch("upload", wanted(content))["objects"]
    assert "upload" in answer["actions"]


@pytest.mark.parametrize("role", [Role.READER, Role.CONTRIBUTOR])
def test_uploading_needs_the_right_to_push(hub: Hub, role: Role) -> None:
    member = hub.user()
    client = LfsClient(hub, hub.repo((member, role)), member.token)
    assert client.try_batch("download", []).status_code == 200
    answer = client.try_batch("upload", [])
    assert answer.status_code == (200 if role is Role.CONTRIBUTOR else 403)


def test_an_anonymous_client_downloads_from_a_public_repo_only(hub: Hub, fresh: Fresh) -> None:
    owner = hub.user()
    repo = hub.repo((owner, Role.OWNER), visibility=Visibility.PUBLIC)
    content = fresh(500)
    LfsClient(hub, repo, owner.token).upload(content)
    nobody = LfsClient(hub, repo, None)
    assert nobody.bare.get(nobody.download_url(content)).content == content
    refused = nobody.try_batch("upload", wanted(content))
    assert refused.status_code == 401
    assert refused.headers["lfs-authenticate"].startswith("Basic ")


def test_the_answer_comes_in_the_clients_own_media_type(hub: Hub, repo: HubRepo, user: User) -> None:
    body: dict[str, Any] = {"operation": "download", "objects": []}
    with hub.client(user.token) as client:
        for headers in ({}, {"Accept": "application/json"}, {"Accept": "*/*", "Content-Type": "text/plain"}):
            answer = client.post(f"{repo.lfs_url}/objects/batch", json=body, headers=headers)
            assert answer.status_code == 200
