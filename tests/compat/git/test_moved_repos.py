"""After a rename or a transfer the old addresses keep working, for Git and for Git LFS."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from modelkeep.domain.access import Role
from tests.support.git import Git
from tests.support.hub import Hub

Machine = Callable[..., Git]


@pytest.mark.parametrize("how", ["rename", "transfer", "both"])
def test_clones_with_the_old_address_pull_and_push(hub: Hub, machine: Machine, how: str) -> None:
    user, reader = hub.user(), hub.user()
    repo = hub.repo((user, Role.OWNER), (reader, Role.READER))
    place = hub.org((user, Role.OWNER), (reader, Role.READER)) if how != "rename" else None
    writer, other = machine(user.token), machine(reader.token)
    tree, copy = writer.clone(repo.git_url, "tree"), other.clone(repo.git_url, "copy")
    moved = hub.services.repos.move(
        hub.actor(user.token),
        repo.namespace,
        repo.name,
        new_namespace=place,
        new_name="another" if how != "transfer" else None,
    ).repo
    assert str(moved.full_name) != repo.full_name

    content = random.Random(how).randbytes(5000)
    writer.commit(tree, {"weights.bin": content})
    writer("push", "-q", "origin", "main", cwd=tree)
    writer("lfs", "lock", "weights.bin", cwd=tree)
    other("pull", "-q", cwd=copy)

    assert (copy / "weights.bin").read_bytes() == content
    assert user.name in other("lfs", "locks", cwd=copy)
    fresh = other.clone(hub.known(moved).git_url, "fresh")
    assert (fresh / "weights.bin").read_bytes() == content


def test_a_new_repo_takes_the_old_name_over(hub: Hub, machine: Machine) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.OWNER))
    moved = hub.services.repos.move(hub.actor(user.token), repo.namespace, repo.name, new_name="another").repo
    new = hub.services.repos.create(hub.actor(user.token), repo.namespace, repo.name).repo
    git = machine(user.token)
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"a.txt": "a\n"})
    git("push", "-q", "origin", "main", cwd=tree)
    commit = git("rev-parse", "HEAD", cwd=tree)
    assert git("rev-parse", "main", cwd=hub.known(new).git_dir) == commit
    assert git("rev-parse", "main", cwd=hub.known(moved).git_dir) != commit


def test_an_old_name_opens_no_more_than_the_new_one(hub: Hub, machine: Machine) -> None:
    user, stranger = hub.user(), hub.user()
    repo = hub.repo((user, Role.OWNER))
    hub.services.repos.move(hub.actor(user.token), repo.namespace, repo.name, new_name="another")
    done = machine(stranger.token).attempt("ls-remote", repo.git_url)
    assert done.code != 0
    assert "not found" in done.err
