"""Push with the real git."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable

import pytest

from modelkeep.domain.access import Role
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo, User

Machine = Callable[..., Git]
REF = "%(refname) %(objectname)"


@pytest.fixture
def user(hub: Hub) -> User:
    return hub.user()


@pytest.fixture
def repo(hub: Hub, user: User) -> HubRepo:
    return hub.repo((user, Role.CONTRIBUTOR))


@pytest.fixture
def git(machine: Machine, user: User) -> Git:
    return machine(user.token)


def refs_of(git: Git, repo: HubRepo) -> dict[str, str]:
    lines = git("for-each-ref", f"--format={REF}", cwd=repo.git_dir).splitlines()
    return dict(line.split(" ", 1) for line in lines)


@pytest.mark.parametrize("version", [0, 2])
def test_branches_and_tags_are_pushed_and_deleted(git: Git, repo: HubRepo, hub: Hub, version: int) -> None:
    git("config", "--global", "protocol.version", str(version))
    tree = git.clone(repo.git_url, "tree")
    commit = git.commit(tree, {"a.txt": "a\n"})
    git("tag", "light", cwd=tree)
    git("tag", "-a", "-m", "Annotated", "heavy", cwd=tree)
    git("push", "-q", "origin", "main", "main:feature/one", "light", "heavy", cwd=tree)
    after = refs_of(git, repo)
    assert after["refs/heads/main"] == after["refs/heads/feature/one"] == after["refs/tags/light"] == commit
    assert after["refs/tags/heavy"] == git("rev-parse", "heavy", cwd=tree)

    git("push", "-q", "origin", ":feature/one", ":refs/tags/light", cwd=tree)

    assert set(refs_of(git, repo)) == {"refs/heads/main", "refs/tags/heavy"}
    rows = hub.snapshot(repo.id)["git_refs"]
    assert [row[:2] for row in rows] == sorted(refs_of(git, repo).items())


def test_a_branch_that_is_not_protected_can_be_forced(git: Git, repo: HubRepo) -> None:
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"a.txt": "a\n"})
    git("push", "-q", "origin", "HEAD:dev", cwd=tree)
    git("push", "-q", "--force", "origin", "HEAD~1:dev", cwd=tree)
    assert refs_of(git, repo)["refs/heads/dev"] == git("rev-parse", "HEAD~1", cwd=tree)


def test_a_large_pack_is_streamed_after_a_probe(git: Git, repo: HubRepo, hub: Hub) -> None:
    tree = git.clone(repo.git_url, "tree")
    noise = random.Random(7)
    git.commit(tree, {f"part{number}": noise.randbytes(900_000) for number in range(4)})
    done = git.attempt("push", "origin", "main", cwd=tree, env={"GIT_TRACE_CURL": "1"})
    assert done.code == 0, done.err
    assert "transfer-encoding: chunked" in done.err.lower()
    posts = hub.requests_about("POST", f"{repo.full_name}.git/git-receive-pack")
    assert len(posts) == 2  # the probe, and the push
    git("fsck", "--strict", cwd=repo.git_dir)
    assert git("rev-parse", "HEAD", cwd=tree) == refs_of(git, repo)["refs/heads/main"]


def test_push_options_are_understood(git: Git, repo: HubRepo) -> None:
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"a.txt": "a\n"})
    git("push", "-q", "-o", "ci.skip", "-o", "topic=ünïcode $(id) ;", "origin", "main", cwd=tree)
    assert refs_of(git, repo)["refs/heads/main"] == git("rev-parse", "HEAD", cwd=tree)


def test_an_atomic_push_goes_through_whole(git: Git, repo: HubRepo) -> None:
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"a.txt": "a\n"})
    git("push", "-q", "--atomic", "origin", "main", "main:one", "main:two", cwd=tree)
    assert set(refs_of(git, repo)) == {"refs/heads/main", "refs/heads/one", "refs/heads/two"}


def test_an_atomic_push_is_refused_whole(git: Git, repo: HubRepo, hub: Hub) -> None:
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"a.txt": "a\n"})
    git("push", "-q", "origin", "main:dev", cwd=tree)
    other = git.clone(repo.git_url, "other")
    git.commit(other, {"b.txt": "b\n"}, "Meanwhile")
    git("push", "-q", "origin", "HEAD:refs/heads/dev", "--force", cwd=other)
    before = hub.fingerprint(repo)
    # The first clone does not know that dev has moved: it proposes an old value that is no longer there.
    git.commit(tree, {"a.txt": "more\n"})
    said = git.refused("--atomic", "origin", "main:new", "main:dev", cwd=tree)
    assert "rejected" in said
    assert hub.fingerprint(repo) == before


def test_of_many_racing_pushes_to_one_branch_one_wins(
    hub: Hub, machine: Machine, user: User, repo: HubRepo
) -> None:
    git = machine(user.token)
    trees = [git.clone(repo.git_url, f"tree{number}") for number in range(6)]
    commits = [git.commit(tree, {"a.txt": f"{number}\n"}) for number, tree in enumerate(trees)]
    running = [
        subprocess.Popen(
            ["git", "push", "-q", "origin", "main"], cwd=tree, env=git.env, stderr=subprocess.DEVNULL
        )
        for tree in trees
    ]
    codes = [process.wait(60) for process in running]
    assert codes.count(0) == 1
    assert refs_of(git, repo)["refs/heads/main"] == commits[codes.index(0)]


def test_an_unrelated_history_may_replace_the_hubs_first_commit(git: Git, repo: HubRepo, hub: Hub) -> None:
    tree = git.init("tree", repo.git_url)
    commit = git.commit(tree, {"mine.txt": "mine\n"})
    git("push", "-q", "-u", "origin", "main", cwd=tree)
    assert refs_of(git, repo) == {"refs/heads/main": commit}
    assert [row[:2] for row in hub.snapshot(repo.id)["git_refs"]] == [("refs/heads/main", commit)]


def test_a_clone_of_a_new_repo_is_pushed_on_top_of_its_first_commit(git: Git, repo: HubRepo) -> None:
    tree = git.clone(repo.git_url, "tree")
    first = git("rev-parse", "HEAD", cwd=tree)
    assert {path.name for path in tree.iterdir()} == {".git", ".gitattributes", "README.md"}
    git.commit(tree, {"a.txt": "a\n"})
    git("push", "-q", cwd=tree)
    assert git("rev-parse", "main~1", cwd=repo.git_dir) == first


def test_a_refused_push_leaves_the_first_commit(git: Git, repo: HubRepo, hub: Hub) -> None:
    before = hub.fingerprint(repo)
    tree = git.init("tree", repo.git_url)
    git.commit(tree, {"big.txt": b"\0" * (2 << 20)})
    assert "git lfs track" in git.refused("origin", "main", cwd=tree)
    assert hub.fingerprint(repo) == before
    assert git.clone(repo.git_url, "clone").joinpath("README.md").is_file()


def test_the_first_commit_is_replaced_only_once(git: Git, repo: HubRepo) -> None:
    one = git.init("one", repo.git_url)
    commit = git.commit(one, {"one.txt": "1\n"})
    git("push", "-q", "origin", "main", cwd=one)
    other = git.init("other", repo.git_url)
    git.commit(other, {"other.txt": "2\n"})
    assert "fetch first" in git.refused("origin", "main", cwd=other)
    assert "protected" in git.refused("--force", "origin", "main", cwd=other)
    assert refs_of(git, repo)["refs/heads/main"] == commit


def test_another_branch_of_a_new_repo_leaves_the_first_commit(git: Git, repo: HubRepo) -> None:
    tree = git.init("tree", repo.git_url)
    git.commit(tree, {"mine.txt": "mine\n"})
    git("push", "-q", "origin", "main:dev", cwd=tree)
    assert set(refs_of(git, repo)) == {"refs/heads/main", "refs/heads/dev"}


def test_a_push_that_changes_nothing_is_fine(git: Git, repo: HubRepo) -> None:
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"a.txt": "a\n"})
    git("push", "-q", cwd=tree)
    assert "up-to-date" in git.attempt("push", cwd=tree).err
