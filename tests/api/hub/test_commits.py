"""Commits, and what is asked before them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from modelkeep.domain.access import Visibility
from modelkeep.domain.repos import Repo
from tests.api.hub.world import URL, World, ok, refused

Lines = list[tuple[str, Mapping[str, object]]]


def commit(
    world: World, name: str | None, repo: Repo, lines: Lines, revision: str = "main", **header: object
) -> httpx.Response:
    """One commit request; the header line comes first, with a summary unless another is given."""
    said = {"summary": "Change", "description": "", **header}
    body = "".join(
        json.dumps({"key": key, "value": value}) + "\n" for key, value in [("header", said), *lines]
    )
    plural = "datasets" if repo.kind == "dataset" else "models"
    url = f"/api/{plural}/{repo.full_name}/commit/{revision}"
    return world.as_(name).post(url, content=body, headers={"Content-Type": "application/x-ndjson"})


def text(path: str, content: bytes | str) -> tuple[str, Mapping[str, object]]:
    data = content.encode() if isinstance(content, str) else content
    return "file", {"path": path, "content": base64.b64encode(data).decode(), "encoding": "base64"}


def files(world: World, repo: Repo, revision: str = "main") -> dict[str, Any]:
    found = ok(world.as_("olga").get(f"/api/models/{repo.full_name}/tree/{revision}?recursive=true"))
    return {entry["path"]: entry for entry in found if entry["type"] == "file"}


def read(world: World, repo: Repo, path: str, revision: str = "main") -> bytes:
    answer = world.as_("olga").get(f"/{repo.full_name}/resolve/{revision}/{path}")
    assert answer.status_code == 200
    return answer.content


def tip(world: World, repo: Repo, revision: str = "main") -> str:
    return str(ok(world.as_("olga").get(f"/api/models/{repo.full_name}/revision/{revision}"))["sha"])


def test_every_kind_of_operation(world: World) -> None:
    repo = world.repo({"old.txt": "old", "dir/a": "a", "dir/b": "b", "other/c": "c", "kept": "k"})
    pointer = world.upload(repo, b"weights" * 999)
    lines: Lines = [
        text("new.txt", "new"),
        ("file", {"path": "plain.txt", "content": "grüße", "encoding": "utf-8"}),
        text("large.txt", b"x" * 5_000_000),
        ("lfsFile", {"path": "w.bin", "algo": "sha256", "oid": pointer.oid, "size": pointer.size}),
        ("lfsFile", {"path": "copy.bin", "algo": "sha256", "oid": pointer.oid}),
        ("copyFile", {"path": "kept2", "srcPath": "kept"}),
        ("deletedFile", {"path": "old.txt"}),
        ("deletedFolder", {"path": "dir/"}),
        ("deletedFile", {"path": "other"}),
    ]
    made = ok(commit(world, "cato", repo, lines, summary="Much", description="at\n\nonce"))
    assert made["success"] is True
    assert made["commitUrl"] == f"{URL}/{repo.full_name}/commit/{made['commitOid']}"
    assert "pullRequestUrl" not in made
    there = files(world, repo)
    assert set(there) == {
        ".gitattributes", "README.md", "copy.bin", "kept", "kept2", "large.txt", "new.txt", "plain.txt", "w.bin",
    }  # fmt: skip
    assert there["copy.bin"]["lfs"] == there["w.bin"]["lfs"]
    assert read(world, repo, "plain.txt") == "grüße".encode()
    assert read(world, repo, "large.txt") == b"x" * 5_000_000
    assert read(world, repo, "copy.bin") == b"weights" * 999
    said = ok(world.as_("olga").get(f"/api/models/{repo.full_name}/commits/main"))[0]
    assert (said["title"], said["message"], said["authors"]) == ("Much", "at\n\nonce", [{"user": "cato"}])


def test_what_is_deleted_may_be_put_anew(world: World) -> None:
    repo = world.repo({"a": "1", "b/c": "2"})
    lines: Lines = [
        text("a/x", "3"),
        text("b/c", "4"),
        ("deletedFile", {"path": "a"}),
        ("deletedFolder", {"path": "b"}),
    ]
    ok(commit(world, "cato", repo, lines))
    assert {"a/x", "b/c"} < set(files(world, repo))
    assert read(world, repo, "b/c") == b"4"


def test_the_last_line_about_a_path_counts(world: World) -> None:
    repo = world.repo()
    ok(commit(world, "cato", repo, [text("a", "1"), text("a", "2")]))
    assert read(world, repo, "a") == b"2"


def test_large_files_that_nothing_tracks_become_tracked(world: World) -> None:
    repo = world.repo()
    pointer = world.upload(repo, b"odd" * 500)
    ok(
        commit(
            world, "cato", repo, [("lfsFile", {"path": "weights", "oid": pointer.oid, "size": pointer.size})]
        )
    )
    assert read(world, repo, ".gitattributes").endswith(b"\n/weights filter=lfs diff=lfs merge=lfs -text\n")


def test_nothing_that_changes_is_the_commit_that_is_there(world: World) -> None:
    """Thereby a commit whose answer was lost can be sent again."""
    repo = world.repo({"a": "1"})
    before = tip(world, repo)
    for lines in ([], [text("a", "1")], [("copyFile", {"path": "a", "srcPath": "a"})]):
        assert ok(commit(world, "cato", repo, lines))["commitOid"] == before  # type: ignore[arg-type]
    assert tip(world, repo) == before


def test_a_stale_parent(world: World) -> None:
    repo = world.repo()
    first = tip(world, repo)
    second = ok(commit(world, "cato", repo, [text("a", "1")], parentCommit=first))["commitOid"]
    message = refused(commit(world, "cato", repo, [text("a", "2")], parentCommit=first), 412)
    assert message == "The branch was updated since you opened this page. Please refresh and try again."
    ok(commit(world, "cato", repo, [text("a", "2")], parentCommit=second[:8].upper()))
    refused(commit(world, "cato", repo, [text("a", "3")], parentCommit="main"), 400)


@pytest.mark.parametrize("revision", ["dev", "refs%2Fheads%2Fdev"])
def test_to_another_branch(world: World, revision: str) -> None:
    repo = world.repo({"a": "1"})
    world.commit(repo, {"b": "1"}, branch="dev")
    ok(commit(world, "cato", repo, [text("c", "1")], revision))
    assert "c" in files(world, repo, "dev")
    assert "c" not in files(world, repo)


def test_only_branches_take_commits(world: World) -> None:
    repo = world.repo()
    world.hub.commits.create_tag(world.actor("olga"), "acme", repo.name, "v1", None, None)
    for revision in ("none", "v1", tip(world, repo), "refs%2Ftags%2Fv1"):
        refused(commit(world, "cato", repo, [text("c", "1")], revision), 404, "RevisionNotFound")
        refused(
            commit(world, "cato", repo, [text("c", "1")], revision + "?create_pr=1"), 404, "RevisionNotFound"
        )


def test_the_first_commit_of_an_empty_repo(world: World) -> None:
    repo = world.repo(empty=True)
    ok(commit(world, "cato", repo, [text("a", "1")]))
    assert set(files(world, repo)) == {"a"}


def test_into_a_dataset(world: World) -> None:
    repo = world.repo(place="datasets/acme")
    made = ok(commit(world, "cato", repo, [text("a.csv", "1")]))
    assert made["commitUrl"] == f"{URL}/datasets/{repo.full_name}/commit/{made['commitOid']}"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("..\\x", 422),
        ("../x", 422),
        ("a/../../x", 422),
        ("/x", 422),
        (".git/config", 422),
        ("a\\.git\\config", 422),
        ("a/.GIT\\config", 422),
        ("a\\git~1", 422),
        ("", 422),
        ("a\0b", 422),
        ("folder/..\\..\\..\\file", 200),
        ("a\\b", 200),
    ],
)
def test_paths(world: World, path: str, status: int) -> None:
    repo = world.repo()
    answer = commit(world, "cato", repo, [text(path, "1")])
    assert answer.status_code == status, answer.text
    assert (path in files(world, repo)) is (status == 200)


@pytest.mark.parametrize(
    ("lines", "status", "code"),
    [
        ([("deletedFile", {"path": "none"})], 404, "EntryNotFound"),
        ([("copyFile", {"path": "x", "srcPath": "none"})], 404, "EntryNotFound"),
        ([("lfsFile", {"path": "x.bin", "oid": "0" * 64})], 400, None),
        ([("lfsFile", {"path": "x.bin", "oid": "0" * 64, "size": 5})], 400, None),
        ([("lfsFile", {"path": "x.bin", "oid": "xyz"})], 400, None),
        ([("lfsFile", {"path": "x.bin", "oid": "0" * 64, "algo": "md5"})], 400, None),
        ([("lfsFile", {"path": "x.bin", "oid": "0" * 64, "size": -1})], 400, None),
        ([("file", {"path": "x", "content": "%%%", "encoding": "base64"})], 400, None),
        ([("file", {"path": "x", "content": "a", "encoding": "rot13"})], 400, None),
        ([("file", {"path": "x"})], 400, None),
        ([("file", {"content": ""})], 400, None),
        ([("rename", {"path": "x"})], 400, None),
        ([text("a", "1"), text("a/b", "2")], 400, None),
        ([text("big", b"\0" * (10 * 2**20 + 1))], 413, None),
    ],
)
def test_operations_that_cannot_be(world: World, lines: Lines, status: int, code: str | None) -> None:
    repo = world.repo()
    before = tip(world, repo)
    refused(commit(world, "cato", repo, lines), status, code)
    assert tip(world, repo) == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"{",
        b"[]\n",
        b'{"key": "header"}\n',
        b'{"key": "header", "value": {"summary": ""}}\n',
        b"\xff\n",
    ],
)
def test_bodies_that_are_no_commit(world: World, body: bytes) -> None:
    repo = world.repo()
    refused(world.as_("cato").post(f"/api/models/{repo.full_name}/commit/main", content=body), 400)


def test_a_refusal_names_the_line(world: World) -> None:
    repo = world.repo()
    message = refused(commit(world, "cato", repo, [text("a", "1"), ("file", {"path": "b"})]), 400)
    assert message.startswith("Line 3 of the commit: ")


def test_bodies_are_bounded(world: World) -> None:
    repo, limit = world.repo(), world.hub.rules.max_hub_commit
    url = f"/api/models/{repo.full_name}/commit/main"
    # No line ends: refused once it is longer than a file may be.
    refused(world.as_("cato").post(url, content=iter([b"x" * 2**20] * 20)), 413)
    many = iter([b'{"key": "deletedFile", "value": {"path": "a"}}\n'] * 25_002)
    refused(world.as_("cato").post(url, content=many), 400)
    assert limit == 256 * 2**20


def test_a_pointer_cannot_be_smuggled_in_as_a_file(world: World) -> None:
    """The gate judges it as it judges a push: a known oid grants nothing."""
    there, repo = world.repo(place="olga"), world.repo()
    pointer = world.upload(there, b"secret" * 99)
    content = f"version https://git-lfs.github.com/spec/v1\noid sha256:{pointer.oid}\nsize {pointer.size}\n"
    refused(commit(world, "cato", repo, [text("stolen.bin", content)]), 400)
    refused(commit(world, "cato", repo, [("lfsFile", {"path": "stolen.bin", "oid": pointer.oid})]), 400)


def test_who_may_commit(world: World) -> None:
    hidden, public = world.repo(), world.repo(visibility=Visibility.PUBLIC)
    lines: Lines = [text("a", "1")]
    refused(commit(world, None, hidden, lines), 401, "RepoNotFound")
    refused(commit(world, "sven", hidden, lines), 404, "RepoNotFound")
    refused(commit(world, "rita", hidden, lines), 403)
    refused(commit(world, "sven", public, lines), 403)
    refused(commit(world, None, public, lines, "main?create_pr=1"), 401, "RepoNotFound")


def test_readers_may_propose(world: World) -> None:
    repo = world.repo(visibility=Visibility.PUBLIC)
    made = ok(
        commit(world, "sven", repo, [text("a", "1")], "main?create_pr=1", summary="x", description="why")
    )
    assert made["pullRequestUrl"] == f"{URL}/{repo.full_name}/discussions/1"
    assert "a" in files(world, repo, "refs%2Fpr%2F1")
    assert "a" not in files(world, repo)
    ok(commit(world, "sven", repo, [text("b", "1")], "refs%2Fpr%2F1"))
    refused(commit(world, "rita", repo, [text("c", "1")], "refs%2Fpr%2F1"), 403)
    refused(commit(world, "sven", repo, [text("c", "1")], "refs%2Fpr%2F7"), 404, "RevisionNotFound")
    assert {"a", "b"} < set(files(world, repo, "refs%2Fpr%2F1"))


def test_a_pull_request_may_start_from_an_earlier_commit(world: World) -> None:
    repo = world.repo()
    first = tip(world, repo)
    world.commit(repo, {"later.txt": "1"})
    ok(commit(world, "cato", repo, [text("a", "1")], "main?create_pr=1", parentCommit=first[:9]))
    there = files(world, repo, "refs%2Fpr%2F1")
    assert "a" in there
    assert "later.txt" not in there
    lines: Lines = [text("a", "1")]
    answer = commit(world, "cato", repo, lines, "main?create_pr=1", parentCommit="0" * 40)
    refused(answer, 404, "RevisionNotFound")


def test_a_pull_request_whose_commit_is_refused_is_none(world: World) -> None:
    repo = world.repo()
    lines: Lines = [("deletedFile", {"path": "none"})]
    refused(commit(world, "rita", repo, lines, "main?create_pr=1"), 404, "EntryNotFound")
    assert ok(world.as_("olga").get(f"/api/models/{repo.full_name}/refs?include_prs=1"))["pullRequests"] == []


def preupload(
    world: World,
    repo: Repo,
    offered: list[tuple[str, bytes]],
    who: str = "cato",
    revision: str = "main",
    **more: object,
) -> dict[str, Any]:
    sent = [
        {"path": path, "size": len(data), "sample": base64.b64encode(data[:512]).decode()}
        for path, data in offered
    ]
    url = f"/api/models/{repo.full_name}/preupload/{revision}"
    found = ok(world.as_(who).post(url, json={"files": sent, **more}))["files"]
    assert [file["path"] for file in found] == [path for path, _ in offered]
    return {file["path"]: file for file in found}


def test_what_goes_through_lfs(world: World) -> None:
    repo = world.repo()
    offered = {
        "a.txt": b"text",
        "umlaut.txt": "ü".encode() * 600,  # the sample ends within a character
        "w.safetensors": b"text by chance",
        "w.bin": b"",
        "image.png": b"\x89PNG\r\n\0\0",
        "latin.txt": "ü".encode("latin-1"),
        "huge.txt": b"x" * (10 * 2**20 + 1),
    }
    found = preupload(world, repo, list(offered.items()))
    assert {path for path, file in found.items() if file["uploadMode"] == "lfs"} == {
        "w.safetensors", "image.png", "latin.txt", "huge.txt",
    }  # fmt: skip
    assert not any(file["shouldIgnore"] for file in found.values())


def test_what_is_there_already(world: World) -> None:
    repo = world.repo({"a.txt": "abc", "dir/x": "x"})
    pointer = world.upload(repo, b"weights" * 9)
    world.commit(repo, {"w.bin": pointer})
    found = preupload(world, repo, [("a.txt", b"?"), ("w.bin", b"?"), ("dir", b"?"), ("new", b"?")])
    assert {path: file["oid"] for path, file in found.items()} == {
        "a.txt": "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f", "w.bin": pointer.oid, "dir": None, "new": None,
    }  # fmt: skip


def test_what_is_ignored(world: World) -> None:
    repo = world.repo({".gitignore": "*.log\n!keep.log\nbuild/\n/top\n"})
    offered = [
        (path, b"x") for path in ("a.log", "d/b.log", "keep.log", "build/x/y", "top", "d/top", "a b.txt")
    ]
    found = preupload(world, repo, offered)
    assert {path for path, file in found.items() if file["shouldIgnore"]} == {
        "a.log",
        "d/b.log",
        "build/x/y",
        "top",
    }
    found = preupload(world, repo, offered, gitIgnore="*.txt\n")
    assert {path for path, file in found.items() if file["shouldIgnore"]} == {"a b.txt"}


def test_preupload_refuses(world: World) -> None:
    repo, cato = world.repo(), world.as_("cato")
    url = f"/api/models/{repo.full_name}/preupload"
    refused(cato.post(f"{url}/none", json={"files": []}), 404, "RevisionNotFound")
    refused(cato.post(f"{url}/main", json={"files": 5}), 400)
    refused(cato.post(f"{url}/main", json={"files": [{"path": "a"}]}), 400)
    refused(cato.post(f"{url}/main", json={"files": [{"path": "a", "size": 1, "sample": "%"}]}), 400)
    refused(cato.post(f"{url}/main", json={"files": [{"path": "../a", "size": 1}]}), 422)
    refused(cato.post(f"{url}/main", json={"files": [], "gitIgnore": 5}), 400)
    refused(cato.post(f"{url}/main", json={"files": [{"path": "a", "size": 1}] * 1001}), 413)
    refused(world.as_("rita").post(f"{url}/main", json={"files": []}), 403)
    refused(world.as_("sven").post(f"{url}/main", json={"files": []}), 404, "RepoNotFound")
    ok(world.as_("rita").post(f"{url}/main?create_pr=1", json={"files": []}))


def test_preupload_for_a_repo_without_commits(world: World) -> None:
    repo = world.repo(empty=True)
    assert preupload(world, repo, [("a.bin", b"text")])["a.bin"]["uploadMode"] == "regular"
