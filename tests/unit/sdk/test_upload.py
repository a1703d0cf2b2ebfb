from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from modelkeep.sdk import store
from modelkeep.sdk.errors import BadAnswer, InvalidInput, LocalProblem, TooLarge, TransferFailed, Unreachable
from modelkeep.sdk.hub import Hub
from modelkeep.sdk.progress import TransferEvent
from tests.unit.sdk.stand_in import NEXT, REPO, StandIn, sha256

LARGE = os.urandom(store.TUS_THRESHOLD + 12345)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "trained"
    (place / "deep").mkdir(parents=True)
    (place / ".git").mkdir()
    (place / ".git" / "config").write_text("secret")
    (place / "large.bin").write_bytes(LARGE)
    (place / "deep" / "small.bin").write_bytes(b"small")
    (place / "deep" / "same.bin").write_bytes(b"small")
    (place / "README.md").write_bytes(b"# Churn\n")
    (place / "empty.txt").write_bytes(b"")
    return place


def test_uploads_a_folder_as_one_commit(hub: Hub, stand_in: StandIn, folder: Path) -> None:
    done = hub.repo("acme/churn").upload(folder, message="Train")
    assert stand_in.files == {
        "README.md": b"# Churn\n",
        "deep/same.bin": b"small",
        "deep/small.bin": b"small",
        "empty.txt": b"",
        "large.bin": LARGE,
    }
    assert done.has_changed
    assert done.commit is not None
    assert done.commit.message == "Train"
    assert [(file.path, file.storage, file.outcome) for file in done.files] == [
        ("README.md", "git", "uploaded"),
        ("deep/same.bin", "lfs", "uploaded"),
        ("deep/small.bin", "lfs", "uploaded"),
        ("empty.txt", "git", "uploaded"),
        ("large.bin", "lfs", "uploaded"),
    ]
    assert len(stand_in.asked("POST", "/commits")) == 1
    assert len(stand_in.asked("PUT", "/upload/")) == 1
    assert len(stand_in.asked("PATCH", "/upload/")) == 1
    assert len(stand_in.asked("POST", "/verify")) == 2


def test_the_token_goes_to_the_api_and_not_to_signed_addresses(
    hub: Hub, stand_in: StandIn, folder: Path
) -> None:
    hub.repo("acme/churn").upload(folder)
    asked = stand_in.asked("POST", "/api/")
    assert {one.headers.get("authorization") for one in asked} == {"Bearer mk_secret"}
    signed = [one for one in stand_in.requests if one.path.startswith(("/upload/", "/verify"))]
    assert {(one.headers.get("authorization"), one.headers.get("x-signed")) for one in signed} == {
        (None, "yes")
    }


def test_the_same_again_sends_and_commits_nothing(hub: Hub, stand_in: StandIn, folder: Path) -> None:
    repo = hub.repo("acme/churn")
    repo.upload(folder)
    stand_in.requests.clear()
    done = repo.upload(folder)
    assert not done.has_changed
    assert {file.outcome for file in done.files} == {"unchanged"}
    assert not stand_in.asked("POST", "/commits")
    assert not stand_in.asked("POST", "/batch")


def test_bytes_that_the_hub_has_are_not_sent(hub: Hub, stand_in: StandIn, folder: Path) -> None:
    stand_in.blobs[sha256(LARGE)] = LARGE
    done = hub.repo("acme/churn").upload(folder / "large.bin")
    assert [(file.path, file.outcome) for file in done.files] == [("large.bin", "linked")]
    assert not [one for one in stand_in.requests if one.path.startswith("/upload/")]
    assert stand_in.files == {"large.bin": LARGE}


@pytest.mark.parametrize(
    ("to", "path"), [("", "large.bin"), ("models/", "models/large.bin"), ("models/a.bin", "models/a.bin")]
)
def test_where_a_file_goes(hub: Hub, stand_in: StandIn, folder: Path, to: str, path: str) -> None:
    hub.repo("acme/churn").upload(folder / "large.bin", to=to)
    assert list(stand_in.files) == [path]


def test_a_folder_goes_below(hub: Hub, stand_in: StandIn, folder: Path) -> None:
    hub.repo("acme/churn").upload(folder, to="v/1", include=["*.bin"], exclude=["large*"])
    assert list(stand_in.files) == ["v/1/deep/same.bin", "v/1/deep/small.bin"]


def test_tus_goes_on_where_the_connection_was_cut(hub: Hub, stand_in: StandIn, folder: Path) -> None:
    stand_in.cuts = [3_000_000, 2_000_000]
    hub.repo("acme/churn").upload(folder / "large.bin")
    assert stand_in.files == {"large.bin": LARGE}
    offsets = [one.headers["upload-offset"] for one in stand_in.asked("PATCH")]
    assert offsets == ["0", "3000000", "5000000"]
    assert len(stand_in.asked("POST", "/batch")) == 3


def test_a_repeated_upload_goes_on_too(hub: Hub, stand_in: StandIn, folder: Path) -> None:
    stand_in.cuts = [3_000_000] + [0] * 20
    repo = hub.repo("acme/churn")
    with pytest.raises(TransferFailed, match=r"large\.bin"):
        repo.upload(folder / "large.bin")
    assert stand_in.files == {}
    stand_in.cuts = []
    stand_in.requests.clear()
    repo.upload(folder / "large.bin")
    assert [one.headers["upload-offset"] for one in stand_in.asked("PATCH")] == ["3000000"]
    assert stand_in.files == {"large.bin": LARGE}


def test_basic_starts_again_after_a_cut(hub: Hub, stand_in: StandIn, folder: Path) -> None:
    stand_in.transfer, stand_in.cuts = "basic", [3_000_000]
    hub.repo("acme/churn").upload(folder / "large.bin")
    assert stand_in.files == {"large.bin": LARGE}
    assert len(stand_in.asked("PUT")) == 2


@pytest.mark.parametrize("status", [413, 422, 405])
def test_a_final_refusal_is_not_tried_again(hub: Hub, stand_in: StandIn, folder: Path, status: int) -> None:
    stand_in.transfer = "basic"
    stand_in.answer("PUT", f"/upload/{sha256(LARGE)}/{len(LARGE)}", status, b'{"message": "No room."}')
    with pytest.raises(TransferFailed, match=r"large\.bin: No room\."):
        hub.repo("acme/churn").upload(folder / "large.bin")
    assert len(stand_in.asked("PUT")) == 1
    assert not stand_in.asked("POST", "/commits")


@pytest.mark.parametrize("status", [403, 410, 429, 503])
def test_an_expired_offer_is_renewed(hub: Hub, stand_in: StandIn, folder: Path, status: int) -> None:
    stand_in.transfer = "basic"
    stand_in.answer("PUT", f"/upload/{sha256(LARGE)}/{len(LARGE)}", status, b"{}", Retry_After="1")
    hub.repo("acme/churn").upload(folder / "large.bin")
    assert len(stand_in.asked("POST", "/batch")) == 2
    assert stand_in.files == {"large.bin": LARGE}


def test_an_object_refused_in_the_batch_says_why(hub: Hub, stand_in: StandIn, folder: Path) -> None:
    error = {"code": 413, "message": "Over the quota."}
    refusal = {"objects": [{"oid": sha256(LARGE), "size": 1, "error": error}]}
    stand_in.answer("POST", "/acme/churn.git/info/lfs/objects/batch", 200, json.dumps(refusal).encode())
    with pytest.raises(TransferFailed, match=r"Over the quota\."):
        hub.repo("acme/churn").upload(folder / "large.bin")


def _offer(href: str, header: dict[str, object]) -> dict[str, object]:
    return {"oid": sha256(LARGE), "actions": {"upload": {"href": href, "header": header}}}


@pytest.mark.parametrize(
    "answer",
    [
        {"objects": []},
        {"objects": [], "hash_algo": "md5"},
        [],
        {"transfer": "other", "objects": [_offer("http://127.0.0.1/", {})]},
        {"objects": [_offer("file:///etc/passwd", {})]},
        {"objects": [_offer("http://127.0.0.1/", {"A\n": "b"})]},
        {"objects": [_offer("http://127.0.0.1/", {"A": "b\r\nC: d"})]},
        {"objects": [_offer("http://127.0.0.1/", {"A": 3})]},
    ],
)
def test_odd_batch_answers_are_refused(hub: Hub, stand_in: StandIn, folder: Path, answer: object) -> None:
    stand_in.answer("POST", "/acme/churn.git/info/lfs/objects/batch", 200, json.dumps(answer).encode())
    with pytest.raises((BadAnswer, TransferFailed)):
        hub.repo("acme/churn").upload(folder / "large.bin")


def test_a_lost_commit_answer_is_looked_up(hub: Hub, stand_in: StandIn, folder: Path) -> None:
    stand_in.loses_commit = "after"
    done = hub.repo("acme/churn").upload(folder)
    assert done.commit is not None
    assert done.commit.id == NEXT
    assert len(stand_in.asked("POST", "/commits")) == 1


def test_a_commit_that_was_not_made_is_said(hub: Hub, stand_in: StandIn, folder: Path) -> None:
    stand_in.loses_commit = "before"
    with pytest.raises(Unreachable):
        hub.repo("acme/churn").upload(folder)
    assert len(stand_in.asked("POST", "/commits")) == 1


def test_a_refused_commit_is_raised_with_advice(hub: Hub, stand_in: StandIn, folder: Path) -> None:
    stand_in.answer("POST", f"{REPO}/commits", 413, b'{"detail": "Too much.", "request_id": "r-7"}')
    with pytest.raises(TooLarge, match=r"Too much\. The files outside LFS have 8 bytes") as caught:
        hub.repo("acme/churn").upload(folder)
    assert caught.value.request_id == "r-7"


def test_a_missing_object_refuses_the_commit(hub: Hub, stand_in: StandIn, folder: Path) -> None:
    done = {"objects": [{"oid": sha256(LARGE), "size": len(LARGE)}]}
    stand_in.answer("POST", "/acme/churn.git/info/lfs/objects/batch", 200, json.dumps(done).encode())
    with pytest.raises(InvalidInput, match="was not uploaded"):
        hub.repo("acme/churn").upload(folder / "large.bin")


def test_a_new_branch_starts_at_the_default_branch(hub: Hub, stand_in: StandIn, folder: Path) -> None:
    done = hub.repo("acme/churn").upload(folder / "README.md", branch="new")
    assert done.branch == "new"
    body = json.loads(stand_in.asked("POST", "/commits")[0].body)
    assert (body["branch"], body["create_branch_from"]) == ("new", "refs/heads/main")


def test_a_file_that_changes_meanwhile_is_not_uploaded(hub: Hub, stand_in: StandIn, folder: Path) -> None:
    def disturb(event: TransferEvent) -> None:
        if (event.action, event.state) == ("hash", "done"):
            (folder / "large.bin").write_bytes(LARGE[::-1])

    with pytest.raises(LocalProblem, match="changed while"):
        hub.repo("acme/churn").upload(folder / "large.bin", progress=disturb)
    assert stand_in.files == {}


def test_links_are_named_unless_they_are_wanted(
    hub: Hub, stand_in: StandIn, folder: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("mine")
    (folder / "link.txt").symlink_to(secret)
    repo = hub.repo("acme/churn")
    with pytest.raises(LocalProblem, match=r"link\.txt is a symbolic link"):
        repo.upload(folder)
    repo.upload(folder, include=["link.txt"], follows_links=True)
    assert stand_in.files == {"link.txt": b"mine"}


def test_what_cannot_be_uploaded_is_said(hub: Hub, tmp_path: Path) -> None:
    repo = hub.repo("acme/churn")
    with pytest.raises(LocalProblem, match="no such file"):
        repo.upload(tmp_path / "nothing")
    with pytest.raises(LocalProblem, match="no file to upload"):
        repo.upload(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LocalProblem, match="not a regular file"):
        repo.upload(tmp_path)
