"""Every refusal of a push: readable at the terminal, and it leaves everything as it was."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from modelkeep.domain.access import Role, Visibility
from modelkeep.domain.lfs import Oid, Pointer, format_pointer
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo, User

Machine = Callable[..., Git]
NO_FILTER = ("-c", "filter.lfs.clean=cat", "-c", "filter.lfs.process=", "-c", "filter.lfs.required=false")


@pytest.fixture
def owner(hub: Hub) -> User:
    return hub.user()


@pytest.fixture
def user(hub: Hub) -> User:
    return hub.user()


@pytest.fixture
def repo(hub: Hub, owner: User, user: User) -> HubRepo:
    return hub.repo((owner, Role.OWNER), (user, Role.CONTRIBUTOR))


@pytest.fixture
def git(machine: Machine, user: User) -> Git:
    return machine(user.token)


@pytest.fixture
def tree(git: Git, repo: HubRepo) -> Path:
    """A clone of the repo, which has a second commit."""
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"file.txt": "first\n"})
    git("push", "-q", "origin", "main", cwd=tree)
    return tree


@contextmanager
def unchanged(hub: Hub, repo: HubRepo) -> Iterator[None]:
    before = hub.fingerprint(repo)
    yield
    after = hub.fingerprint(repo)
    for part, value in before.items():
        assert after[part] == value, part


def remote_lines(said: str) -> str:
    """What the hub says, without git's decoration."""
    lines = [line.removeprefix("remote:").strip() for line in said.splitlines() if line.startswith("remote:")]
    return "\n".join(lines)


def commit_pointer(git: Git, tree: Path, oid: str, size: int, path: str = "fake.bin") -> None:
    """Commits a pointer as it is, past git-lfs."""
    target = tree / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(format_pointer(Pointer(Oid(oid), size)))
    git(*NO_FILTER, "add", path, cwd=tree)
    git(*NO_FILTER, "commit", "-q", "-m", "A pointer", cwd=tree)


# Branches and plain tags


def test_the_default_branch_is_not_forced(hub: Hub, git: Git, repo: HubRepo, tree: Path) -> None:
    git("commit", "-q", "--amend", "-m", "Another history", cwd=tree)
    with unchanged(hub, repo):
        said = remote_lines(git.refused("--force", "origin", "main", cwd=tree))
    assert "branch 'main' is protected: it cannot be force-pushed" in said
    assert "Fetch, rebase or merge" in said


def test_the_default_branch_is_not_deleted(hub: Hub, git: Git, repo: HubRepo, tree: Path) -> None:
    with unchanged(hub, repo):
        said = git.refused("origin", ":main", cwd=tree)
    assert "deletion" in said or "cannot be deleted" in said


def test_a_protected_branch_takes_pushes_of_its_role_only(
    hub: Hub, git: Git, repo: HubRepo, tree: Path, machine: Machine, owner: User
) -> None:
    hub.services.protections.add(
        hub.local, repo.namespace, repo.name, is_tag=False, pattern="release/*", push_role=Role.MAINTAINER
    )
    with unchanged(hub, repo):
        said = remote_lines(git.refused("origin", "main:release/1", cwd=tree))
    assert (
        "branch 'release/1' is protected: pushing to it needs the role maintainer, you are contributor"
        in said
    )
    master = machine(owner.token)
    clone = master.clone(repo.git_url, "clone")
    master("push", "-q", "origin", "main:release/1", cwd=clone)
    with unchanged(hub, repo):
        assert "cannot be deleted" in master.refused("origin", ":release/1", cwd=clone)
        assert "force-pushed" in master.refused("--force", "origin", "main~1:release/1", cwd=clone)


def test_a_protected_tag_is_neither_moved_nor_deleted(
    hub: Hub, git: Git, repo: HubRepo, tree: Path, machine: Machine, owner: User
) -> None:
    hub.services.protections.add(
        hub.local, repo.namespace, repo.name, is_tag=True, pattern="v*", push_role=Role.CONTRIBUTOR
    )
    git("tag", "v1", cwd=tree)
    git("push", "-q", "origin", "v1", cwd=tree)
    git("tag", "-f", "v1", "HEAD~1", cwd=tree)
    with unchanged(hub, repo):
        assert "tag 'v1' is protected: it cannot be moved" in git.refused("--force", "origin", "v1", cwd=tree)
        assert "tag 'v1' is protected and cannot be deleted" in git.refused(
            "origin", ":refs/tags/v1", cwd=tree
        )


@pytest.mark.parametrize(
    "ref",
    [
        "refs/notes/commits",
        "refs/pull/1/head",
        "refs/internal/x",
        "refs/remotes/origin/x",
        "refs/stash",
        "refs/x",
    ],
)
def test_only_branches_and_tags_are_pushed(hub: Hub, git: Git, repo: HubRepo, tree: Path, ref: str) -> None:
    with unchanged(hub, repo):
        said = git.refused("origin", f"HEAD:{ref}", cwd=tree)
    assert "only branches (refs/heads/) and tags (refs/tags/) can be pushed" in said or "hidden ref" in said


def test_one_refusal_stops_the_whole_push(hub: Hub, git: Git, repo: HubRepo, tree: Path) -> None:
    git.commit(tree, {"more.txt": "more\n"})
    with unchanged(hub, repo):
        said = git.refused("origin", "HEAD:main", "HEAD:dev", "HEAD:refs/notes/x", cwd=tree)
    assert said.count("[remote rejected]") == 3


def test_a_branch_holds_commits_only(hub: Hub, git: Git, repo: HubRepo, tree: Path) -> None:
    blob = git("rev-parse", "HEAD:file.txt", cwd=tree)
    with unchanged(hub, repo):
        git.refused("origin", f"{blob}:refs/heads/blob", cwd=tree)


# Files


def test_a_big_file_is_named_with_what_to_do(hub: Hub, git: Git, repo: HubRepo, tree: Path) -> None:
    git.commit(tree, {"data/big table.csv2": random.Random(1).randbytes(1_500_000)})
    with unchanged(hub, repo):
        said = remote_lines(git.refused("origin", "main", cwd=tree))
    assert "data/big table.csv2 has 1.4 MiB" in said
    assert 'git lfs track "*.csv2" && git add .gitattributes' in said
    assert 'git lfs migrate import --include="*.csv2"' in said


def test_a_pack_over_the_limit(hub: Hub, git: Git, repo: HubRepo, tree: Path) -> None:
    noise = random.Random(9)
    git.commit(tree, {f"part{number}": noise.randbytes(900_000) for number in range(20)})
    with unchanged(hub, repo):
        said = git.refused("origin", "main", cwd=tree)
    assert "pack exceeds maximum allowed size" in said


def test_a_big_file_that_a_later_commit_removes_is_refused_too(
    hub: Hub, git: Git, repo: HubRepo, tree: Path
) -> None:
    git.commit(tree, {"big.dat": b"0" * 1_500_000})
    git("rm", "-q", "big.dat", cwd=tree)
    git.commit(tree, {})
    with unchanged(hub, repo):
        assert "big.dat has 1.4 MiB" in git.refused("origin", "main", cwd=tree)


def test_what_a_refusal_advises_works(hub: Hub, git: Git, repo: HubRepo, tree: Path) -> None:
    content = random.Random(2).randbytes(1_500_000)
    git.commit(tree, {"big.dat": content})
    assert "big.dat" in git.refused("origin", "main", cwd=tree)
    git("lfs", "migrate", "import", "--include=*.dat", cwd=tree)
    git("push", "-q", "origin", "main", cwd=tree)
    assert hub.has_blob(content)


def test_a_big_file_does_not_come_in_by_a_tag_of_a_blob(
    hub: Hub, git: Git, repo: HubRepo, tree: Path
) -> None:
    (tree / "big").write_bytes(b"1" * 1_500_000)
    blob = git("hash-object", "-w", "big", cwd=tree)
    for target in ([blob], ["-a", "-m", "x", blob]):
        git("tag", "-f", "blob", *target, cwd=tree)
        with unchanged(hub, repo):
            assert "has 1.4 MiB" in git.refused("origin", "refs/tags/blob", cwd=tree)


@pytest.mark.parametrize("pushed", ["HEAD:main", "HEAD:refs/heads/new", "HEAD:refs/tags/plain"])
def test_a_pointer_without_its_object(hub: Hub, git: Git, repo: HubRepo, tree: Path, pushed: str) -> None:
    commit_pointer(git, tree, "ab" * 32, 12)
    with unchanged(hub, repo):
        said = remote_lines(git.refused("--no-verify", "origin", pushed, cwd=tree))
    assert "fake.bin is an LFS pointer to abababababab" in said
    assert "git lfs push --all origin" in said


def test_a_pointer_to_the_object_of_another_tenant(
    hub: Hub, git: Git, repo: HubRepo, tree: Path, machine: Machine
) -> None:
    victim = hub.user()
    theirs = hub.repo((victim, Role.OWNER))
    other = machine(victim.token)
    content = random.Random(3).randbytes(2000)
    clone = other.clone(theirs.git_url, "clone")
    other.commit(clone, {"secret.bin": content})
    other("push", "-q", "origin", "main", cwd=clone)
    assert hub.has_blob(content)

    commit_pointer(git, tree, hashlib.sha256(content).hexdigest(), len(content))
    with unchanged(hub, repo), unchanged(hub, theirs):
        said = remote_lines(git.refused("--no-verify", "origin", "main", cwd=tree))
    assert "has not been uploaded to this repo" in said


def test_a_pointer_to_an_object_that_one_may_read_elsewhere(
    hub: Hub, git: Git, user: User, repo: HubRepo, tree: Path
) -> None:
    other = hub.repo((user, Role.CONTRIBUTOR))
    content = random.Random(4).randbytes(2000)
    clone = git.clone(other.git_url, "clone")
    git.commit(clone, {"mine.bin": content})
    git("push", "-q", "origin", "main", cwd=clone)

    commit_pointer(git, tree, hashlib.sha256(content).hexdigest(), len(content), "copy.bin")
    git("push", "-q", "--no-verify", "origin", "main", cwd=tree)
    fresh = git.clone(repo.git_url, "fresh")
    assert (fresh / "copy.bin").read_bytes() == content


def test_a_pointer_with_another_size(hub: Hub, git: Git, repo: HubRepo, tree: Path) -> None:
    content = random.Random(5).randbytes(2000)
    git.commit(tree, {"model.bin": content})
    git("push", "-q", "origin", "main", cwd=tree)
    for size in (1999, 2001, 0):
        commit_pointer(git, tree, hashlib.sha256(content).hexdigest(), size, f"wrong{size}.bin")
        with unchanged(hub, repo):
            assert f"wrong{size}.bin is an LFS pointer" in git.refused(
                "--no-verify", "origin", "main", cwd=tree
            )
        git("reset", "-q", "--hard", "HEAD~1", cwd=tree)


def test_a_pointer_does_not_come_in_by_a_tag_of_a_blob(hub: Hub, git: Git, repo: HubRepo, tree: Path) -> None:
    pointer = format_pointer(Pointer(Oid("cd" * 32), 12))
    blob = git("hash-object", "-w", "--stdin", cwd=tree, input=pointer)
    git("tag", "pointer", blob, cwd=tree)
    with unchanged(hub, repo):
        assert "LFS pointer" in git.refused("--no-verify", "origin", "refs/tags/pointer", cwd=tree)


def test_nothing_unreferenced_comes_in_beside_a_push(
    hub: Hub, git: Git, repo: HubRepo, tree: Path, user: User
) -> None:
    """A pack may hold objects that no commit names; left in the repo they would count as known later."""
    pointer = format_pointer(Pointer(Oid("ef" * 32), 12))
    blob = git("hash-object", "-w", "--stdin", cwd=tree, input=pointer)
    commit = git.commit(tree, {"a.txt": "a\n"})
    old = git("rev-parse", "HEAD~1", cwd=tree)
    listed = git("rev-list", "--objects", commit, f"^{old}", cwd=tree)
    names = "\n".join([*(line.split(" ")[0] for line in listed.splitlines()), blob]) + "\n"
    prefix = tree / "crafted"
    pack_id = git("pack-objects", "-q", prefix, cwd=tree, input=names.encode())
    pack = (tree / f"crafted-{pack_id}.pack").read_bytes()
    line = f"{old} {commit} refs/heads/main\0report-status side-band-64k".encode()
    with unchanged(hub, repo), hub.client(user.token) as client:
        answer = client.post(
            f"{repo.git_url}/git-receive-pack",
            content=b"%04x%s0000" % (len(line) + 4, line) + pack,
            headers={"Content-Type": "application/x-git-receive-pack-request"},
        )
    assert answer.status_code == 200
    assert b"LFS pointer" in answer.content


def test_a_locked_file_of_somebody_else(
    hub: Hub, git: Git, repo: HubRepo, tree: Path, machine: Machine, owner: User
) -> None:
    git.commit(tree, {"dir/model.bin": b"1" * 100, "other.bin": b"2" * 100})
    git("push", "-q", "origin", "main", cwd=tree)
    master = machine(owner.token)
    clone = master.clone(repo.git_url, "clone")
    master("lfs", "lock", "dir/model.bin", cwd=clone)

    commit = git.commit(tree, {"dir/model.bin": b"3" * 100})
    git("-c", "lfs.locksverify=false", "lfs", "push", "origin", "main", cwd=tree)
    with unchanged(hub, repo):
        said = remote_lines(git.refused("--no-verify", "origin", f"{commit}:main", cwd=tree))
        assert f"dir/model.bin is locked by {owner.name}" in said
        git("rm", "-q", "dir/model.bin", cwd=tree)
        git.commit(tree, {})
        assert "is locked by" in git.refused("--no-verify", "origin", "HEAD:main", cwd=tree)
        git("reset", "-q", "--hard", "HEAD~2", cwd=tree)
        git("mv", "dir", "elsewhere", cwd=tree)
        git.commit(tree, {})
        assert "is locked by" in git.refused("--no-verify", "origin", "HEAD:main", cwd=tree)
        git("reset", "-q", "--hard", "HEAD~1", cwd=tree)

    git.commit(tree, {"other.bin": b"4" * 100})
    git("push", "-q", "origin", "main", cwd=tree)
    master("pull", "-q", cwd=clone)
    master.commit(clone, {"dir/model.bin": b"5" * 100})
    master("push", "-q", "origin", "main", cwd=clone)


def test_a_locked_file_is_safe_in_a_new_branch_too(
    hub: Hub, git: Git, repo: HubRepo, tree: Path, machine: Machine, owner: User
) -> None:
    git.commit(tree, {"model.bin": b"1" * 100})
    git("push", "-q", "origin", "main", cwd=tree)
    hub.services.locking.create(hub.actor(owner.token), repo.namespace, repo.name, "model.bin", None)
    # A branch that leaves the locked file as it is can be made, whoever holds the lock.
    git.commit(tree, {"a.txt": "a\n"})
    git("push", "-q", "origin", "HEAD:refs/heads/harmless", cwd=tree)
    # So can one that merges what the holder of the lock has pushed.
    master = machine(owner.token)
    clone = master.clone(repo.git_url, "clone")
    master.commit(clone, {"model.bin": b"9" * 100})
    master("push", "-q", "origin", "main", cwd=clone)
    git("fetch", "-q", cwd=tree)
    git("merge", "-q", "--no-edit", "origin/main", cwd=tree)
    git("push", "-q", "origin", "HEAD:refs/heads/harmless", "HEAD:refs/heads/merged", cwd=tree)
    git.commit(tree, {"model.bin": b"2" * 100})
    git("-c", "lfs.locksverify=false", "lfs", "push", "origin", "main", cwd=tree)
    with unchanged(hub, repo):
        assert "is locked by" in git.refused("--no-verify", "origin", "HEAD:refs/heads/new", cwd=tree)


def test_a_reader_of_a_public_repo_is_told_before_anything_is_sent(hub: Hub, machine: Machine) -> None:
    stranger = hub.user()
    repo = hub.repo(visibility=Visibility.PUBLIC)
    git = machine(stranger.token)
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"model.bin": b"0" * 1000})
    with unchanged(hub, repo):
        said = git.refused("origin", "main", cwd=tree)
    assert "403" in said or "permission" in said.lower()
    assert not hub.has_blob(b"0" * 1000)
