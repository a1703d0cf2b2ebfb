"""Ways around the gate that were open once: each is a push or a commit that must not get what it asks for."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelkeep.domain.access import Role, Scope
from modelkeep.domain.objects import ZERO_ID
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo, User

Machine = Callable[..., Git]
MIB = 1 << 20
PUSH = {"Content-Type": "application/x-git-receive-pack-request"}


@pytest.fixture
def owner(hub: Hub) -> User:
    return hub.user()


@pytest.fixture
def contributor(hub: Hub) -> User:
    return hub.user()


@pytest.fixture
def repo(hub: Hub, owner: User, contributor: User) -> HubRepo:
    return hub.repo((owner, Role.OWNER), (contributor, Role.CONTRIBUTOR))


@pytest.fixture
def git(machine: Machine, contributor: User) -> Git:
    git = machine(contributor.token)
    git("config", "--global", "filter.lfs.required", "false")
    git("config", "--global", "filter.lfs.process", "")
    git("config", "--global", "filter.lfs.clean", "cat")
    return git


@pytest.fixture
def tree(git: Git, repo: HubRepo) -> Path:
    return git.clone(repo.git_url, "tree")


def _api(
    hub: Hub, user: User, method: str, repo: HubRepo, path: str, body: object = None
) -> dict[str, object]:
    answer = hub.request(method, f"/api/v1/repos/{repo.full_name}{path}", user.token, json=body)
    assert answer.status_code < 300, answer.text
    found: dict[str, object] = answer.json()
    return found


def _packet(line: bytes) -> bytes:
    return b"%04x" % (len(line) + 4) + line


def _pack(git: Git, tree: Path, new: str) -> bytes:
    """Everything that commit ``new`` brings, as a pack."""
    name = git("pack-objects", "-q", "--revs", tree / "brought", cwd=tree, input=f"{new}\n".encode())
    return (tree / f"brought-{name}.pack").read_bytes()


@pytest.mark.parametrize("user", ["contributor", "owner"])
@pytest.mark.parametrize("ref", ["refs/tags/m@v1.0.0", "refs/heads/main"])
def test_nobody_deletes_by_saying_that_a_ref_is_not_there(
    hub: Hub, repo: HubRepo, owner: User, contributor: User, user: str, ref: str
) -> None:
    _api(hub, owner, "POST", repo, "/artifacts/m/versions", {"version": "v1.0.0"})
    before = hub.fingerprint(repo)
    secret = {"contributor": contributor, "owner": owner}[user].token
    command = _packet(f"{ZERO_ID} {ZERO_ID} {ref}".encode() + b"\0report-status")
    answer = hub.request(
        "POST", f"{repo.git_url}/git-receive-pack", secret, content=command + b"0000", headers=PUSH
    )
    assert f"ng {ref}".encode() in answer.content
    assert hub.fingerprint(repo) == before


def test_a_refused_commit_leaves_no_large_file_behind(
    hub: Hub, repo: HubRepo, contributor: User, git: Git, tree: Path
) -> None:
    content = os.urandom(2 * MIB)
    operation = {"op": "add", "path": "big.dat", "content_base64": base64.b64encode(content).decode()}
    before = hub.fingerprint(repo)
    answer = hub.request(
        "POST",
        f"/api/v1/repos/{repo.full_name}/commits",
        contributor.token,
        json={"message": "Large", "operations": [operation]},
    )
    assert answer.status_code == 413
    assert hub.fingerprint(repo) == before
    git.commit(tree, {"big.dat": content})
    assert "big.dat has 2.0 MiB" in git.refused("origin", "HEAD:refs/heads/large", cwd=tree)


def test_a_refused_commit_leaves_no_pointer_behind(
    hub: Hub, repo: HubRepo, contributor: User, git: Git, tree: Path
) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 5\n"
    operation = {"op": "add", "path": "weights.bin", "content": pointer}
    answer = hub.request(
        "POST",
        f"/api/v1/repos/{repo.full_name}/commits",
        contributor.token,
        json={"message": "Pointer", "operations": [operation]},
    )
    assert answer.json()["code"] == "lfs_object_missing"
    git("config", "core.hooksPath", "/dev/null", cwd=tree)
    git.commit(tree, {"weights.bin": pointer})
    assert "weights.bin is an LFS pointer" in git.refused("origin", "HEAD:refs/heads/pointer", cwd=tree)


def test_a_tag_does_not_carry_a_locked_file_past_its_lock(
    hub: Hub, repo: HubRepo, owner: User, git: Git, tree: Path
) -> None:
    locked = hub.request("POST", f"{repo.lfs_url}/locks", owner.token, json={"path": "locked.txt"})
    assert locked.status_code == 201
    git.commit(tree, {"locked.txt": "mine\n"})
    git("tag", "-a", "-m", "Annotated", "annotated", cwd=tree)
    for refspec in ("HEAD:refs/tags/plain", "annotated:refs/tags/annotated", "HEAD:refs/heads/main"):
        assert "locked.txt is locked" in git.refused("origin", refspec, cwd=tree)


def test_rights_are_those_of_the_moment_of_the_decision(
    hub: Hub, repo: HubRepo, contributor: User, git: Git, tree: Path
) -> None:
    """A token that is revoked while the pack is on its way."""
    new = git.commit(tree, {"late.txt": "late\n"})
    pack = _pack(git, tree, new)
    secret = hub.token(contributor.name, Scope.WRITE)

    def body() -> Iterator[bytes]:
        command = f"{ZERO_ID} {new} refs/heads/late".encode() + b"\0report-status"
        yield _packet(command) + b"0000" + pack[:40]
        hub.revoke(secret)
        yield pack[40:]

    answer = hub.request("POST", f"{repo.git_url}/git-receive-pack", secret, content=body(), headers=PUSH)
    assert b"ng refs/heads/late" in answer.content
    assert "refs/heads/late" not in git("ls-remote", "origin", cwd=tree)
