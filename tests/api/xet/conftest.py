"""What tests of this room share."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import pytest

from modelkeep.domain.access import Role
from tests.support.hub import Hub, HubRepo, User
from tests.support.xet import XetClient, Xorb

_seeds = itertools.count()


@pytest.fixture
def new_xorb() -> Callable[..., Xorb]:
    """Makes xorbs of random chunks, no two alike."""

    def make(count: int = 6) -> Xorb:
        source = random.Random(f"xorb {next(_seeds)}")
        return Xorb([source.randbytes(source.randint(50, 3000)) for _ in range(count)])

    return make


@pytest.fixture
def user(hub: Hub) -> User:
    return hub.user()


@pytest.fixture
def repo(hub: Hub, user: User) -> HubRepo:
    return hub.repo((user, Role.CONTRIBUTOR))


@pytest.fixture
def client(hub: Hub, user: User, repo: HubRepo) -> XetClient:
    return XetClient(hub, repo, user.token)


@pytest.fixture
def xorb(client: XetClient, new_xorb: Callable[..., Xorb]) -> Xorb:
    """A xorb that the store has."""
    made = new_xorb()
    assert client.send_xorb(made).json() == {"was_inserted": True}
    return made
