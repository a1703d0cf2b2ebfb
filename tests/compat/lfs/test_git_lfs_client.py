"""The stock git-lfs: push, pull, fetch, many files, credentials, and refusals."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from modelkeep.db import blobs
from modelkeep.domain.access import Role, Visibility
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo
from tests.support.lfs import LfsClient, oid_of, wanted

Machine = Callable[..., Git]
Fresh = Callable[[int], bytes]


def tree_of(git: Git, repo: HubRepo) -> Path:
    return git.clone(repo.git_url, "tree")


@pytest.mark.parametrize("version", [0, 2])
def test_files_come_back_byte_for_byte(hub: Hub, machine: Machine, fresh: Fresh, version: int) -> None:
    user, reader = hub.user(), hub.user()
    repo = hub.repo((user, Role.CONTRIBUTOR), (reader, Role.READER))
    git, other = machine(user.token), machine(reader.token)
    for one in (git, other):
        one("config", "--global", "protocol.version", str(version))
    tree = tree_of(git, repo)
    files: dict[str, bytes | str] = {
        "model.safetensors": fresh(2_500_000),
        "dir with blanks/ünïcode.onnx": fresh(70_000),
        "empty.bin": b"",
        "small.pt": b"x",
        "README.md": "text\n",
    }
    git.commit(tree, files)
    git("push", "-q", "origin", "main", cwd=tree)
    git("lfs", "fsck", cwd=tree)

    copy = other.clone(repo.git_url, "copy")
    assert {name: (copy / name).read_bytes() for name in files if name != "README.md"} == {
        name: content for name, content in files.items() if name != "README.md"
    }
    other("lfs", "fsck", cwd=copy)
    git.commit(tree, {"small.pt": b"y"})
    git("push", "-q", "origin", "main", cwd=tree)
    other("pull", "-q", cwd=copy)
    assert (copy / "small.pt").read_bytes() == b"y"


def test_objects_can_be_fetched_later_and_pushed_apart(hub: Hub, machine: Machine, fresh: Fresh) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.CONTRIBUTOR))
    git = machine(user.token)
    tree = tree_of(git, repo)
    content = fresh(5000)
    git.commit(tree, {"a.bin": content})
    git("lfs", "push", "--all", "origin", cwd=tree)
    assert hub.has_blob(content)
    git("push", "-q", "--no-verify", "origin", "main", cwd=tree)
    copy = git.home / "copy"
    git("clone", "-q", repo.git_url, copy, env={"GIT_LFS_SKIP_SMUDGE": "1"})
    assert oid_of(content) in (copy / "a.bin").read_text()
    git("lfs", "pull", cwd=copy)
    assert (copy / "a.bin").read_bytes() == content


def test_an_interrupted_download_goes_on(hub: Hub, machine: Machine, fresh: Fresh) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.CONTRIBUTOR))
    git = machine(user.token)
    tree = tree_of(git, repo)
    content = fresh(800_000)
    git.commit(tree, {"a.bin": content})
    git("push", "-q", "origin", "main", cwd=tree)
    copy = git.home / "copy"
    git("clone", "-q", repo.git_url, copy, env={"GIT_LFS_SKIP_SMUDGE": "1"})
    partial = copy / ".git" / "lfs" / "incomplete" / f"{oid_of(content)}.part"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(content[:300_000])
    git("lfs", "pull", cwd=copy)
    assert (copy / "a.bin").read_bytes() == content
    (download,) = hub.requests_about("GET", oid_of(content))
    assert (download["status"], download["sent"]) == (206, 500_000)


def test_anonymous_clone_of_a_public_repo(hub: Hub, machine: Machine, fresh: Fresh) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.OWNER), visibility=Visibility.PUBLIC)
    git = machine(user.token)
    tree = tree_of(git, repo)
    content = fresh(5000)
    git.commit(tree, {"a.bin": content})
    git("push", "-q", "origin", "main", cwd=tree)
    copy = machine().clone(repo.git_url, "copy")
    assert (copy / "a.bin").read_bytes() == content


def test_a_token_in_the_address_serves_lfs_too(hub: Hub, machine: Machine, fresh: Fresh) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.CONTRIBUTOR))
    git = machine()
    tree = git.clone(repo.url_as("token", user.token), "tree")
    content = fresh(5000)
    git.commit(tree, {"a.bin": content})
    git("push", "-q", "origin", "main", cwd=tree)
    assert hub.has_blob(content)


@pytest.mark.slow
def test_two_thousand_small_files(hub: Hub, machine: Machine) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.CONTRIBUTOR))
    git = machine(user.token)
    tree = tree_of(git, repo)
    git("config", "lfs.transfer.batchSize", "1000", cwd=tree)
    contents = [hashlib.sha256(b"%d" % number).digest() * 4 for number in range(2000)]
    git.commit(tree, {f"d{number % 20}/f{number}.bin": content for number, content in enumerate(contents)})
    git("push", "-q", "origin", "main", cwd=tree)
    with hub.stores.database.read() as tx:
        assert blobs.usage(tx, repo.id) == (2000, 2000 * 128)
    lfs = LfsClient(hub, repo, user.token)
    for half in (contents[:1000], contents[1000:]):
        answers = lfs.batch("download", wanted(*half))["objects"]
        assert all("download" in answer["actions"] for answer in answers)


def test_what_is_known_is_not_sent_again(hub: Hub, machine: Machine, fresh: Fresh) -> None:
    user = hub.user()
    one, other = hub.repo((user, Role.CONTRIBUTOR)), hub.repo((user, Role.CONTRIBUTOR))
    git = machine(user.token)
    content = fresh(5000)
    for number, repo in enumerate((one, other)):
        tree = git.clone(repo.git_url, f"tree{number}")
        git.commit(tree, {"a.bin": content})
        git("push", "-q", "origin", "main", cwd=tree)
    assert len(hub.requests_about("PUT", oid_of(content))) == 1
    assert (git.clone(other.git_url, "copy") / "a.bin").read_bytes() == content


def test_an_object_over_the_limit_stops_the_push(hub: Hub, machine: Machine) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.CONTRIBUTOR))
    git = machine(user.token)
    tree = tree_of(git, repo)
    git.commit(tree, {"a.bin": bytes((64 << 20) + 1)})
    before = hub.fingerprint(repo)
    said = git.refused("origin", "main", cwd=tree)
    assert "are not accepted here" in said
    assert hub.fingerprint(repo) == before


def test_a_reader_is_refused_before_anything_is_sent(hub: Hub, machine: Machine, fresh: Fresh) -> None:
    reader = hub.user()
    repo = hub.repo((reader, Role.READER))
    git = machine(reader.token)
    tree = tree_of(git, repo)
    content = fresh(5000)
    git.commit(tree, {"a.bin": content})
    before = hub.fingerprint(repo)
    assert git.attempt("lfs", "push", "--all", "origin", cwd=tree).code != 0
    assert hub.fingerprint(repo) == before
    assert not hub.has_blob(content)


def test_an_object_changed_on_the_way_stops_the_push(hub: Hub, machine: Machine, fresh: Fresh) -> None:
    """With a 422 the client would go on and push the pointer without its object."""
    user = hub.user()
    repo = hub.repo((user, Role.CONTRIBUTOR))
    git = machine(user.token)
    tree = tree_of(git, repo)
    git("config", "lfs.transfer.maxretries", "1", cwd=tree)
    content = fresh(5000)
    git.commit(tree, {"a.bin": content})
    stored = next((tree / ".git" / "lfs" / "objects").glob(f"*/*/{oid_of(content)}"))
    stored.chmod(0o600)
    stored.write_bytes(content[:-1] + b"?")
    before = hub.fingerprint(repo)
    said = git.refused("origin", "main", cwd=tree)
    assert "400" in said or "SHA-256" in said
    assert hub.fingerprint(repo) == before
