"""Uploads in parts, as huggingface_hub does them: part URLs in the header of the action, etags, completion."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from modelkeep.domain.access import Role
from tests.support.hub import Hub
from tests.support.lfs import MEDIA_TYPE, LfsClient, oid_of, wanted

Fresh = Callable[[int], bytes]
SIZE = (5 << 19) + 17  # two and a half parts of 1 MiB, and a bit


@dataclass
class Upload:
    """One multipart upload under way."""

    lfs: LfsClient
    content: bytes
    actions: dict[str, Any]
    others: set[str]

    @classmethod
    def begin(cls, lfs: LfsClient, content: bytes) -> Upload:
        others = lfs.uploads()
        body = lfs.batch("upload", wanted(content), transfers=["basic", "multipart"])
        assert body["transfer"] == "multipart"
        return cls(lfs, content, body["objects"][0]["actions"], others)

    @property
    def part_size(self) -> int:
        return int(self.actions["upload"]["header"]["chunk_size"])

    @property
    def urls(self) -> dict[int, str]:
        """The part URLs as huggingface_hub finds them: the keys of the header that are digits."""
        header = self.actions["upload"]["header"]
        return {int(key): url for key, url in header.items() if key.isdigit()}

    def slice(self, number: int) -> bytes:
        return self.content[(number - 1) * self.part_size : number * self.part_size]

    def put(self, number: int, body: bytes | None = None) -> httpx.Response:
        return self.lfs.bare.put(self.urls[number], content=self.slice(number) if body is None else body)

    def send(self, *numbers: int) -> dict[int, str]:
        """Sends parts and gives their etags."""
        etags = {}
        for number in numbers or sorted(self.urls):
            answer = self.put(number)
            assert answer.status_code == 200, answer.text
            etags[number] = answer.headers["etag"]
            assert etags[number]
        return etags

    def complete(self, etags: dict[int, str]) -> httpx.Response:
        return self.lfs.bare.post(
            self.actions["upload"]["href"],
            json={
                "oid": oid_of(self.content),
                "parts": [{"partNumber": number, "etag": etag} for number, etag in etags.items()],
            },
            headers={"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE},
        )

    def verify(self) -> httpx.Response:
        return self.lfs.bare.post(self.actions["verify"]["href"], json=wanted(self.content)[0])

    def is_there(self) -> bool:
        return self.lfs.hub.has_blob(self.content)


@pytest.fixture
def upload(lfs: LfsClient, fresh: Fresh) -> Upload:
    return Upload.begin(lfs, fresh(SIZE))


def test_a_whole_upload(upload: Upload) -> None:
    assert sorted(upload.urls) == [1, 2, 3] == list(range(1, -(-SIZE // upload.part_size) + 1))
    assert upload.verify().status_code == 404
    answer = upload.complete(upload.send())
    assert answer.status_code == 200, answer.text
    answer.json()
    assert upload.verify().status_code == 200
    assert upload.lfs.bare.get(upload.lfs.download_url(upload.content)).content == upload.content
    assert upload.lfs.uploads() == upload.others


def test_small_objects_go_in_one_piece(lfs: LfsClient, fresh: Fresh) -> None:
    body = lfs.batch("upload", wanted(fresh(1000)), transfers=["basic", "multipart"])
    assert body["transfer"] == "basic"


def test_parts_in_any_order_and_all_at_once(upload: Upload) -> None:
    etags: dict[int, str] = {}

    def send(number: int) -> None:
        with upload.lfs.hub.client() as client:
            etags[number] = client.put(upload.urls[number], content=upload.slice(number)).headers["etag"]

    threads = [threading.Thread(target=send, args=(number,)) for number in (3, 1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert upload.complete(dict(sorted(etags.items()))).status_code == 200
    assert upload.is_there()


def test_a_part_sent_again_counts_once(upload: Upload) -> None:
    upload.send(2, 3, 3, 1)
    etags = upload.send(2, 1, 3)
    assert upload.complete(etags).status_code == 200
    assert upload.is_there()


def test_a_part_sent_again_replaces_the_wrong_one(upload: Upload) -> None:
    etags = upload.send()
    wrong = bytes(len(upload.slice(2)))
    old = upload.put(2, wrong).headers["etag"]
    assert old != etags[2]
    assert upload.complete(etags).status_code == 400
    assert upload.complete({**etags, 2: upload.send(2)[2]}).status_code == 200
    assert upload.is_there()


@pytest.mark.parametrize("change", [-1, 1])
def test_a_part_of_another_size_is_refused(upload: Upload, change: int) -> None:
    for number in (1, 3):
        body = (upload.slice(number) + b"x")[: len(upload.slice(number)) + change]
        assert upload.put(number, body).status_code == 400
        chunked = upload.lfs.bare.put(upload.urls[number], content=iter([body]))
        assert chunked.status_code == 400


def test_an_incomplete_upload_is_refused_and_can_be_completed(upload: Upload) -> None:
    etags = upload.send(1, 3)
    answer = upload.complete(etags)
    assert answer.status_code == 400
    assert "lacks bytes" in answer.json()["message"]
    assert not upload.is_there()
    assert upload.complete({**etags, 2: upload.send(2)[2]}).status_code == 200


def test_an_unknown_etag_is_refused(upload: Upload) -> None:
    etags = upload.send()
    for wrong in ({**etags, 2: '"0123"'}, {**etags, 2: etags[1]}, {**etags, 9: etags[1]}):
        assert upload.complete(wrong).status_code == 400
        assert not upload.is_there()
    assert upload.complete(etags).status_code == 200


def test_wrong_bytes_in_a_part_make_no_object(upload: Upload) -> None:
    etags = upload.send(1, 3)
    answer = upload.put(2, bytes(len(upload.slice(2))))
    completed = upload.complete({**etags, 2: answer.headers["etag"]})
    assert completed.status_code == 400
    assert not upload.is_there()
    assert upload.verify().status_code == 404
    assert upload.lfs.uploads() == upload.others
    # What was wrong is gone; the same URLs take the right bytes.
    assert upload.complete(upload.send()).status_code == 200


def test_completing_twice_is_fine(upload: Upload) -> None:
    etags = upload.send()
    assert upload.complete(etags).status_code == 200
    assert upload.complete(etags).status_code == 200


def test_completing_before_anything_was_sent(upload: Upload) -> None:
    assert upload.complete({}).status_code in (400, 404)
    assert not upload.is_there()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"parts": None},
        {"parts": [{}]},
        {"parts": [{"partNumber": "1", "etag": "x"}]},
        {"parts": [{"partNumber": 1}]},
        {"parts": [{"partNumber": 10**30, "etag": "x"}]},
        {"parts": [None]},
        {"parts": [{"partNumber": 1, "etag": "x"}] * 10_001},
        [],
        "x",
    ],
    ids=lambda body: str(body)[:30],
)
def test_a_malformed_completion_is_refused(upload: Upload, body: object) -> None:
    upload.send()
    answer = upload.lfs.bare.post(upload.actions["upload"]["href"], json=body)
    assert answer.status_code == 400
    assert not upload.is_there()


def test_a_url_is_good_for_its_own_part_only(upload: Upload) -> None:
    url = upload.urls[1].replace("/parts/1?", "/parts/2?")
    assert upload.lfs.bare.put(url, content=upload.slice(2)).status_code == 403
    for number in ("0", "-1", "x", "99999999999999999999", "1%2F2", "%D9%A1"):
        other = upload.urls[1].replace("/parts/1?", f"/parts/{number}?")
        assert upload.lfs.bare.put(other, content=b"x").status_code in (403, 404)


def test_two_users_do_not_meet_in_one_upload(hub: Hub, upload: Upload, lfs: LfsClient) -> None:
    other = hub.user()
    hub.services.repo_members.set(hub.local, lfs.repo.namespace, lfs.repo.name, other.name, Role.CONTRIBUTOR)
    theirs = Upload.begin(LfsClient(hub, lfs.repo, other.token), upload.content)
    etags = upload.send()
    wrong = theirs.put(2, bytes(len(theirs.slice(2))))
    assert wrong.status_code == 200
    assert upload.complete(etags).status_code == 200
    assert upload.is_there()


def test_a_part_that_is_cut_does_not_count(upload: Upload) -> None:
    etags = upload.send(1, 3)

    def cut() -> Any:
        yield upload.slice(2)[:1000]
        raise ConnectionAbortedError

    with upload.lfs.hub.client() as client, pytest.raises(ConnectionAbortedError):
        client.put(upload.urls[2], content=cut())
    assert upload.complete(etags).status_code in (400, 409)
    assert upload.complete({**etags, 2: upload.send(2)[2]}).status_code == 200
