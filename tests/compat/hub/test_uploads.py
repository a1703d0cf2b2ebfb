"""Uploads with the stock clients: folders, commits of many operations, streams, with and without Xet; refs."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

import pytest

from modelkeep.domain.access import Role
from tests.compat.hub.clients import Refused
from tests.compat.hub.conftest import Desk, MakeClient
from tests.support.git import Git

Folder = dict[str, bytes]


def some_bytes(seed: str, size: int) -> bytes:
    """The same in every run, different for every seed."""
    return random.Random(seed).randbytes(size)


def write(folder: Path, files: Folder) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def digests(files: Folder) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def read(desk: Desk, repo: str, cache: Path, **options: Any) -> dict[str, str]:
    """All files of a repo as a fresh snapshot has them, without what the hub put there."""
    files: dict[str, str] = desk.client.call("reading.snapshot", repo=repo, cache_dir=cache, **options)[
        "files"
    ]
    return {name: digest for name, digest in files.items() if name != ".gitattributes"}


def clone(desk: Desk, repo: str, home: Path) -> tuple[Git, Path]:
    git = Git(home, desk.owner.token)
    return git, git.clone(f"{desk.hub.url}/{repo}.git", "clone")


@pytest.fixture
def files(desk: Desk, request: pytest.FixtureRequest) -> Folder:
    seed = f"{desk.client.release}{request.node.name}"
    return {
        "README.md": b"---\nlicense: mit\n---\n# A model\n",
        "config.json": b"{}\n",
        "model.safetensors": some_bytes(seed, 3_000_000),
        "deep/er/tokens#1 \xc3\xa9.bin".encode("latin-1").decode(): some_bytes(seed + "small", 5000),
        "empty.bin": b"",
    }


def test_the_account(desk: Desk) -> None:
    found = desk.client.call("writing.who_am_i")
    assert found["name"] == desk.owner.name
    assert found["auth"]["accessToken"]["role"] == "write"


def test_repos_are_made_renamed_and_deleted(desk: Desk) -> None:
    client, repo = desk.client, desk.new_id()
    url = client.call("writing.create_repo", repo=repo)
    assert url == f"{desk.hub.url}/{repo}"
    assert client.call("writing.create_repo", repo=repo, exist_ok=True) == url
    with pytest.raises(Refused) as refused:
        client.call("writing.create_repo", repo=repo)
    assert "409" in refused.value.text
    assert client.call("reading.info", repo=repo)["private"] is not None
    assert [entry["authors"] for entry in client.call("reading.commits", repo=repo)] == [[desk.owner.name]]
    assert client.call("reading.files", repo=repo) == [".gitattributes"]
    moved = desk.new_id("moved")
    client.call("writing.move_repo", repo=repo, to=moved)
    assert client.call("reading.info", repo=repo)["id"] == moved, "the old name leads to the new one"
    client.call("writing.delete_repo", repo=moved)
    assert not client.call("reading.exists", repo=moved)
    client.call("writing.delete_repo", repo=moved, missing_ok=True)


def test_a_folder_comes_back_byte_for_byte(desk: Desk, files: Folder, tmp_path: Path) -> None:
    repo = desk.repo()
    head = desk.client.call(
        "writing.upload_folder",
        repo=repo,
        folder=write(tmp_path / "folder", files),
        commit_message="All of it",
    )
    assert desk.client.call("reading.info", repo=repo)["sha"] in head
    assert read(desk, repo, tmp_path / "cache") == digests(files)
    assert desk.client.call("reading.commits", repo=repo)[0]["title"] == "All of it"
    git, tree = clone(desk, repo, tmp_path / "home")
    assert {name: (tree / name).read_bytes() for name in files} == files
    git("lfs", "fsck", cwd=tree)
    assert "model.safetensors" in git("lfs", "ls-files", cwd=tree)


def test_a_second_version_and_files_that_are_gone(desk: Desk, files: Folder, tmp_path: Path) -> None:
    repo, folder = desk.repo(), write(tmp_path / "folder", files)
    desk.client.call("writing.upload_folder", repo=repo, folder=folder)
    with desk.requests() as requests:
        desk.client.call("writing.upload_folder", repo=repo, folder=folder)
    assert not [asked for asked in requests.asked if "xorbs" in asked], "nothing new, nothing sent"
    changed = bytearray(files["model.safetensors"])
    changed[1_500_000:1_500_010] = b"0123456789"
    files["model.safetensors"] = bytes(changed)
    write(folder, {"model.safetensors": files["model.safetensors"]})
    del files["config.json"]
    (folder / "config.json").unlink()
    desk.client.call("writing.upload_folder", repo=repo, folder=folder, delete_patterns="*.json")
    assert read(desk, repo, tmp_path / "cache") == digests(files)


def test_git_sees_what_a_client_uploads_and_the_reverse(desk: Desk, files: Folder, tmp_path: Path) -> None:
    repo = desk.repo()
    desk.client.call("writing.upload_folder", repo=repo, folder=write(tmp_path / "folder", files))
    git, tree = clone(desk, repo, tmp_path / "home")
    weights = some_bytes(repo, 2_500_000)
    git.commit(tree, {"model.safetensors": weights, "more.bin": weights[:70_000]}, "By git")
    git("tag", "-a", "m@v1.0.0", "-m", "One", cwd=tree)
    git("push", "-q", "origin", "main", "m@v1.0.0", cwd=tree)
    files |= {"model.safetensors": weights, "more.bin": weights[:70_000]}
    assert read(desk, repo, tmp_path / "cache", revision="m@v1.0.0") == digests(files)
    desk.client.call("writing.commit", repo=repo, add={"config.json": "[]"}, message="By the client")
    git("pull", "-q", cwd=tree)
    assert (tree / "config.json").read_text() == "[]"


def test_one_commit_adds_copies_and_deletes(desk: Desk, files: Folder, tmp_path: Path) -> None:
    repo, client = desk.repo(), desk.client
    client.call("writing.upload_folder", repo=repo, folder=write(tmp_path / "folder", files))
    done = client.call(
        "writing.commit",
        repo=repo,
        add={"notes/new.txt": "new\n", "config.json": "[1]"},
        copy={"copies/model.safetensors": "model.safetensors"},
        delete=["empty.bin", "deep/"],
        message="Tidy up",
    )
    assert done["url"] == f"{desk.hub.url}/{repo}/commit/{done['oid']}"
    del files["empty.bin"]
    expected = {name: content for name, content in files.items() if not name.startswith("deep/")} | {
        "notes/new.txt": b"new\n",
        "config.json": b"[1]",
        "copies/model.safetensors": files["model.safetensors"],
    }
    assert read(desk, repo, tmp_path / "cache") == digests(expected)


def test_a_commit_onto_what_has_changed_meanwhile_is_refused(desk: Desk) -> None:
    repo, client = desk.repo(), desk.client
    first = client.call("writing.commit", repo=repo, add={"a.txt": "1"})
    client.call("writing.commit", repo=repo, add={"a.txt": "2"}, parent_commit=first["oid"])
    with pytest.raises(Refused) as refused:
        client.call("writing.commit", repo=repo, add={"a.txt": "3"}, parent_commit=first["oid"])
    assert "412" in refused.value.text


def test_from_memory(desk: Desk, tmp_path: Path) -> None:
    repo, content = desk.repo(), some_bytes(f"memory{desk.client.release}", 2_600_000)
    write(tmp_path, {"m.bin": content})
    desk.client.call("writing.upload_bytes", repo=repo, path="m.bin", file=tmp_path / "m.bin")
    assert read(desk, repo, tmp_path / "cache") == digests({"m.bin": content})


def test_without_xet_also_in_parts(
    desk: Desk, make_client: MakeClient, files: Folder, tmp_path: Path
) -> None:
    repo = desk.repo()
    client = make_client(desk.owner.token, HF_HUB_DISABLE_XET="1")
    with desk.requests() as requests:
        client.call("writing.upload_folder", repo=repo, folder=write(tmp_path / "folder", files))
    assert not [asked for asked in requests.asked if "/api/xet/" in asked or "xet-write-token" in asked]
    parts = [asked for asked in requests.asked if asked.startswith("PUT ")]
    assert len(parts) == 4, "two files, the large one in three parts"
    assert read(desk, repo, tmp_path / "cache") == digests(files)


def test_a_large_folder(desk: Desk, files: Folder, tmp_path: Path) -> None:
    if desk.client.release.name != "1-29":
        pytest.skip(
            "it takes ten seconds, and newer clients have it no more: the last one that has it stands for all"
        )
    repo = desk.repo()
    desk.client.call("writing.upload_large_folder", repo=repo, folder=write(tmp_path / "folder", files))
    assert read(desk, repo, tmp_path / "cache") == digests(files)


def test_branches_and_tags(desk: Desk) -> None:
    repo, client = desk.repo(), desk.client
    first = client.call("writing.commit", repo=repo, add={"a.txt": "1"})["oid"]
    client.call("writing.create_branch", repo=repo, branch="feature/x")
    second = client.call("writing.commit", repo=repo, add={"a.txt": "2"}, revision="feature/x")["oid"]
    client.call("writing.create_branch", repo=repo, branch="feature/x", exist_ok=True)
    client.call("writing.create_branch", repo=repo, branch="old", revision=first)
    client.call("writing.create_tag", repo=repo, tag="v1", revision=first, tag_message="One")
    client.call("writing.create_tag", repo=repo, tag="m@v1.0.0")
    client.call("writing.create_tag", repo=repo, tag="v1", exist_ok=True)
    refs = client.call("reading.refs", repo=repo)
    assert refs["branches"] == {"main": first, "feature/x": second, "old": first}
    assert refs["tags"] == {"v1": first, "m@v1.0.0": first}
    assert client.call("reading.info", repo=repo, revision="m@v1.0.0")["sha"] == first
    client.call("writing.delete_branch", repo=repo, branch="old")
    client.call("writing.delete_tag", repo=repo, tag="v1")
    refs = client.call("reading.refs", repo=repo)
    assert (set(refs["branches"]), set(refs["tags"])) == ({"main", "feature/x"}, {"m@v1.0.0"})
    for flow, options, text in (
        ("writing.create_tag", {"tag": "m@v1.0.0"}, "409"),
        ("writing.create_tag", {"tag": "no good"}, "4"),
        ("writing.create_branch", {"branch": "feature/x"}, "409"),
        ("writing.delete_branch", {"branch": "main"}, "403"),
        ("writing.delete_tag", {"tag": "nowhere"}, "404"),
    ):
        with pytest.raises(Refused) as refused:
            client.call(flow, repo=repo, **options)
        assert text in refused.value.text
        assert "Request ID: " in refused.value.text


def test_a_pull_request(desk: Desk, tmp_path: Path) -> None:
    repo, client = desk.repo(), desk.client
    client.call("writing.commit", repo=repo, add={"a.txt": "1"})
    done = client.call("writing.commit", repo=repo, add={"a.txt": "2"}, create_pr=True)
    assert done["number"] == 1
    assert client.call("reading.refs", repo=repo, include_pull_requests=True)["requests"] == {
        "refs/pr/1": done["oid"]
    }
    assert read(desk, repo, tmp_path, revision="refs/pr/1") == digests({"a.txt": b"2"})
    assert read(desk, repo, tmp_path) == digests({"a.txt": b"1"})


def test_history_is_squashed(desk: Desk, tmp_path: Path) -> None:
    repo, client = desk.repo(), desk.client
    for number in range(3):
        client.call("writing.commit", repo=repo, add={"a.txt": str(number)})
    client.call("writing.super_squash", repo=repo, commit_message="One")
    assert [entry["title"] for entry in client.call("reading.commits", repo=repo)] == ["One"]
    assert read(desk, repo, tmp_path) == digests({"a.txt": b"2"})


def test_datasets_have_a_place_of_their_own(desk: Desk, files: Folder, tmp_path: Path) -> None:
    repo = desk.repo("data", repo_type="dataset")
    folder = write(tmp_path / "folder", files)
    desk.client.call("writing.upload_folder", repo=repo, folder=folder, repo_type="dataset")
    assert read(desk, repo, tmp_path / "cache", repo_type="dataset") == digests(files)
    assert not desk.client.call("reading.exists", repo=repo)
    assert desk.client.call("reading.exists", repo=repo, repo_type="dataset")


def test_writing_through_fsspec(desk: Desk) -> None:
    repo = desk.repo()
    found = desk.client.call(
        "reading.write_through_the_file_system", repo=repo, path="a.txt", text="written\n"
    )
    assert found == "written\n"
    assert set(desk.client.call("reading.files", repo=repo)) == {".gitattributes", "a.txt.copy"}


def test_the_command_uploads_a_folder_and_a_file(desk: Desk, files: Folder, tmp_path: Path) -> None:
    repo = desk.new_id("by-command")
    printed = desk.client.hf("upload", repo, write(tmp_path / "folder", files), "--commit-message", "By hf")
    assert f"{desk.hub.url}/{repo}" in printed
    write(tmp_path, {"one.bin": b"\0one"})
    desk.client.hf("upload", repo, tmp_path / "one.bin", "sub/one.bin")
    assert read(desk, repo, tmp_path / "cache") == digests({**files, "sub/one.bin": b"\0one"})
    assert desk.client.call("reading.commits", repo=repo)[1]["title"] == "By hf"


def test_readers_and_strangers_cannot_write(desk: Desk, make_client: MakeClient) -> None:
    reader = desk.hub.user()
    repo = desk.hub.repo((reader, Role.READER)).full_name
    for token, types in (
        (reader.token, {"HfHubHTTPError"}),
        (desk.hub.user().token, {"RepositoryNotFoundError"}),
    ):
        with pytest.raises(Refused) as refused:
            make_client(token).call("writing.commit", repo=repo, add={"a.txt": "1"})
        assert refused.value.type in types
