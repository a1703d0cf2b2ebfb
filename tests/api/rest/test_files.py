"""The content of files: LFS and Git, whole and in ranges."""

from __future__ import annotations

import hashlib

import pytest

from tests.api.rest.world import World, ok, refused

WEIGHTS = bytes(range(256)) * 4096  # 1 MiB
LONG_TEXT = "".join(f"line {number}\n" for number in range(200_000))  # more than 1 MiB, kept in Git


@pytest.fixture(scope="module")
def repo(world: World) -> str:
    made = world.repo("shared")
    oid = world.upload(made, WEIGHTS)
    operations: list[dict[str, object]] = [
        {"op": "add", "path": "model.bin", "lfs": {"oid": oid, "size": len(WEIGHTS)}},
        {"op": "add", "path": "long.txt", "content": LONG_TEXT},
        {"op": "add", "path": "empty.txt", "content": ""},
        {"op": "add", "path": "dir/page.html", "content": "<script>alert(1)</script>"},
        {"op": "add", "path": "dir/ünï côdé.json", "content": "{}"},
        {"op": "add", "path": "logo.png", "content_base64": "iVBORw0KGgo="},
        {"op": "add", "path": "vector.svg", "content": "<svg onload='alert(1)'/>"},
    ]
    ok(world.as_("olga").post(f"{made}/commits", {"message": "files", "operations": operations}), 201)
    return made


def test_an_lfs_file(world: World, repo: str) -> None:
    answer = world.as_("sven").get(f"{repo}/files/main/model.bin")
    assert answer.status_code == 200
    assert answer.content == WEIGHTS
    oid = hashlib.sha256(WEIGHTS).hexdigest()
    assert answer.headers["etag"] == f'"{oid}"'
    assert answer.headers["x-modelkeep-sha256"] == oid
    commit = ok(world.as_("sven").get(f"{repo}/revisions/main"))["commit"]["id"]
    assert answer.headers["x-modelkeep-commit"] == commit
    assert answer.headers["content-type"] == "application/octet-stream"


def test_a_file_in_git(world: World, repo: str) -> None:
    answer = world.as_("sven").get(f"{repo}/files/main/long.txt")
    assert answer.text == LONG_TEXT
    assert "x-modelkeep-sha256" not in answer.headers
    entries = ok(world.as_("sven").get(f"{repo}/tree/main"))["items"]
    blob_id = next(entry["id"] for entry in entries if entry["path"] == "long.txt")
    assert answer.headers["etag"] == f'"{blob_id}"'
    assert world.as_("sven").get(f"{repo}/files/main/empty.txt").content == b""


@pytest.mark.parametrize(("path", "whole"), [("model.bin", WEIGHTS), ("long.txt", LONG_TEXT.encode())])
@pytest.mark.parametrize(
    ("range_", "start", "stop"),
    [
        ("0-0", 0, 1),
        ("5-99", 5, 100),
        ("1048000-", 1_048_000, None),
        ("-7", -7, None),
        ("1048500-99999999", 1_048_500, None),
    ],
)
def test_ranges(
    world: World, repo: str, path: str, whole: bytes, range_: str, start: int, stop: int | None
) -> None:
    answer = world.as_("sven").get(f"{repo}/files/main/{path}", headers={"Range": f"bytes={range_}"})
    assert answer.status_code == 206
    assert answer.content == whole[start:stop]
    begin = start if start >= 0 else len(whole) + start
    assert answer.headers["content-range"] == f"bytes {begin}-{begin + len(answer.content) - 1}/{len(whole)}"


@pytest.mark.parametrize("path", ["model.bin", "long.txt"])
def test_conditions(world: World, repo: str, path: str) -> None:
    client, address = world.as_("sven"), f"{repo}/files/main/{path}"
    etag = client.get(address).headers["etag"]
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 304
    assert client.get(address, headers={"Range": "bytes=0-1", "If-Range": etag}).status_code == 206
    assert client.get(address, headers={"Range": "bytes=0-1", "If-Range": '"other"'}).status_code == 200
    assert client.get(address, headers={"Range": "bytes=99999999-"}).status_code == 416
    assert client.get(address, headers={"Range": "lines=1-2"}).status_code == 200


@pytest.mark.parametrize("path", ["model.bin", "long.txt"])
def test_head(world: World, repo: str, path: str) -> None:
    whole = world.as_("sven").get(f"{repo}/files/main/{path}")
    head = world.as_("sven").request("HEAD", f"{repo}/files/main/{path}")
    assert head.status_code == 200
    assert head.content == b""
    for name in ("content-length", "etag", "content-type", "accept-ranges", "x-modelkeep-commit"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("long.txt", "text/plain; charset=utf-8"),
        ("dir/%C3%BCn%C3%AF%20c%C3%B4d%C3%A9.json", "application/json"),
        ("logo.png", "image/png"),
        ("dir/page.html", "application/octet-stream"),
        ("vector.svg", "application/octet-stream"),
        (".gitattributes", "application/octet-stream"),
        ("README.md", "text/plain; charset=utf-8"),
    ],
)
def test_a_browser_is_never_made_to_run_anything(world: World, repo: str, path: str, media_type: str) -> None:
    answer = world.as_("sven").get(f"{repo}/files/main/{path}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert "sandbox" in answer.headers["content-security-policy"]


def test_the_pointer_itself(world: World, repo: str) -> None:
    answer = world.as_("sven").get(f"{repo}/files/main/model.bin?pointer=true")
    oid = hashlib.sha256(WEIGHTS).hexdigest()
    assert answer.text == (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(WEIGHTS)}\n"
    )
    assert answer.headers["etag"] != f'"{oid}"'
    plain = world.as_("sven").get(f"{repo}/files/main/README.md?pointer=true")
    assert plain.content == world.as_("sven").get(f"{repo}/files/main/README.md").content


def test_a_pointer_to_an_object_of_another_repo_opens_nothing(world: World) -> None:
    secret = world.repo()
    oid = world.upload(secret, b"top secret weights")
    theirs = ok(world.as_("sven").post("/repos", {"name": world.new_name()}), 201)["full_name"]
    operation = {"op": "add", "path": "x.bin", "lfs": {"oid": oid, "size": 18}}
    body = {"message": "steal", "operations": [operation]}
    refused(world.as_("sven").post(f"/repos/{theirs}/commits", body), 422, "lfs_object_missing")
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 18\n"
    body = {"message": "steal", "operations": [{"op": "add", "path": "x.bin", "content": pointer}]}
    refused(world.as_("sven").post(f"/repos/{theirs}/commits", body), 422, "lfs_object_missing")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("main/none.txt", 404, "file_not_found"),
        ("main/dir", 404, "file_not_found"),
        ("main/README.md/x", 404, "file_not_found"),
        ("nothing/README.md", 404, "revision_not_found"),
        ("main/..%2Fx", 400, "invalid_path"),
        ("main/.git/HEAD", 422, "invalid_path"),
        ("main/README.md/", 422, "invalid_path"),
        ("main//README.md", 422, "invalid_path"),
    ],
)
def test_what_is_no_file(world: World, repo: str, path: str, status: int, code: str) -> None:
    refused(world.as_("sven").raw("GET", f"{repo}/files/{path}"), status, code)
