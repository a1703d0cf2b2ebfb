"""Fixtures of the Git store's tests: repositories on disk, the real git, and a server that carries packs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelkeep.git import push_hook
from modelkeep.git.repositories import Repositories
from tests.contract.git.real_git import Git
from tests.contract.git.smart_http import SmartHttp


@pytest.fixture
def repositories(tmp_path: Path) -> Repositories:
    return Repositories(tmp_path / "repositories")


@pytest.fixture
def git_dir(repositories: Repositories) -> Path:
    repo_id = uuid.uuid4().hex
    repositories.create(repo_id, "main")
    return repositories.path(repo_id)


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """The user's git, with a home of its own."""
    home = tmp_path / "home"
    home.mkdir()
    return Git(home)


@pytest.fixture
def hub(git_dir: Path, tmp_path: Path) -> Iterator[SmartHttp]:
    with SmartHttp(git_dir, push_hook.install(tmp_path / "hooks")) as server:
        yield server
