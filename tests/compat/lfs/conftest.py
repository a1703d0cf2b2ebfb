"""What the tests of Git LFS share."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import pytest

from modelkeep.domain.access import Role
from tests.support.hub import Hub, HubRepo, User
from tests.support.lfs import LfsClient

_seeds = itertools.count(1)


@pytest.fixture(scope="module")
def user(hub: Hub) -> User:
    return hub.user()


@pytest.fixture(scope="module")
def repo(hub: Hub, user: User) -> HubRepo:
    return hub.repo((user, Role.CONTRIBUTOR))


@pytest.fixture(scope="module")
def lfs(hub: Hub, repo: HubRepo, user: User) -> LfsClient:
    """The LFS API of ``repo``, as ``user``."""
    return LfsClient(hub, repo, user.token)


@pytest.fixture(scope="module")
def fresh() -> Callable[[int], bytes]:
    """Makes content that no test has used, the same in every run."""
    return lambda size: random.Random(f"{next(_seeds)}-{size}").randbytes(size)
