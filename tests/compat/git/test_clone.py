"""Clone, fetch and pull with the real git."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from modelkeep.domain.access import Role, Visibility
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo

Machine = Callable[..., Git]


@pytest.fixture(scope="module")
def filled(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> HubRepo:
    """A public repo: three commits on main, forty branches that each hold a commit, a tag."""
    user = hub.user()
    repo = hub.repo((user, Role.CONTRIBUTOR), visibility=Visibility.PUBLIC)
    git = Git(tmp_path_factory.mktemp("author"), user.token)
    tree = git.clone(repo.git_url, "tree")
    for number in range(3):
        git.commit(tree, {"model.txt": f"{number}\n" * 2000, f"dir/file{number}": "x\n"}, f"Commit {number}")
    git("tag", "-a", "-m", "A tag", "release", cwd=tree)
    for number in range(40):
        git("switch", "-q", "-c", f"branch{number}", "main", cwd=tree)
        git.commit(tree, {}, f"Branch {number}")
    git("push", "-q", "--all", cwd=tree)
    git("push", "-q", "--tags", cwd=tree)
    return repo


@pytest.mark.parametrize("version", [0, 1, 2])
def test_clone_and_pull_in_every_protocol_version(hub: Hub, machine: Machine, version: int) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.CONTRIBUTOR), visibility=Visibility.PUBLIC)
    writer, reader = machine(user.token), machine()
    for git in (writer, reader):
        git("config", "--global", "protocol.version", str(version))
    tree, copy = writer.clone(repo.git_url, "tree"), reader.clone(repo.git_url, "copy")

    commit = writer.commit(tree, {"new.txt": f"{version}\n"})
    writer("push", "-q", "origin", "main", cwd=tree)
    reader("pull", "-q", "--ff-only", cwd=copy)

    assert reader("rev-parse", "HEAD", cwd=copy) == commit
    assert (copy / "new.txt").read_text() == f"{version}\n"
    reader("fsck", "--strict", cwd=copy)


def test_both_addresses_of_a_repo_work(machine: Machine, filled: HubRepo) -> None:
    git = machine()
    one, other = git.clone(filled.url, "one"), git.clone(filled.git_url, "other")
    assert git("rev-parse", "HEAD", cwd=one) == git("rev-parse", "HEAD", cwd=other)


def test_names_compare_without_case(machine: Machine, filled: HubRepo) -> None:
    assert machine().clone(filled.git_url.replace("/org", "/ORG").replace("/repo", "/Repo"), "copy").is_dir()


def test_a_shallow_clone_can_be_deepened(machine: Machine, filled: HubRepo) -> None:
    git = machine()
    tree = git.clone(filled.git_url, "tree", "--depth", "1")
    assert git("rev-list", "--count", "HEAD", cwd=tree) == "1"
    git("fetch", "-q", "--deepen", "1", cwd=tree)
    assert git("rev-list", "--count", "HEAD", cwd=tree) == "2"
    git("fetch", "-q", "--unshallow", cwd=tree)
    assert git("rev-list", "--count", "HEAD", cwd=tree) == "4"


@pytest.mark.parametrize("spec", ["blob:none", "blob:limit=1k", "tree:0"])
def test_a_partial_clone_fetches_what_it_needs_later(machine: Machine, filled: HubRepo, spec: str) -> None:
    git = machine()
    tree = git.clone(filled.git_url, "tree", "--filter", spec, "--no-checkout")
    missing = git("rev-list", "--objects", "--all", "--missing=print", cwd=tree)
    assert [line for line in missing.splitlines() if line.startswith("?")]
    git("checkout", "-q", "main", cwd=tree)
    assert (tree / "model.txt").read_text() == "2\n" * 2000


def test_a_filter_that_costs_much_is_refused(machine: Machine, filled: HubRepo) -> None:
    git = machine()
    done = git.attempt("clone", "--filter=sparse:oid=main:README.md", filled.git_url, "tree")
    assert done.code != 0
    assert "not supported" in done.err


def test_a_single_branch_clone_holds_only_that(machine: Machine, filled: HubRepo) -> None:
    git = machine()
    tree = git.clone(filled.git_url, "tree", "--single-branch", "--branch", "branch7", "--no-tags")
    refs = git("for-each-ref", "--format=%(refname)", cwd=tree).splitlines()
    assert refs == ["refs/heads/branch7", "refs/remotes/origin/branch7"]


def test_many_wants_come_compressed(machine: Machine, filled: HubRepo) -> None:
    git = machine()
    done = git.attempt("clone", filled.git_url, "tree", env={"GIT_TRACE_CURL": "1"})
    assert done.code == 0
    assert "content-encoding: gzip" in done.err.lower()
    assert len(git("branch", "-r", cwd=git.home / "tree").splitlines()) == 42  # HEAD, main and forty


def test_an_anonymous_clone_of_a_public_repo_asks_for_nothing(machine: Machine, filled: HubRepo) -> None:
    git = machine()
    tree = git.clone(filled.git_url, "tree", "--mirror")
    git("fsck", "--strict", cwd=tree)
    assert git("rev-parse", "release^{commit}", cwd=tree) == git("rev-parse", "main", cwd=tree)


def test_an_empty_repo_can_be_cloned(hub: Hub, machine: Machine) -> None:
    repo = hub.repo(visibility=Visibility.PUBLIC, empty=True)
    git = machine()
    tree = git.clone(repo.git_url, "tree")
    assert git("symbolic-ref", "HEAD", cwd=tree) == "refs/heads/main"


def test_archives_are_not_made_over_http(machine: Machine, filled: HubRepo) -> None:
    done = machine().attempt("archive", f"--remote={filled.git_url}", "main")
    assert done.code != 0
