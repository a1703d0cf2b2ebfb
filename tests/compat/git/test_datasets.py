"""Datasets have Git and Git LFS at an address of their own."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from modelkeep.domain.access import Role
from tests.support.git import Git
from tests.support.hub import Hub

Machine = Callable[..., Git]


@pytest.mark.parametrize("suffix", [".git", ""])
def test_a_dataset_is_pushed_and_cloned(hub: Hub, machine: Machine, suffix: str) -> None:
    user, reader = hub.user(), hub.user()
    place = hub.org((user, Role.CONTRIBUTOR), (reader, Role.READER))
    model = hub.repo(namespace=place)
    data = hub.known(hub.services.repos.create(hub.local, f"datasets/{place}", model.name).repo)
    assert data.git_url == f"{hub.url}/datasets/{place}/{model.name}.git"
    git, other = machine(user.token), machine(reader.token)

    tree = git.clone(f"{data.url}{suffix}", "tree")
    content = random.Random(suffix).randbytes(70_000)
    git.commit(tree, {"part.parquet": content, "README.md": "data\n"})
    git("push", "-q", "origin", "main", cwd=tree)
    git("lfs", "lock", "part.parquet", cwd=tree)

    copy = other.clone(f"{data.url}{suffix}", "copy")
    assert (copy / "part.parquet").read_bytes() == content
    assert user.name in other("lfs", "locks", cwd=copy)
    assert not (other.clone(model.git_url, "model") / "part.parquet").exists()


def test_an_address_of_datasets_is_no_way_round(hub: Hub) -> None:
    """A stranger, and somebody without a name, get what an absent repo gives them."""
    stranger, place = hub.user(), hub.org()
    hub.services.repos.create(hub.local, f"datasets/{place}", "secret")
    for path in ("info/refs?service=git-upload-pack", "HEAD", "objects/info/packs"):
        for token in (None, stranger.token):
            answers = [
                hub.request("GET", f"/datasets/{place}/{name}.git/{path}", token)
                for name in ("secret", "absent")
            ]
            assert answers[0].status_code == answers[1].status_code
            assert answers[0].status_code in (401, 404)
