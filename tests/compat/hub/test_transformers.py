"""transformers pushes a tiny model and reads it back, also by its stage; without torch, what goes with a model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compat.hub.clients import RELEASES, Client, Outside
from tests.support.git import Git
from tests.support.hub import Hub, User

_TORCH = next(iter((RELEASES[-1].folder / "lib").glob("python*/site-packages/torch")), None)
needs_torch = pytest.mark.skipif(_TORCH is None, reason="torch is not installed (scripts/torch .venv-hub-2)")


@pytest.fixture(scope="module")
def owner(hub: Hub) -> User:
    return hub.user("learner")


@pytest.fixture(scope="module")
def client(
    hub: Hub, owner: User, outside: Outside, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    release = RELEASES[-1]
    if not release.is_installed:
        pytest.skip(f"transformers is not installed: {release.folder.name} (make setup-hub)")
    made = Client(release, tmp_path_factory.mktemp("learner") / "home", hub.url, owner.token, outside)
    yield made
    made.close()
    assert made.elsewhere() == []


def test_a_tokenizer_and_a_configuration(client: Client, owner: User) -> None:
    repo = f"{owner.name}/tokens"
    ids = client.call("learning.push_tokenizer", repo=repo)
    assert client.call("learning.read_tokenizer", repo=repo) == {"ids": ids, "hidden": 16}


@needs_torch
def test_a_model_is_pushed_and_read_by_its_stage(
    hub: Hub, client: Client, owner: User, tmp_path: Path
) -> None:
    repo = f"{owner.name}/bert"
    first = client.call("learning.push_model", repo=repo, seed=1, folder=tmp_path / "first")
    git = Git(tmp_path / "home", owner.token)
    tree = git.clone(f"{hub.url}/{repo}.git", "bert")
    assert (tree / "model.safetensors").read_bytes() == (tmp_path / "first/model.safetensors").read_bytes()
    for tag in ("bert@v1.0.0", "bert#prod#1"):
        git("tag", "-a", tag, "-m", tag, cwd=tree)
        git("push", "-q", "origin", tag, cwd=tree)
    second = client.call("learning.push_model", repo=repo, seed=2, folder=tmp_path / "second")
    assert first != second
    assert client.call("learning.read_model", repo=repo) == second
    for revision in ("prod", "bert#prod", "bert@v1.0.0"):
        assert client.call("learning.read_model", repo=repo, revision=revision) == first
